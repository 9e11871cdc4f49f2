package solver

import (
	"context"
	"slices"
)

// company is members of a cohort on their way, each in a metric.
//
// Some of them go with others for a while. A minimum with a slightly weaker penalty lies
// near that with a stronger one, so that as long as the others' steps lead there too, a
// point is evaluated once for all of them: value and gradient of one tell those of the
// rest (Cohort.Join). A member goes its own way before a step of its guide would bring it
// less near than a step of its own: once the gain that the guide will have left after it
// is less than the gain from the one minimum to the other.
type company struct {
	*march
	cohort Cohort
	walks  []*walk
}

// walk is the way of one member.
type walk struct {
	d      *descent
	step   stepper
	metric *metric

	member int
	guide  *walk // to go with at first; nil: alone
	joined int   // points taken over from the guide
	from   int   // the member that evaluated the last of them
	seen   int   // of the guide's points

	first  float64 // value of the first point
	gain   float64 // expected at the present point
	rate   float64 // of it to the one before
	target float64 // gain at which it has arrived; 0: where its descent ends

	pace    pace
	arrived bool // as its company wants it
	rests   bool // the run has ended or paused
}

const (
	// firstRate is what a step is expected to leave of a gain before one has been taken.
	firstRate = 0.02

	// together is the share of the gain that counts for none (goal) up to which two
	// minima are one.
	together = 0.1
)

// newCompany is all members of c at their starts in opts. maxIter is the solver's bound.
func newCompany(c Cohort, opts MarchOptions, maxIter int) (*company, error) {
	s := &company{march: newMarch(c, opts), cohort: c}
	for k, m := range s.members {
		o, err := s.options(k).resolve(Solver{MaxIter: maxIter}, m.Dim())
		if err != nil {
			return nil, err
		}
		d := newDescent(s.walkers[k], o)
		d.res.Solver = "staged"
		s.walks = append(s.walks, &walk{d: d, step: newStepper(d), member: k})
	}
	return s, nil
}

// guide gives guides to the members for which with tells so.
func (c *company) guide(with func(k int) bool) {
	guides := c.cohort.Guides()
	for k, g := range guides {
		if g >= 0 && with(k) {
			c.walks[k].guide = c.walks[g]
		}
	}
	for k := range guides {
		rank := 0
		for g := c.walks[k].guide; g != nil; g = g.guide {
			rank++
		}
		c.walkers[k].rank = rank
	}
}

// turn gives every member its metric. Without one, nothing can be said of guides.
func (c *company) turn(members []int, metrics []*metric) {
	for i, k := range members {
		w := c.walks[k]
		w.metric = metrics[i]
		w.step.turn(w.metric)
		if w.metric == nil {
			w.guide = nil
		}
	}
}

// advance lets the given members go on until they arrive or end, or pause, which they do
// where pause returns true before the next step. Those that begin and go with nobody are
// first evaluated by begin, or at their starts.
func (c *company) advance(ctx context.Context, members []int, begin func(k int) error, pause func(w *walk) bool) error {
	for _, k := range members {
		w := c.walks[k]
		w.rests, w.arrived, w.pace = false, false, pace{}
		w.step.until(func(gain float64) bool {
			w.expects(gain)
			w.pace.step(gain)
			w.arrived = w.target > 0 && (gain <= w.target || w.d.lasso != nil && w.d.escaping())
			return w.arrived || pause(w)
		})
	}
	return c.abreast(ctx, members, func(k int, _ Objective) (err error) {
		w := c.walks[k]
		d := w.d
		defer func() { w.rests = true }()
		switch {
		case d.started():
		case w.guide != nil:
			var on bool
			if on, err = c.accompany(k); !on {
				return err
			}
			err = d.start(d.value)
		case begin != nil:
			err = begin(k)
		default:
			err = d.evalStart(ctx)
		}
		if err == nil && w.joined == 0 {
			w.first = d.res.Trace[0].Value
		}
		if err == nil {
			err = w.step.run(ctx)
		}
		if err != nil && ctx.Err() != nil && d.started() {
			d.end(Interrupted)
			return nil
		}
		return err
	})
}

// accompany takes over the guide's points until the ways part. It is not to go on alone
// where the guide pauses before it has arrived.
func (c *company) accompany(k int) (on bool, err error) {
	w := c.walks[k]
	g := w.guide
	difference, way := make([]float64, len(w.d.x)), 0.0
	for {
		if moves := g.moves(); w.seen != moves {
			w.seen = moves
			w.from = g.evaluated()
			x, grad := slices.Clone(w.d.x), slices.Clone(w.d.grad)
			w.d.value = w.d.total(w.d.x, c.cohort.Join(k, w.from, w.d.x, w.d.grad))
			if w.joined++; w.joined == 1 {
				w.first = w.d.value
			} else {
				w.step.carried(x, grad)
			}
			w.expects(w.step.expected())
			c.cohort.Apart(k, g.member, w.d.x, difference)
			way = w.step.promised(difference)
		}
		switch {
		case w.joined > 0 && !(way <= max(g.next(), together*w.goal())):
			return true, nil
		case g.rests:
			return w.joined > 0 && (g.arrived || g.d.res.Status != ""), nil
		}
		if err := c.walkers[k].idle(); err != nil {
			return false, err
		}
	}
}

// expects notes the gain expected at a new point.
func (w *walk) expects(gain float64) {
	if w.rate = firstRate; w.gain > 0 {
		w.rate = gain / w.gain
	}
	w.gain = gain
}

// next is the gain to be expected after another step at the pace of the last; none, where
// that will do.
func (w *walk) next() float64 {
	if next := w.gain * w.rate; next > w.goal() {
		return next
	}
	return 0
}

// goal is the gain that counts for none.
func (w *walk) goal() float64 {
	if w.target > 0 {
		return w.target
	}
	return w.d.enough()
}

// moves is the number of points it has come to.
func (w *walk) moves() int {
	if w.joined == 0 {
		return len(w.d.res.Trace)
	}
	return w.joined + w.d.res.Iterations
}

// behind tells whether it has never left its guide.
func (w *walk) behind() bool { return w.joined > 0 && w.d.res.Iterations == 0 }

// evaluated is the member that evaluated the present point, and nothing since.
func (w *walk) evaluated() int {
	if w.behind() {
		return w.from
	}
	return w.member
}

// paused are those of the members that have neither ended nor arrived.
func (c *company) paused(members []int) (left []int) {
	for _, k := range members {
		if w := c.walks[k]; !w.arrived && w.d.res.Status == "" {
			left = append(left, k)
		}
	}
	return left
}

// points are where members are.
func (c *company) points(members []int) [][]float64 {
	x := make([][]float64, len(members))
	for i, k := range members {
		x[i] = c.walks[k].d.x
	}
	return x
}
