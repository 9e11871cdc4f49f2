package solver

import "math"

// point is the objective at one place of a line: value and derivative by t.
type point struct{ t, value, slope float64 }

// Wolfe constants: a step must gain armijo of what the slope promises and flatten
// the slope to curvature of what it was.
const (
	armijo    = 1e-4
	curvature = 0.9

	// flatArmijo is armijo where values are too close to compare: the slope at t must
	// then be below (1 - 2 flatArmijo) of the first in size. Hager and Zhang (2005).
	flatArmijo = 0.1

	maxTrials = 40
)

// line is a search along one direction from a point of value value and slope < 0.
type line struct {
	origin point
	slack  float64 // differences of values that rounding explains
	eval   func(t float64) (point, error)
}

// accepts tells whether p satisfies the strong Wolfe conditions or, where its value
// equals the origin's within rounding, the approximate ones, which need slopes alone:
// values lose half their digits near a minimum, slopes do not.
func (l *line) accepts(p point) bool {
	if !finite(p.value) || !finite(p.slope) {
		return false
	}
	s := -l.origin.slope
	if p.value <= l.origin.value-armijo*p.t*s && math.Abs(p.slope) <= curvature*s {
		return true
	}
	return p.value <= l.origin.value+l.slack && p.slope >= -curvature*s && p.slope <= (1-2*flatArmijo)*s
}

// high tells whether the minimum along the line lies before p.
func (l *line) high(p point) bool {
	return !finite(p.value) || !finite(p.slope) || p.value > l.origin.value+l.slack || p.slope >= 0
}

// search looks for an acceptable step, first at t; first, if not nil, is the point
// at t. It keeps a bracket whose lower end descends and whose upper end has passed
// the minimum, and narrows it by the secant of the slopes, safeguarded by bisection.
// Where nothing acceptable is found, it returns the lowest point below the origin
// with ok true, or ok false. again tells that the point returned is not the last one
// evaluated.
func (l *line) search(t float64, first *point) (p point, ok, again bool, err error) {
	lo, hi := l.origin, point{t: math.Inf(1)}
	best := l.origin
	width := math.Inf(1) // of the bracket two trials ago
	for trial := range maxTrials {
		if trial == 0 && first != nil {
			p = *first
		} else if p, err = l.eval(t); err != nil {
			return p, false, false, err
		}
		if l.accepts(p) {
			return p, true, false, nil
		}
		if p.value < best.value {
			best = p
		}
		if l.high(p) {
			hi = p
		} else {
			lo = p
		}
		t = l.next(lo, hi, width)
		if trial%2 == 1 {
			width = hi.t - lo.t
		}
		if !(t > lo.t && t < hi.t) || math.IsInf(t, 0) {
			break // the bracket has closed
		}
	}
	return best, best.t > 0, best.t != p.t, nil
}

// next is where to look after the bracket [lo, hi] is known.
func (l *line) next(lo, hi point, width float64) float64 {
	if math.IsInf(hi.t, 1) { // still descending at lo
		secant := lo.t * l.origin.slope / (l.origin.slope - lo.slope)
		if !(secant > 2*lo.t) {
			secant = 2 * lo.t
		}
		return min(secant, 10*lo.t)
	}
	w := hi.t - lo.t
	if hi.slope > 0 && finite(hi.slope) && finite(hi.value) && w <= width/2 {
		t := lo.t - lo.slope*w/(hi.slope-lo.slope)
		return min(max(t, lo.t+0.05*w), hi.t-0.05*w)
	}
	if !finite(hi.value) || !finite(hi.slope) {
		return lo.t + 0.1*w
	}
	return lo.t + 0.5*w
}
