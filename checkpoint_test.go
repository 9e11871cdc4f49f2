package logreg_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// noisy is a table of n rows whose labels of k classes follow d normal columns under
// noise; weighted rows weigh 0 to 2.
func noisy(t testing.TB, n, d, k int, weighted bool) *dataset.Dataset {
	random := rand.New(rand.NewPCG(uint64(n), uint64(d)))
	x, labels := make([]float64, n*d), make([]int, n)
	for i := range n {
		z := 2 * random.NormFloat64()
		for j := range d {
			x[i*d+j] = random.NormFloat64()
			z += x[i*d+j] / float64(j+1)
		}
		labels[i] = min(k-1, max(0, int(z+float64(k)/2)))
	}
	ds, err := dataset.New(x, n, d, labels)
	require.NoError(t, err)
	if weighted {
		ds.Weights = make([]float64, n)
		for i := range ds.Weights {
			ds.Weights[i] = 2 * random.Float64()
		}
	}
	return ds
}

// outcome is all that a fit comes to, but for times.
func outcome(t testing.TB, r *logreg.Result) string {
	var m bytes.Buffer
	require.NoError(t, r.Model.Encode(&m))
	plain := *r
	plain.Model, plain.Load, plain.Fit = nil, 0, 0
	rest, err := json.Marshal(plain)
	require.NoError(t, err)
	return m.String() + string(rest)
}

// records gives the places in a checkpoint where its header and its records end.
func records(t testing.TB, file []byte) (ends []int) {
	line := bytes.IndexByte(file, '\n') + 1
	at := line + 4 + int(binary.LittleEndian.Uint32(file[line:])) + 4
	for ; at < len(file); at += 8 + 32 + int(binary.LittleEndian.Uint64(file[at:])) + 4 {
		ends = append(ends, at)
	}
	require.Equal(t, len(file), at)
	return append(ends, at)
}

// checkpointed is a kind of fit.
type checkpointed struct {
	name string
	rows, cols,
	classes int
	weighted bool
	change   func(*logreg.Options)
}

// Every solver, on its own and through what takes over from it.
var everySolver = []checkpointed{
	{"newton", 300, 3, 2, false, func(o *logreg.Options) { o.Solver = "newton" }},
	{"newton, no penalty", 300, 3, 3, true, func(o *logreg.Options) { o.Solver, o.Penalty = "newton", "none" }},
	{"lbfgs", 300, 3, 3, false, func(o *logreg.Options) { o.Solver = "lbfgs" }},
	{"newton-cg", 300, 4, 2, true, func(o *logreg.Options) { o.Solver = "newton-cg" }},
	{"newton-cg, metric of a sample", 17000, 4, 2, false, func(o *logreg.Options) { o.Solver = "newton-cg" }},
	{"staged", 20000, 4, 2, false, func(o *logreg.Options) { o.Solver = "staged" }},
	{"staged, softmax", 20000, 3, 4, true, func(o *logreg.Options) { o.Solver, o.C = "staged", 1e4 }},
	{"prox-newton", 300, 4, 3, false, func(o *logreg.Options) { o.Solver, o.Penalty = "prox-newton", "l1" }},
	{"proxstaged", 20000, 4, 2, true, func(o *logreg.Options) { o.Solver, o.Penalty, o.L1Ratio = "staged", "elasticnet", 0.3 }},
	{"owlqn", 300, 4, 2, false, func(o *logreg.Options) { o.Solver, o.Penalty = "owlqn", "l1" }},
	{"sgd", 300, 3, 2, false, func(o *logreg.Options) { o.Solver, o.MaxIter = "sgd", 20 }},
	{"sgd in batches", 300, 3, 2, true, func(o *logreg.Options) {
		o.Solver, o.MaxIter = "sgd", 20
		o.SGD = solver.SGD{Batch: 32, LearningRate: 0.1, Schedule: solver.Cosine, Momentum: 0.5}
	}},
	{"sgd by Adam", 300, 3, 3, false, func(o *logreg.Options) {
		o.Solver, o.MaxIter = "sgd", 20
		o.SGD = solver.SGD{Batch: 64, LearningRate: 0.01, Adam: true}
	}},
	{"one against the others", 500, 3, 4, false, func(o *logreg.Options) { o.MultiClass = "ovr" }},
	{"from afar, by line searches", 300, 3, 2, false, func(o *logreg.Options) {
		o.Solver = "newton"
		o.Backend = "cpu-reference"
		o.Standardize = true
	}},
	{"float32", 300, 3, 2, false, func(o *logreg.Options) { o.Storage = backend.Float32 }},
}

func (c *checkpointed) prepare(t testing.TB) (*dataset.Dataset, logreg.Options) {
	opts := logreg.DefaultOptions()
	c.change(&opts)
	ds := noisy(t, c.rows, c.cols, c.classes, c.weighted)
	if strings.HasPrefix(c.name, "from afar") {
		start := opts
		start.MaxIter, start.Solver = 1, "lbfgs"
		r, err := logreg.Fit(ctx, ds, start)
		require.NoError(t, err)
		for i := range r.Model.Coef[0] {
			r.Model.Coef[0][i] = 50
		}
		opts.Warm = r.Model
	}
	return ds, opts
}

// A checkpoint changes nothing in a fit; and cut anywhere - after any answer, within
// one, within the checksum of one - it resumes to the same fit, and is then the same
// file again.
func TestFit_P23_ResumedFromAnyPlaceIsUninterrupted(t *testing.T) {
	for _, c := range everySolver {
		t.Run(c.name, func(t *testing.T) {
			ds, opts := c.prepare(t)
			r, err := logreg.Fit(ctx, ds, opts)
			require.NoError(t, err)
			want := outcome(t, r)

			path := filepath.Join(t.TempDir(), "fit.ckpt")
			opts.Checkpoint = &logreg.CheckpointOptions{Path: path}
			r, err = logreg.Fit(ctx, ds, opts)
			require.NoError(t, err)
			require.Equal(t, want, outcome(t, r))
			whole, err := os.ReadFile(path)
			require.NoError(t, err)

			ends := records(t, whole)
			require.Greater(t, len(ends), 5)
			random := rand.New(rand.NewPCG(23, 0))
			cuts := ends
			if len(cuts) > 40 {
				random.Shuffle(len(cuts), func(i, j int) { cuts[i], cuts[j] = cuts[j], cuts[i] })
				cuts = cuts[:40]
			}
			for range 20 {
				cuts = append(cuts, ends[0]+random.IntN(len(whole)-ends[0]))
			}
			for _, cut := range cuts {
				require.NoError(t, os.WriteFile(path, whole[:max(cut, ends[0])], 0o666))
				opts.Checkpoint.Resume = true
				r, err = logreg.Fit(ctx, ds, opts)
				require.NoError(t, err)
				require.Equal(t, want, outcome(t, r), "cut at %d", cut)
				again, err := os.ReadFile(path)
				require.NoError(t, err)
				require.True(t, bytes.Equal(whole, again), "cut at %d", cut)
			}
		})
	}
}
