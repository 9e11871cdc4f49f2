package objective

import (
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
	"github.com/logreg-gpu/logreg-gpu/internal/pieces"
)

// coordinates are the linear maps between user's, solver's and stored units of one
// output. The stored columns are xs = (x - c) / s, so that with intercept
//
//	v_j = s_j beta_j,    b' = b + sum_j c_j beta_j
//
// give the same z. The solver's theta has one number a column and, last, one for the
// intercept where that is free:
//
//	beta_j = unit_j theta_j,    b = theta_D - sum_j mean_j beta_j
//
// Together, with shift_j = (c_j - mean_j) unit_j and gain_j = s_j unit_j,
//
//	v_j = gain_j theta_j,    b' = theta_D + sum_j shift_j theta_j
//
// Without an intercept b is 0 and so mean is 0; b' = sum_j shift_j theta_j is then not
// free, and the same formulas hold without theta_D.
//
// A column that never leaves its mean moves no z once it is centred: its gain and
// shift are exactly 0, so that rounding errors of constant columns reach no solver.
type coordinates struct {
	cols      int
	intercept bool
	threads   int // of the work on vectors; 0 is one

	center, scale []float64 // c, s of the storage
	unit, mean    []float64
	gain, shift   []float64

	// The units in which convergence is judged: columns (x - judgeMean) / judgeUnit.
	judgeUnit, judgeMean []float64
}

// dim is the length of theta for one output.
func (c *coordinates) dim() int {
	if c.intercept {
		return c.cols + 1
	}
	return c.cols
}

// columns are the statistics of the user's columns that the choice of units needs.
type columns struct {
	mean, variance []float64 // weighted as in the fit
	plainMean      []float64 // unweighted
	deviation      []float64 // unweighted, divided by N; 1 for constant columns
	constant       []bool    // over the rows of positive weight
}

// constantNoise is the deviation, as a share of the mean, below which a column is
// taken for constant: what summing rounded values leaves.
const constantNoise = 8 * 0x1p-52

// userColumns maps the statistics of stored columns to the user's.
func userColumns(a backend.Affine, st *backend.Stats, weighted bool, threads int) columns {
	d := len(st.Mean)
	v := hugepages.Vectors(d, 4)
	u := columns{v[0], v[1], v[2], v[3], make([]bool, d)}
	pieces.Each(d, threads, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			center, scale := affineOf(a, j)
			u.mean[j], u.variance[j], u.constant[j] = userMoments(a, st, weighted, j)
			u.deviation[j] = 1
			plain := st.Mean[j]
			if st.Min[j] == st.Max[j] {
				plain = st.Min[j]
			} else if st.Var[j] > 0 {
				u.deviation[j] = math.Sqrt(st.Var[j]) * scale
			}
			u.plainMean[j] = center + float64(scale*plain)
		}
	})
	return u
}

func affineOf(a backend.Affine, j int) (center, scale float64) {
	if a.Identity() {
		return 0, 1
	}
	return a.Center[j], a.Scale[j]
}

// userMoments are those of the user's column j.
func userMoments(a backend.Affine, st *backend.Stats, weighted bool, j int) (mean, variance float64, constant bool) {
	m := &st.Moments
	if weighted {
		m = &st.Weighted
	}
	center, scale := affineOf(a, j)
	mean = m.Mean[j]
	noise := constantNoise * mean
	if constant = st.Min[j] == st.Max[j] || m.Var[j] <= noise*noise; !constant {
		variance = m.Var[j] * scale * scale
	}
	if st.Min[j] == st.Max[j] {
		mean = st.Min[j]
	}
	return center + float64(scale*mean), variance, constant
}

