package logreg

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/checkpoint"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/objective"
)

// CheckpointOptions ask a fit to keep a file from which another can go on after the
// program has ended, at whatever moment and in whatever way, to the same bits that it
// would have come to itself. Package checkpoint says how.
//
// A fit never fails because the file cannot be written any more: Notice is told, and
// the file stays good as far as it goes. That it can be written at all is found out
// before the fit. The file is left where it is, whatever the fit comes to: once the
// model is safe, remove it, or keep it to fit on with another Tol or MaxIter.
type CheckpointOptions struct {
	// Path is the file. Each evaluation takes 8 bytes a coefficient in it, each matrix of
	// second derivatives 4 bytes a number, and all together never more than 8 GiB.
	Path string

	// Every is how much work may be lost, besides the operation that was under way: the
	// file is synced to the disk that often. 0 does so after each operation. An epoch
	// of sgd in batches counts as one operation.
	Every time.Duration

	// Resume goes on from the file at Path; there being none is no error. A file of
	// other data or other options is an error of kind checkpoint.ErrOther that names
	// the difference. Tol and MaxIter may differ, and Threads: the fit is then the one
	// of the new values. Without Resume, a checkpoint at Path is replaced.
	Resume bool

	// Notice, if set, is told one line at a time what became of the file.
	Notice func(string)
}

func (o *CheckpointOptions) check() error {
	switch {
	case o == nil:
		return nil
	case o.Path == "":
		return &objective.OptionError{Option: "checkpoint", Reason: "has no path"}
	case o.Every < 0:
		return &objective.OptionError{Option: "checkpoint-every", Reason: fmt.Sprintf("is %v; it must not be negative", o.Every)}
	}
	return nil
}

// journal puts a checkpoint before the data that b loaded from src, where one is asked
// for; more are the facts of the kind of fit. The returned function closes it.
func (o *Options) journal(b backend.Backend, data backend.Data, src *backend.Source, names []string, more ...checkpoint.Fact) (kept backend.Data, done func(), err error) {
	c := o.Checkpoint
	if c == nil {
		return data, func() {}, nil
	}
	facts := append(o.facts(b, data, names), more...)
	of, err := checkpoint.OfSource(src)
	if err != nil {
		return nil, nil, err
	}
	j, err := checkpoint.Open(checkpoint.Options{Path: c.Path, Every: c.Every, Resume: c.Resume, Notice: c.Notice}, append(facts, of...))
	if err != nil {
		return nil, nil, err
	}
	return j.Data(data), func() { j.Close() }, nil
}

// facts are what the numbers of a fit follow from, besides the data. What is above the
// backend computes anew what it is asked, so Tol and MaxIter are none of them.
func (o *Options) facts(b backend.Backend, data backend.Data, names []string) []checkpoint.Fact {
	device := "any"
	if p, ok := b.(backend.Particular); ok {
		device = p.Device()
	}
	facts := []checkpoint.Fact{
		checkpoint.Of("program", programID()),
		checkpoint.Of("backend", b.Name()),
		checkpoint.Of("device", device),
		checkpoint.Of("dtype", data.Storage()),
		checkpoint.Of("column names", fmt.Sprintf("%q", names)),
		checkpoint.Of("solver", o.Solver),
		checkpoint.Of("penalty", o.Penalty),
		checkpoint.Of("C", o.C),
		checkpoint.Of("l1-ratio", o.l1Ratio()),
		checkpoint.Of("penalty-factors", o.PenaltyFactors),
		checkpoint.Of("intercept", !o.NoIntercept),
		checkpoint.Of("standardize", o.Standardize),
		checkpoint.Of("class-weight", fmt.Sprint(o.ClassWeight.Balanced, o.ClassWeight.ByLabel)),
		checkpoint.Of("multi-class", fmt.Sprintf("%q", o.MultiClass)),
		checkpoint.Of("seed", o.Seed),
	}
	if o.Solver == "sgd" {
		s := o.SGD
		facts = append(facts,
			checkpoint.Of("lr", s.LearningRate), checkpoint.Of("batch", s.Batch), checkpoint.Of("momentum", s.Momentum),
			checkpoint.Of("adam", s.Adam), checkpoint.Of("schedule", fmt.Sprintf("%q", s.Schedule)), checkpoint.Of("decay", s.Decay))
	}
	warm := "none"
	if o.Warm != nil {
		warm = fmt.Sprint(o.Warm.Coef, o.Warm.Intercept)
	}
	return append(facts, checkpoint.Of("warm start", warm))
}

// classesFact is that of the labels' names.
func classesFact(classes ...dataset.Classes) checkpoint.Fact {
	var all [][]string
	for _, c := range classes {
		all = append(all, c.Names)
	}
	return checkpoint.Of("classes", fmt.Sprintf("%q", all))
}

// programID names the code that the numbers come from: this module's version, as far
// as the go command recorded one, the compiler's and the processor's.
func programID() string {
	const module = "github.com/logreg-gpu/logreg-gpu"
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Path == module {
			version = info.Main.Version
		}
		i := slices.IndexFunc(info.Deps, func(d *debug.Module) bool { return d.Path == module })
		if i >= 0 {
			version = info.Deps[i].Version
		}
	}
	return fmt.Sprintf("%s, %s, %s", version, runtime.Version(), runtime.GOARCH)
}
