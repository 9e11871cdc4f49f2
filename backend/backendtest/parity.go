package backendtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

// checkParity compares every operation with the reference over all cases.
func checkParity(t *testing.T, b backend.Backend, o Options) {
	r := &report{slack: o.Slack, worst: map[string]finding{}}
	n := 0
	for round := range o.Rounds {
		for _, c := range cases(o, o.Seed+uint64(round)) {
			n++
			t.Run(c.String(), func(t *testing.T) { c.check(t, b, o, r) })
		}
	}
	t.Logf("%d cases", n)
	r.log(t)
}

// trial is one Data beside the reference's.
type trial struct {
	o         Options
	r         *report
	where     string
	got, want backend.Data
	budget    *budget
	base      []float64 // what Sample made of the weight 1
	models    []backend.Model
	coef, dir []float64
	rng       *rand.Rand
	points    []point // of all models and rows, once asked for
}

func (c caseOf) check(t *testing.T, b backend.Backend, o Options, r *report) {
	src, models, coef, rng := c.source()
	got, want := mustLoad(t, b, src, c.storage), mustLoad(t, reference.New(), src, c.storage)
	require.Equal(t, c.storage, got.Storage())
	require.Equal(t, []int{c.rows, c.cols}, []int{got.Rows(), got.Cols()})
	require.Equal(t, want.Affine(), got.Affine(), "the map that ChooseAffine gives")
	dir := normals(rng, len(coef), 1/math.Sqrt(float64(c.cols)))
	v := &trial{o: o, r: r, where: c.String(), got: got, want: want, budget: newBudget(src, c.storage, want.Affine()), models: models, coef: coef, dir: dir, rng: rng}
	v.all(t)
	if o.has(Sample) {
		v.sample(t)
	}
	close(t, got)
	close(t, want)
}

func (v *trial) all(t *testing.T) {
	v.eval(t)
	v.predict(t)
	v.stats(t)
	if v.o.has(HessVec) {
		v.hessVec(t)
	}
	if v.o.has(Gram) {
		v.gram(t)
	}
	if v.o.has(ColumnGram) {
		v.columnGram(t)
	}
	if v.o.has(Line) {
		v.line(t)
	}
}

// each calls f for every row of every model, with the model's place in coef.
func (v *trial) each(f func(k int, m backend.Model, start, i int, q point)) {
	start := backend.Layout(v.models, v.budget.cols)
	if v.points == nil {
		for k, m := range v.models {
			for i := range v.budget.rows {
				v.points = append(v.points, v.budget.at(m, i, v.coef[start[k]:start[k+1]], v.base))
			}
		}
	}
	for k, m := range v.models {
		for i := range v.budget.rows {
			f(k, m, start[k], i, v.points[k*v.budget.rows+i])
		}
	}
}

// outer adds weight |s| |(x_i, 1)| to tol, and what products may lose by underflow.
func (v *trial) outer(i int, weight, s float64, tol []float64) {
	floor := weight * v.budget.floor
	for j, x := range v.budget.row(i) {
		tol[j] += math.Abs(weight*s*x) + floor
	}
	tol[v.budget.cols] += math.Abs(weight*s) + floor
}

func (v *trial) eval(t *testing.T) {
	var got, want backend.Evaluation
	err := v.got.Eval(t.Context(), v.models, v.coef, &got)
	if v.o.beyond(t, Eval, v.budget.cols, v.models, err) {
		return
	}
	require.NoError(t, v.want.Eval(t.Context(), v.models, v.coef, &want))
	v.compareEval(t, Eval, &got, &want)
}

func (v *trial) compareEval(t testing.TB, op Operation, got, want *backend.Evaluation) {
	var tol backend.Evaluation
	tol.Reset(v.models, v.budget.cols)
	rows := v.budget.acrossRows()
	exact := v.budget.exactly() // losses are summed in float64
	v.each(func(k int, m backend.Model, start, i int, q point) {
		tol.Loss[k] += q.kept * (q.lErr + exact*q.loss)
		tol.Held[k] += q.held * (q.lErr + exact*q.loss)
		for c := range q.r {
			v.outer(i, q.kept, q.rErr[c]+rows*math.Abs(q.r[c]), tol.Grad[start+c*(v.budget.cols+1):])
		}
	})
	v.r.compare(t, string(op)+" loss", v.where, got.Loss, want.Loss, tol.Loss)
	v.r.compare(t, string(op)+" held-out loss", v.where, got.Held, want.Held, tol.Held)
	v.r.compare(t, string(op)+" gradient", v.where, got.Grad, want.Grad, tol.Grad)
}