// newCoordinates chooses the units. ridge is the second derivative of the penalty
// by beta_j, on the scale of the objective.
func newCoordinates(a backend.Affine, u columns, ridge []float64, opts Options) *coordinates {
	d := len(u.mean)
	v := hugepages.Vectors(d, 8)
	c := &coordinates{
		cols: d, intercept: !opts.NoIntercept, threads: opts.threads(),
		center: v[0], scale: v[1], unit: v[2], mean: v[3], gain: v[4], shift: v[5], judgeUnit: v[6], judgeMean: v[7],
	}
	pieces.Each(d, c.threads, func(lo, hi int) {
		for j := lo; j < hi; j++ {
			c.scale[j] = 1
			if !a.Identity() {
				c.center[j], c.scale[j] = a.Center[j], a.Scale[j]
			}
			c.unit[j] = 1
			if opts.Coordinates == Scaled {
				if c.intercept {
					c.mean[j] = u.mean[j]
				}
				if h := curvature(u, c.mean[j], j) + ridge[j]; h > 0 {
					if t := 1 / math.Sqrt(h); t > 0 && !math.IsInf(t, 1) {
						c.unit[j] = t
					}
				}
			}
			if !u.constant[j] || u.mean[j] != c.mean[j] {
				c.gain[j] = c.scale[j] * c.unit[j]
				c.shift[j] = (c.center[j] - c.mean[j]) * c.unit[j]
			}
			c.judgeUnit[j] = 1
			if opts.Standardize {
				c.judgeUnit[j] = u.deviation[j]
				if c.intercept {
					c.judgeMean[j] = u.plainMean[j]
				}
			}
		}
	})
	return c
}

// curvature bounds the mean loss's second derivative by beta_j, over x_j - about.
func curvature(u columns, about float64, j int) float64 {
	off := u.mean[j] - about
	return (u.variance[j] + float64(off*off)) / 4
}

// stored writes the stored coefficients, intercept last, of theta to coef. The map is
// linear: it serves directions too.
func (c *coordinates) stored(theta, coef []float64) {
	b := pieces.Sum(c.cols, c.threads, func(lo, hi int) (b float64) {
		gain, shift, to := c.gain[lo:hi], c.shift[lo:hi], coef[lo:hi]
		for j, v := range theta[lo:hi] {
			to[j] = gain[j] * v
			b += float64(shift[j] * v)
		}
		return b
	})
	if c.intercept {
		b += theta[c.cols]
	}
	coef[c.cols] = b
}

// gradient is the transpose of stored: it maps a gradient by stored coefficients to
// one by theta, and divides it by sum.
func (c *coordinates) gradient(stored, theta []float64, sum float64) {
	g := stored[c.cols]
	pieces.Each(c.cols, c.threads, func(lo, hi int) {
		gain, shift, to := c.gain[lo:hi], c.shift[lo:hi], theta[lo:hi]
		for j, v := range stored[lo:hi] {
			to[j] = (float64(gain[j]*v) + float64(shift[j]*g)) / sum
		}
	})
	if c.intercept {
		theta[c.cols] = g / sum
	}
}

// user gives coefficients and intercept in the user's units.
func (c *coordinates) user(theta []float64) (coef []float64, intercept float64) {
	coef = make([]float64, c.cols)
	for j := range coef {
		coef[j] = c.unit[j] * theta[j]
		intercept -= float64(c.mean[j] * coef[j])
	}
	if !c.intercept {
		return coef, 0
	}
	return coef, intercept + theta[c.cols]
}

// fromUser is the inverse of user.
func (c *coordinates) fromUser(coef []float64, intercept float64, theta []float64) {
	for j, v := range coef {
		theta[j] = v / c.unit[j]
		intercept += float64(c.mean[j] * v)
	}
	if c.intercept {
		theta[c.cols] = intercept
	}
}

// maxAbsGradient is the largest component of the gradient by the coefficients (and
// the intercept where free) of the columns (x - judgeMean) / judgeUnit.
func (c *coordinates) maxAbsGradient(theta []float64) (largest float64) {
	g := 0.0
	if c.intercept {
		g = theta[c.cols]
		largest = math.Abs(g)
	}
	return max(largest, pieces.Max(c.cols, c.threads, func(lo, hi int) (most float64) {
		for j := lo; j < hi; j++ {
			most = max(most, math.Abs(c.userGradient(j, theta[j], g)/c.judgeUnit[j]))
		}
		return most
	}))
}

// userGradient is the derivative by the coefficient of the column x_j - judgeMean_j
// with the intercept held, where those by theta_j and theta_D are g and b.
func (c *coordinates) userGradient(j int, g, b float64) float64 {
	return g/c.unit[j] + float64((c.mean[j]-c.judgeMean[j])*b)
}
