package cuda

import (
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// The limits of the kernels, by type of products. X wider than the last form goes
// through the two-phase kernels.

// tileColumns is where the tile form ends: 128 rows of it fit 48 KB of shared memory.
func tileColumns(real string) int { return map[string]int{"f32": 64, "f64": 40}[real] }

// manyOutputs is the number of outputs that the K-model kernels take in one read.
const manyOutputs = 16

// form is one kernel of a family that differ in the columns they take.
type form struct {
	columns int
	kernel  string
	block   bool // keeps coefficients in dynamic shared memory
}

// forms of a family by type of products, narrowest first. tile forms stand apart: they
// take narrow rows that do not start at multiples of four numbers.
var (
	evalForms = map[string][]form{
		"f32": append(warpForms("logistic_eval", 32, 64, 128, 256, 512, 1024), blockForms("logistic_eval", 2048, 4096, 8192, 14336)...),
		"f64": append(warpForms("logistic_eval", 32, 64, 128, 256, 512), blockForms("logistic_eval", 2048, 4096, 6144)...),
	}
	hessForms = map[string][]form{
		"f32": append(warpForms("hess_vec", 32, 64, 128, 256, 512, 1024), blockForms("hess_vec", 2048, 4096, 8192)...),
		"f64": append(warpForms("hess_vec", 32, 64, 128, 256, 512), blockForms("hess_vec", 2048, 4096)...),
	}
	manyForms = map[string][]form{
		"f32": {{256, "256", false}, {1024, "1024", false}},
		"f64": {{256, "256", false}, {512, "512", false}},
	}
	tensorForms = []form{{128, "128", false}, {1024, "1024", false}}
)

func warpForms(family string, columns ...int) (forms []form) {
	for _, c := range columns {
		forms = append(forms, form{c, fmt.Sprintf("%s_warp%d", family, c), false})
	}
	return forms
}

func blockForms(family string, columns ...int) (forms []form) {
	for _, c := range columns {
		forms = append(forms, form{c, fmt.Sprintf("%s_block%d", family, c), true})
	}
	return forms
}

// choose returns the first form that takes the columns, with its dynamic shared bytes.
func (d *data) choose(forms []form, vectors int) (f form, shared int, ok bool) {
	for _, f := range forms {
		if d.ld > f.columns {
			continue
		}
		if f.block {
			shared = vectors * d.ld * d.realSize
		}
		// 4 KB: what the block forms have of static shared memory, and some.
		return f, shared, shared+4096 <= d.g.info.SharedPerBlock
	}
	return form{}, 0, false
}

// policy is what is chosen by compute capability rather than by limits. There is no
// measurement behind it yet: docs/kernels.md gives the estimates.
type policy struct {
	major, minor int // from this capability on
	tensorFrom   int // outputs from which the tensor cores take the K-model evaluation; 0: never
	tensorGram   bool
}

// policies, the most capable first.
var policies = []policy{
	// 3xTF32 costs three products of eight times FFMA's rate: worth its splitting once
	// FFMA falls behind memory, at about 8 outputs of float32.
	{8, 0, 8, true},
	{0, 0, 0, false}, // no TF32
}

// choosePolicy looks the device up.
func (g *gpu) choosePolicy() policy {
	for _, p := range policies {
		if g.info.Major > p.major || g.info.Major == p.major && g.info.Minor >= p.minor {
			// The tensor kernels are in the targets from sm_80 on only: an old driver
			// may hold a newer device to sm_75.
			if p.tensorGram && g.target.Major < 8 {
				continue
			}
			return p
		}
	}
	return policy{}
}

// kind is the way a group of models is evaluated.
type kind int

const (
	single  kind = iota // one model of one output, alone
	several             // up to manyOutputs models of one output
	softmax             // one softmax model of up to manyOutputs outputs
	wide                // two phases: models of one output, or one softmax model
)

// group is a set of models evaluated by the same launches.
type group struct {
	kind    kind
	models  []int // indices into the operation's models
	outputs int
	softmax bool
}

// plan groups the models of an operation; vectors is 1 for Eval, 2 for HessVec.
func (d *data) plan(models []backend.Model, forms []form, vectors int) (groups []group) {
	var ones []int
	_, _, alone := d.choose(forms, vectors)
	_, _, many := d.choose(manyForms[d.real], 0)
	many = many || d.sparse != nil
	for k, m := range models {
		switch {
		case m.Classes == 0:
			ones = append(ones, k)
		case many && m.Classes <= manyOutputs:
			groups = append(groups, group{softmax, []int{k}, m.Classes, true})
		default:
			groups = append(groups, group{wide, []int{k}, m.Classes, true})
		}
	}
	for len(ones) > 0 {
		n := min(len(ones), manyOutputs)
		g := group{several, ones[:n], n, false}
		switch {
		case n == 1 && (alone || d.narrow()):
			g.kind = single
		case !many:
			g.kind = wide
		}
		groups = append(groups, g)
		ones = ones[n:]
	}
	return groups
}