func (v *trial) predict(t *testing.T) {
	outputs := backend.Outputs(v.models)
	got, want, tol := make([]float64, v.budget.rows*outputs), make([]float64, v.budget.rows*outputs), make([]float64, v.budget.rows*outputs)
	err := v.got.Predict(t.Context(), v.models, v.coef, got)
	if v.o.beyond(t, Predict, v.budget.cols, v.models, err) {
		return
	}
	require.NoError(t, v.want.Predict(t.Context(), v.models, v.coef, want))
	first := backend.Layout(v.models, v.budget.cols)
	v.each(func(k int, m backend.Model, start, i int, q point) {
		copy(tol[i*outputs+first[k]/(v.budget.cols+1):], q.pErr)
	})
	v.r.compare(t, "Predict", v.where, got, want, tol)
}

func (v *trial) stats(t *testing.T) {
	for _, weight := range []int{backend.None, 0} {
		got, err := v.got.Stats(t.Context(), weight)
		if v.o.beyond(t, Stats, v.budget.cols, v.models, err) {
			return
		}
		want, err := v.want.Stats(t.Context(), weight)
		require.NoError(t, err)
		require.Equal(t, want.Min, got.Min)
		require.Equal(t, want.Max, got.Max)
		require.Equal(t, want.NonZero, got.NonZero)
		v.compareMoments(t, "Stats", got.Moments, want.Moments, nil)
		weights := v.base // of rows drawn with factors
		if weight != backend.None {
			weights = v.budget.src.Weights[weight]
		}
		if weights == nil {
			require.Empty(t, got.Weighted.Mean)
			continue
		}
		v.compareMoments(t, "Stats weighted", got.Weighted, want.Weighted, weights)
	}
}

func (v *trial) compareMoments(t *testing.T, what string, got, want backend.Moments, weight []float64) {
	// Deviations from a mean known to u of it: the second moment's digits are at stake.
	rows := v.budget.acrossRows()
	mean, variance := make([]float64, v.budget.cols), make([]float64, v.budget.cols)
	for i := range v.budget.rows {
		share := 1 / want.Sum
		if weight != nil {
			share *= weight[i]
		}
		if want.Sum == 0 {
			share = 0
		}
		for j, x := range v.budget.row(i) {
			mean[j] += rows*share*math.Abs(x) + v.budget.floor
			variance[j] += rows*share*x*x + v.budget.floor
		}
	}
	v.r.compare(t, what+" sum", v.where, []float64{got.Sum}, []float64{want.Sum}, []float64{v.budget.exactly() * want.Sum})
	v.r.compare(t, what+" mean", v.where, got.Mean, want.Mean, mean)
	v.r.compare(t, what+" variance", v.where, got.Var, want.Var, variance)
}

func (v *trial) hessVec(t *testing.T) {
	got, want, tol := make([]float64, len(v.coef)), make([]float64, len(v.coef)), make([]float64, len(v.coef))
	err := v.got.(backend.HessVec).HessVec(t.Context(), v.models, v.coef, v.dir, got)
	if v.o.beyond(t, HessVec, v.budget.cols, v.models, err) {
		return
	}
	require.NoError(t, v.want.(backend.HessVec).HessVec(t.Context(), v.models, v.coef, v.dir, want))
	side := v.budget.cols + 1
	rows := v.budget.acrossRows()
	u := perOperation * v.budget.u
	v.each(func(k int, m backend.Model, start, i int, q point) {
		n := m.Outputs()
		xv, err := make([]float64, n), make([]float64, n)
		size, sizeErr := 0.0, 0.0 // of sum_o p_o V_o
		for c := range n {
			xv[c], err[c] = v.budget.dot(v.budget.row(i), v.dir[start+c*side:start+(c+1)*side], 0)
			size += q.p[c] * math.Abs(xv[c])
			sizeErr += q.p[c]*err[c] + q.pErr[c]*math.Abs(xv[c])
		}
		for c := range n {
			var r, rErr float64
			if m.Classes == 0 {
				d, dErr := v.budget.curvature(m, q, 0, 0)
				r, rErr = d*math.Abs(xv[0]), dErr*math.Abs(xv[0])+d*err[0]
			} else {
				terms := math.Abs(xv[c]) + size
				r = q.p[c] * terms
				rErr = q.pErr[c]*terms + q.p[c]*(err[c]+sizeErr) + u*r
			}
			v.outer(i, q.kept, rErr+rows*r, tol[start+c*side:])
		}
	})
	v.r.compare(t, "HessVec", v.where, got, want, tol)
}

