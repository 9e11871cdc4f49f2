package objective

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// Options say what is minimised and in which coordinates. The zero value with a C is
// the usual L2-penalised fit with intercept.
type Options struct {
	// C is the weight of the losses against the penalty; positive.
	C float64

	Penalty Penalty

	// L1Ratio is the share of absolute values in the penalty ElasticNet, from 0 to 1.
	// The others do not read it.
	L1Ratio float64

	// Factors multiply the penalty of each column; nil means ones, 0 leaves a column
	// unpenalised.
	Factors []float64

	// NoIntercept fixes the intercept, in the user's units of X, at 0.
	NoIntercept bool

	// Standardize penalises coef times deviation, the coefficients of the columns
	// (x - mean) / deviation, with unweighted statistics of all rows (deviation
	// divided by N, and 1 for constant columns, as scikit-learn's StandardScaler).
	// Convergence is then judged in those columns. Without an intercept the columns
	// are scaled but not centred: a shift would bring an intercept in.
	Standardize bool

	Coordinates Coordinates

	// Stats are the statistics of data with the model's weight column, where the
	// caller has them already; nil reads X once for them.
	Stats *backend.Stats

	// TotalWeight is sum_i s_i over the rows that the model sums over; 0 takes it
	// from the statistics, which is right unless the model leaves out a fold.
	TotalWeight float64

	// Labels and Weights are the model's columns of the source, for drawing samples
	// by class and weight; they are read, never changed. Without them all rows are
	// drawn alike. Weights nil means ones.
	Labels  []int32
	Weights []float64

	// Threads bounds the goroutines of the objective's own work; 0 is all processors. It
	// changes no result.
	Threads int

	// Entries is the number of entries of sparse X, 0 for dense X: what operations cost
	// follows from it.
	Entries int64

	// Names of the columns are used in hints; nil means x0, x1, ...
	Names []string
}

