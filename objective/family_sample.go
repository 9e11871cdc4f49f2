package objective

import (
	"context"
	"errors"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

var _ solver.Cohort = (*Family)(nil)

// Rows is the number of rows of X.
func (f *Family) Rows() int { return f.data.Rows() }

// MostSampled implements solver.Limited.
func (f *Family) MostSampled() int { return backend.MostSampled(f.data) }

// Leaders are Whole with a C by which the penalty weighs beside all rows what it weighs,
// on average, beside those that the members keep.
func (f *Family) Leaders(ctx context.Context) (leaders solver.Cohort, of []int, err error) {
	return f.whole(ctx, true)
}

// Whole are the members without their folds: one, over all rows, for those that differ in
// nothing else, and in the same coordinates. of[k] is the one of member k. Where no member
// leaves out a fold, it is the family itself.
func (f *Family) Whole(ctx context.Context) (whole *Family, of []int, err error) {
	return f.whole(ctx, false)
}

func (f *Family) whole(ctx context.Context, alike bool) (whole *Family, of []int, err error) {
	of = make([]int, len(f.members))
	if !slices.ContainsFunc(f.asked, func(m Member) bool { return m.Model.Fold != backend.None }) {
		for k := range of {
			of[k] = k
		}
		return f, of, nil
	}
	whole = &Family{data: f.data, share: f.share, passes: f.passes}
	for k, o := range f.members {
		kin := f.kin(k)
		if kin < k {
			of[k] = of[kin]
			continue
		}
		m := f.asked[k]
		m.Model.Fold, m.Options.TotalWeight = backend.None, 0
		if alike {
			m.Options.C *= f.meanWeight(k) / f.total(k)
		}
		one, err := New(ctx, f.data, m.Model, m.Options)
		if err != nil {
			return nil, nil, err
		}
		one.coords = o.coords
		one.lasso = one.newLasso(one.lasso.lambda)
		one.quad = one.newQuadratic()
		of[k] = len(whole.members)
		whole.asked = append(whole.asked, m)
		whole.add(one)
	}
	return whole, of, nil
}

// meanWeight is that of the rows that member k and its kin keep.
func (f *Family) meanWeight(k int) float64 {
	n, sum := 0, 0.0
	for i, o := range f.members {
		if f.kin(i) == k {
			n++
			sum += o.sum
		}
	}
	return sum / float64(n)
}

// Sample is the family over about m of the rows (lots), or fewer where they do not fit,
// drawn by classes and weights as far as the members agree on them. Samples are nested
// where the largest is drawn first. It reads the rows drawn twice.
func (f *Family) Sample(ctx context.Context, m int, seed uint64) (*solver.CohortSample, error) {
	return fitting(m, func(m int) (*solver.CohortSample, error) { return f.sample(ctx, m, seed) })
}

func (f *Family) sample(ctx context.Context, m int, seed uint64) (*solver.CohortSample, error) {
	sampler, ok := f.data.(backend.Sampler)
	if !ok {
		return nil, backend.ErrUnsupported
	}
	if f.lots == nil || f.lots.seed != seed {
		f.drawLots(seed)
	}
	rows, factor, effective := f.lots.draw(m)
	data, err := sampler.Sample(ctx, rows, factor)
	if err != nil {
		return nil, err
	}
	share := float64(len(rows)) / float64(f.Rows())
	s := &Family{data: data, asked: f.asked, share: f.share * share, passes: f.passes}
	*s.passes += s.share
	stats := map[int]*backend.Stats{}
	for k, o := range f.members {
		weight := f.asked[k].Model.Weight
		st := stats[weight]
		if st == nil {
			if st, err = data.Stats(ctx, weight); err != nil {
				return nil, errors.Join(err, data.Close())
			}
			*s.passes += s.share
			stats[weight] = st
		}
		b := o.part(data, share)
		b.squares = o.coords.sampleSquares(data.Affine(), st)
		if f.lots.mixed && o.models[0].Fold == backend.None {
			b.sum = st.Weighted.Sum // drawn by others' weights, it is the whole's only on average
		}
		s.members = append(s.members, b)
		s.last, s.held = append(s.last, nil), append(s.held, 0)
	}
	return &solver.CohortSample{Cohort: s, Effective: effective, Close: data.Close}, nil
}

// Starts are the members' starts (Objective.Start). Family.Sample has been called.
func (f *Family) Starts() [][]float64 {
	counted := map[backend.Model]*lots{}
	theta := make([][]float64, len(f.members))
	for k, o := range f.members {
		m := f.asked[k].Model
		if counted[m] == nil {
			counted[m] = newLots(f.Rows(), m, o.opts.Labels, o.opts.Weights, 0, o.opts.threads())
		}
		o.lots = counted[m]
		theta[k] = o.Start()
		o.lots = nil
	}
	return theta
}

// familyLots are the lots of a family.
type familyLots struct {
	*lots
	mixed bool // the members' weights differ
}

// mostStrata bounds the combinations of several columns of labels that are told apart.
const mostStrata = 64

// drawLots tells rows apart by the labels of all members together, and by their
// weights where they are the same for all.
func (f *Family) drawLots(seed uint64) {
	first := f.members[0]
	l := &familyLots{}
	weights := first.opts.Weights
	var columns [][]int32
	for k, o := range f.members {
		if f.asked[k].Model.Weight != f.asked[0].Model.Weight {
			l.mixed, weights = true, nil
		}
		labels := o.opts.Labels
		if labels != nil && !slices.ContainsFunc(columns, func(c []int32) bool { return &c[0] == &labels[0] }) {
			columns = append(columns, labels)
		}
	}
	labels, classes := combined(columns)
	l.lots = newLots(f.Rows(), backend.Model{Classes: classes}, labels, weights, seed, first.opts.threads())
	f.lots = l
}

// combined numbers the combinations of labels that occur; nil where they are too many.
func combined(columns [][]int32) (labels []int32, classes int) {
	if len(columns) == 0 {
		return nil, 0
	}
	labels = columns[0]
	for _, v := range labels {
		classes = max(classes, int(v)+1)
	}
	for _, column := range columns[1:] {
		type pair struct{ a, b int32 }
		number := map[pair]int32{}
		both := make([]int32, len(labels))
		for i, v := range column {
			p := pair{labels[i], v}
			n, ok := number[p]
			if !ok {
				if n = int32(len(number)); n == mostStrata {
					return nil, 0
				}
				number[p] = n
			}
			both[i] = n
		}
		labels, classes = both, len(number)
	}
	return labels, classes
}