func (v *trial) gram(t *testing.T) {
	side := v.budget.cols + 1
	if v.budget.cols > 300 { // the reference takes N D^2 steps
		return
	}
	blocks := v.blocks()
	if v.budget.rows*side*side > 1<<20 { // one is enough where it takes long
		blocks = blocks[len(blocks)-1:]
	}
	matrices := func() (out [][]float64) {
		for range blocks {
			out = append(out, make([]float64, side*side))
		}
		return out
	}
	got, alone, want, tol := matrices(), matrices(), matrices(), matrices()
	var gotEv, wantEv backend.Evaluation
	err := v.got.(backend.Gram).Gram(t.Context(), v.models, v.coef, blocks, got, &gotEv)
	if v.o.beyond(t, Gram, v.budget.cols, v.models, err) {
		return
	}
	require.NoError(t, v.want.(backend.Gram).Gram(t.Context(), v.models, v.coef, blocks, want, &wantEv))
	v.compareEval(t, Gram, &gotEv, &wantEv)
	require.NoError(t, v.got.(backend.Gram).Gram(t.Context(), v.models, v.coef, blocks, alone, nil))
	rows := v.budget.acrossRows()
	v.each(func(k int, m backend.Model, _, i int, q point) {
		for b, block := range blocks {
			if block.Model != k {
				continue
			}
			d, dErr := v.budget.curvature(m, q, block.Row, block.Col)
			s := dErr + rows*math.Abs(d)
			x := v.budget.row(i)
			for a, xa := range x {
				v.outer(i, q.kept, s*xa, tol[b][a*side:])
			}
			v.outer(i, q.kept, s, tol[b][len(x)*side:])
		}
	})
	for b := range blocks {
		for i := range side {
			for j := range i {
				if got[b][i*side+j] != got[b][j*side+i] {
					require.Fail(t, "not symmetric", "block %d at (%d, %d)", b, i, j)
				}
			}
		}
		v.r.compare(t, "Gram", v.where, got[b], want[b], tol[b])
		v.r.compare(t, "Gram alone", v.where, alone[b], want[b], tol[b])
	}
}

// blocks are the first, the last and a mixed block of each of two models.
func (v *trial) blocks() (blocks []backend.GramBlock) {
	for k, m := range v.models {
		if last := m.Outputs() - 1; k == 0 || k == len(v.models)-1 {
			blocks = append(blocks, backend.GramBlock{Model: k})
			if last > 0 {
				blocks = append(blocks, backend.GramBlock{Model: k, Row: last, Col: last}, backend.GramBlock{Model: k, Row: last, Col: last - 1})
			}
		}
	}
	return blocks
}

func (v *trial) columnGram(t *testing.T) {
	blocks := v.blocks()
	if v.budget.rows*v.budget.cols > 1<<16 { // one is enough where it takes long
		blocks = blocks[len(blocks)-1:]
	}
	few := []int{}
	for j := range v.budget.cols {
		if v.rng.IntN(1+v.budget.cols/40) == 0 {
			few = append(few, j)
		}
	}
	for _, cols := range [][]int{few, {}} {
		side := len(cols) + 1
		matrices := func(side int) (out [][]float64) {
			for range blocks {
				out = append(out, make([]float64, side))
			}
			return out
		}
		got, want, tol := matrices(side*side), matrices(side*side), matrices(side*side)
		gotDiagonal, wantDiagonal, diagonalTol := matrices(v.budget.cols+1), matrices(v.budget.cols+1), matrices(v.budget.cols+1)
		err := v.got.(backend.ColumnGram).ColumnGram(t.Context(), v.models, v.coef, blocks, cols, got, gotDiagonal)
		if v.o.beyond(t, ColumnGram, v.budget.cols, v.models, err) {
			return
		}
		require.NoError(t, v.want.(backend.ColumnGram).ColumnGram(t.Context(), v.models, v.coef, blocks, cols, want, wantDiagonal))
		rows := v.budget.acrossRows()
		x := make([]float64, side)
		x[side-1] = 1
		v.each(func(k int, m backend.Model, _, i int, q point) {
			all := v.budget.row(i)
			for a, j := range cols {
				x[a] = all[j]
			}
			for b, block := range blocks {
				if block.Model != k {
					continue
				}
				d, dErr := v.budget.curvature(m, q, block.Row, block.Col)
				s, floor := dErr+rows*math.Abs(d), q.kept*v.budget.floor
				for a, xa := range x {
					for c, xc := range x {
						tol[b][a*side+c] += math.Abs(q.kept*s*xa*xc) + floor
					}
				}
				for j, xj := range all {
					diagonalTol[b][j] += q.kept*s*xj*xj + floor
				}
				diagonalTol[b][len(all)] += q.kept*s + floor
			}
		})
		for b := range blocks {
			for i := range side {
				for j := range i {
					if got[b][i*side+j] != got[b][j*side+i] {
						require.Fail(t, "not symmetric", "block %d at (%d, %d)", b, i, j)
					}
				}
			}
			v.r.compare(t, "ColumnGram", v.where, got[b], want[b], tol[b])
			v.r.compare(t, "ColumnGram diagonal", v.where, gotDiagonal[b], wantDiagonal[b], diagonalTol[b])
		}
	}
}