// threads is Threads, resolved.
func (opts Options) threads() int {
	if opts.Threads > 0 {
		return opts.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// Penalty is the kind of penalty.
type Penalty string

// The penalties.
const (
	L2         Penalty = ""
	L1         Penalty = "l1"
	ElasticNet Penalty = "elasticnet"
	None       Penalty = "none"
)

// ParsePenalty reads the name of a penalty.
func ParsePenalty(name string) (Penalty, error) {
	switch p := Penalty(name); p {
	case "l2":
		return L2, nil
	case L1, ElasticNet, None:
		return p, nil
	}
	return L2, &OptionError{"penalty", fmt.Sprintf("%q is unknown; use l2, l1, elasticnet or none", name)}
}

func (p Penalty) String() string {
	if p == L2 {
		return "l2"
	}
	return string(p)
}

// Coordinates is the choice of the solver's units.
type Coordinates string

const (
	// Scaled centres the columns and scales them so that the second derivative of
	// the objective by each coordinate is about 1, penalty included. (Scaling by the
	// deviation alone would make a penalty in raw units as uneven as the columns.)
	Scaled Coordinates = ""

	// User leaves coefficients and intercept as the user sees them: what plain
	// gradient descent means.
	User Coordinates = "user"
)

// Objective is the penalised loss of one model over one Data. It has all abilities
// of solver's objectives as far as the Data has what they need: see Can. Like its
// Data, it may not be used concurrently.
type Objective struct {
	data    backend.Data
	models  []backend.Model // the one
	opts    Options
	rates   backend.Rates
	columns columns
	coords  *coordinates
	quad    quadratic
	lasso   lasso
	ridge   []float64 // of each beta_j, on the scale of the objective
	sum     float64   // sum_i s_i
	share   float64   // of the rows of the whole objective that data holds
	passes  *float64

	coef, other []float64 // stored units
	ev          backend.Evaluation
	hessian     hessianSpace
	lots        *lots     // of the rows, made for the first sample
	squares     []float64 // of the coordinates of one output, their mean over the rows of a sample; nil for all rows
	counts      []int64   // of each column's values in a sample that are not zero; nil for all rows
	wide        *wide     // where there are too many coordinates for whole Gram matrices
}

var (
	_ solver.Objective = (*Objective)(nil)
	_ solver.Selective = (*Objective)(nil)
	_ solver.Rounder   = (*Objective)(nil)
	_ solver.Unbounded = (*Objective)(nil)
	_ solver.Hinter    = (*Objective)(nil)
	_ solver.Shrunk    = (*Objective)(nil)
)

// New makes the objective of a model over data, which it neither owns nor closes.
// Errors: *OptionError, *WeightError (weights sum to zero), and those of data.
func New(ctx context.Context, data backend.Data, model backend.Model, opts Options) (*Objective, error) {
	d := data.Cols()
	if err := opts.check(d); err != nil {
		return nil, err
	}
	o := &Objective{data: data, models: []backend.Model{model}, opts: opts, rates: backend.RatesOf(data), share: 1, passes: new(float64)}
	st := opts.Stats
	if st == nil {
		var err error
		if st, err = data.Stats(ctx, model.Weight); err != nil {
			return nil, err
		}
		*o.passes = 1
	}
	weighted := model.Weight != backend.None
	switch {
	case opts.TotalWeight > 0:
		o.sum = opts.TotalWeight
	case weighted:
		o.sum = st.Weighted.Sum
	default:
		o.sum = st.Sum
	}
	if !(o.sum > 0) || math.IsInf(o.sum, 1) {
		return nil, &WeightError{-1, o.sum, fmt.Sprintf("the weights sum to %v; their sum must be positive and finite", o.sum)}
	}
	o.columns = userColumns(data.Affine(), st, weighted, opts.threads())
	var lambda []float64
	o.ridge, lambda = o.penalty()
	o.coords = newCoordinates(data.Affine(), o.columns, o.ridge, opts)
	o.lasso = o.newLasso(lambda)
	o.quad = o.newQuadratic()
	if o.coords.dim() > curvatureDim {
		o.wide = o.newWide(st.NonZero)
	}
	n := model.Outputs() * (d + 1)
	o.coef, o.other = make([]float64, n), make([]float64, n)
	return o, nil
}

func (opts Options) check(cols int) error {
	switch {
	case !(opts.C > 0) || math.IsInf(opts.C, 1):
		return &OptionError{"C", fmt.Sprintf("is %v; it must be positive", opts.C)}
	case opts.Penalty == ElasticNet && !(opts.L1Ratio >= 0 && opts.L1Ratio <= 1):
		return &OptionError{"l1-ratio", fmt.Sprintf("is %v; it must be from 0 to 1", opts.L1Ratio)}
	case opts.Coordinates != Scaled && opts.Coordinates != User:
		return &OptionError{"coordinates", fmt.Sprintf("%q are unknown", string(opts.Coordinates))}
	case opts.Factors != nil && len(opts.Factors) != cols:
		return &OptionError{"penalty factors", fmt.Sprintf("are %d for %d columns", len(opts.Factors), cols)}
	}
	if _, err := ParsePenalty(opts.Penalty.String()); err != nil {
		return err
	}
	for j, f := range opts.Factors {
		if !(f >= 0) || math.IsInf(f, 1) {
			return &OptionError{"penalty factors", fmt.Sprintf("hold %v for column %d; they must be finite and not negative", f, j)}
		}
	}
	return nil
}

// penalty gives the second derivative of the penalty by each beta_j and the weight of
// each |beta_j| in it.
func (o *Objective) penalty() (ridge, lambda []float64) {
	ridge, lambda = make([]float64, o.data.Cols()), make([]float64, o.data.Cols())
	ratio := 0.0
	switch o.opts.Penalty {
	case None:
		return ridge, lambda
	case L1:
		ratio = 1
	case ElasticNet:
		ratio = o.opts.L1Ratio
	}
	for j := range ridge {
		strength, deviation := 1/(o.opts.C*o.sum), 1.0
		if o.opts.Factors != nil {
			strength *= o.opts.Factors[j]
		}
		if o.opts.Standardize {
			deviation = o.columns.deviation[j]
		}
		ridge[j] = (1 - ratio) * strength * (deviation * deviation)
		lambda[j] = ratio * strength * deviation
	}
	return ridge, lambda
}

func (o *Objective) newQuadratic() quadratic {
	c := o.coords
	q := quadratic{outputs: o.outputs(), threads: o.opts.threads(), ridge: make([]float64, c.dim())}
	if q.outputs > 1 {
		q.gauge = make([]float64, c.dim())
	}
	for j := range c.cols {
		q.ridge[j] = o.ridge[j] * c.unit[j] * c.unit[j]
		if q.gauge != nil && !o.penalised(j) {
			q.gauge[j] = curvature(o.columns, c.mean[j], j) * c.unit[j] * c.unit[j]
		}
	}
	if q.gauge != nil && c.intercept {
		q.gauge[c.cols] = 0.25
	}
	return q
}

// penalised tells whether the penalty keeps column j's coefficients from growing.
func (o *Objective) penalised(j int) bool { return o.ridge[j] != 0 || o.lasso.lambda[j] != 0 }

func (o *Objective) outputs() int { return o.models[0].Outputs() }

// Dim is the number of free coefficients: outputs x (columns, and 1 with intercept).
func (o *Objective) Dim() int { return o.outputs() * o.coords.dim() }

// Passes counts the reads of X, the one for the statistics included. Batches count
// twice the rows they take, once gathered and once evaluated.
func (o *Objective) Passes() float64 { return *o.passes }

// toStored maps theta, or a direction, of all outputs.
func (o *Objective) toStored(theta, coef []float64) {
	p, d := o.coords.dim(), o.coords.cols+1
	for k := range o.outputs() {
		o.coords.stored(theta[k*p:(k+1)*p], coef[k*d:(k+1)*d])
	}
}

// fromStored maps a gradient, or a Hessian's product, of all outputs, divided by the
// sum of weights.
func (o *Objective) fromStored(coef, theta []float64) {
	p, d := o.coords.dim(), o.coords.cols+1
	for k := range o.outputs() {
		o.coords.gradient(coef[k*d:(k+1)*d], theta[k*p:(k+1)*p], o.sum)
	}
}

// Eval is the objective at theta and its gradient, without the absolute values that
// an L1 penalty adds (Lasso).
func (o *Objective) Eval(ctx context.Context, theta, grad []float64) (float64, error) {
	o.toStored(theta, o.coef)
	if err := o.data.Eval(ctx, o.models, o.coef, &o.ev); err != nil {
		return 0, err
	}
	*o.passes += o.share
	return o.fromEvaluation(theta, grad), nil
}

// fromEvaluation is the value and gradient at theta after o.ev was filled there.
func (o *Objective) fromEvaluation(theta, grad []float64) float64 {
	o.fromStored(o.ev.Grad, grad)
	return o.ev.Loss[0]/o.sum + o.quad.at(theta, grad)
}

// MaxAbsGradient maps a gradient by theta back to the gradient by the coefficients of
// the user's columns, each with the intercept held (and by the intercept itself where
// it is free), and returns its largest component. With Standardize the columns are
// the standardised ones, since those are what the penalty sees: tol then means the
// same as for scikit-learn on columns standardised beforehand.
func (o *Objective) MaxAbsGradient(grad []float64) (largest float64) {
	p := o.coords.dim()
	for k := range o.outputs() {
		largest = max(largest, o.coords.maxAbsGradient(grad[k*p:(k+1)*p]))
	}
	return largest
}

// Rounding follows from the products' number format: errors of some units in the last
// place of each row's loss and residual, of which sums over rows cancel most. The
// gradient's are in proportion to the columns' root mean squares.
func (o *Objective) Rounding() (value, gradient float64) {
	value, unit := 0x1p-48, 0x1p-53
	if o.data.Storage() != backend.Float64 {
		value, unit = 0x1p-23, 0x1p-24
	}
	for j, v := range o.columns.variance {
		off := o.columns.mean[j] - o.coords.judgeMean[j]
		gradient = max(gradient, math.Sqrt(v+float64(off*off))/o.coords.judgeUnit[j])
	}
	return value, unit * max(gradient, 1)
}

// Unbounded tells whether some column that varies is not penalised.
func (o *Objective) Unbounded() bool {
	for j := range o.coords.cols {
		if !o.penalised(j) && o.coords.gain[j] != 0 {
			return true
		}
	}
	return false
}

// Separates tells whether the value proves every row to be on the right side: the
// losses then sum to less than log 2, the loss of a row on the fence. Scaling such
// coefficients up lowers the loss for ever, if nothing is penalised or offset. Rows
// with weights of their own are left to the solvers' other means.
func (o *Objective) Separates(value float64) bool {
	m := o.models[0]
	if m.Weight != backend.None || m.Offset != backend.None {
		return false
	}
	for j := range o.coords.cols {
		if o.penalised(j) {
			return false
		}
	}
	return value*o.sum < math.Ln2
}

// unevenColumns is the ratio of deviations beyond which a hint names the columns.
const unevenColumns = 1000

// farColumn is the ratio of a column's mean to its deviation beyond which a hint names
// it where there is no intercept to take the mean up.
const farColumn = 1e5

// Hint names a column too far from 0 for a fit without intercept, or the columns whose
// deviations are furthest apart, where that is remarkable and --standardize was not
// given.
func (o *Objective) Hint() string {
	for j, m := range o.columns.plainMean {
		if o.opts.NoIntercept && !o.opts.Standardize && !o.columns.constant[j] && math.Abs(m) > farColumn*o.columns.deviation[j] {
			return fmt.Sprintf("column %s varies by %.2g around %.2g, which takes an intercept: leave out --no-intercept, or subtract the mean", o.name(j), o.columns.deviation[j], m)
		}
	}
	low, high := -1, -1
	dev := o.columns.deviation
	for j := range dev {
		if o.opts.Standardize || o.columns.constant[j] {
			continue
		}
		if low < 0 || dev[j] < dev[low] {
			low = j
		}
		if high < 0 || dev[j] > dev[high] {
			high = j
		}
	}
	if low < 0 || dev[high] <= unevenColumns*dev[low] {
		return ""
	}
	return fmt.Sprintf("column %s varies %.2g times as much as %s: use --standardize", o.name(high), dev[high]/dev[low], o.name(low))
}

func (o *Objective) name(j int) string {
	if j < len(o.opts.Names) {
		return fmt.Sprintf("%q", o.opts.Names[j])
	}
	return fmt.Sprintf("x%d", j)
}

// Can tells which abilities the data lends.
func (o *Objective) Can(a solver.Ability) bool {
	switch a {
	case solver.CanHessian:
		return backend.Can(o.data, backend.CanGram)
	case solver.CanHessVec:
		return backend.Can(o.data, backend.CanHessVec)
	case solver.CanLine:
		return backend.Can(o.data, backend.CanLine)
	case solver.CanBatch, solver.CanSample:
		return backend.Can(o.data, backend.CanSample)
	case solver.CanDraw:
		return o.canDraw()
	case solver.CanCurve:
		if o.wide != nil { // of dense X no few columns stand out
			return o.opts.Entries > 0 && backend.Can(o.data, backend.CanColumnGram)
		}
		return backend.Can(o.data, backend.CanGram)
	}
	return false
}