func (v *trial) line(t *testing.T) {
	got, err := v.got.(backend.LineSearcher).Direction(t.Context(), v.models, v.coef, v.dir)
	if v.o.beyond(t, Line, v.budget.cols, v.models, err) {
		return
	}
	want, err := v.want.(backend.LineSearcher).Direction(t.Context(), v.models, v.coef, v.dir)
	require.NoError(t, err)
	side := v.budget.cols + 1
	var steps [][]float64
	table := func() (out [][]float64) {
		for _, s := range steps {
			out = append(out, make([]float64, len(s)))
		}
		return out
	}
	for k := range v.models { // several steps, one, none
		steps = append(steps, [][]float64{{0, 1, -0.25, 8}, {0.5}, {}}[k%3])
	}
	gotLoss, gotSlope, wantLoss, wantSlope, lossTol, slopeTol := table(), table(), table(), table(), table(), table()
	require.NoError(t, got.At(t.Context(), steps, gotLoss, gotSlope))
	require.NoError(t, want.At(t.Context(), steps, wantLoss, wantSlope))
	rows := v.budget.acrossRows()
	v.each(func(k int, m backend.Model, start, i int, q point) {
		n := m.Outputs()
		s, ds := make([]float64, n), make([]float64, n)
		for c := range n {
			s[c], ds[c] = v.budget.dot(v.budget.row(i), v.dir[start+c*side:start+(c+1)*side], 0)
		}
		for j, step := range steps[k] {
			moved := v.budget.along(m, v.budget.src.Labels[m.Label][i], q, step, s, ds)
			lossTol[k][j] += moved.kept * (moved.lErr + v.budget.exactly()*moved.loss)
			for c := range n {
				slopeTol[k][j] += moved.kept * (moved.rErr[c]*math.Abs(s[c]) + math.Abs(moved.r[c])*(ds[c]+rows*math.Abs(s[c])))
			}
		}
	})
	for k := range v.models {
		v.r.compare(t, "Line loss", v.where, gotLoss[k], wantLoss[k], lossTol[k])
		v.r.compare(t, "Line slope", v.where, gotSlope[k], wantSlope[k], slopeTol[k])
	}
	close(t, got)
	close(t, want)
}

// sample runs everything again on rows drawn with repetition, and on rows drawn from
// those; the second time without factors.
func (v *trial) sample(t *testing.T) {
	s := *v
	for depth := range 2 {
		rows := make([]int, max(1, s.budget.rows*2/3))
		var factor []float64
		for i := range rows {
			rows[i] = v.rng.IntN(s.budget.rows)
			if depth == 0 {
				factor = append(factor, float64(v.rng.IntN(3))*0.75)
			}
		}
		got, err := s.got.(backend.Sampler).Sample(t.Context(), rows, factor)
		if s.o.beyond(t, Sample, s.budget.cols, s.models, err) {
			return
		}
		want, err := s.want.(backend.Sampler).Sample(t.Context(), rows, factor)
		require.NoError(t, err)
		require.Equal(t, s.want.Affine(), got.Affine())
		require.Equal(t, s.want.Storage(), got.Storage())
		require.Equal(t, len(rows), got.Rows())
		base := factor
		if s.base != nil {
			base = pick(s.base, rows)
		}
		s.got, s.want, s.budget, s.base, s.points = got, want, s.budget.sampled(rows, factor), base, nil
		s.all(t)
		defer close(t, got)
		defer close(t, want)
	}
}
