package solver

import (
	"context"

	"gonum.org/v1/gonum/mat"
)

// Objective is all a solver sees: a smooth function of Dim() numbers, in
// coordinates that its maker chose to be well scaled. Values are means over the
// weighted rows (objective / (C sum s)), so that they are of ordinary size.
type Objective interface {
	Dim() int

	// Eval returns the value at x and writes the gradient to grad (length Dim).
	// It reads X once.
	Eval(ctx context.Context, x, grad []float64) (float64, error)

	// MaxAbsGradient is the largest component of a gradient in the units in which
	// convergence is judged, the user's columns of X: what tol is compared with.
	MaxAbsGradient(grad []float64) float64

	// Passes is the number of full reads of X so far; reads of a part count as the
	// fraction of the rows they took.
	Passes() float64
}

// The abilities below are optional, found by type assertion. An objective whose
// abilities depend on its data also implements Selective.

// Hessian gives the matrix of second derivatives.
type Hessian interface {
	// EvalHessian is Eval and the Hessian (Dim x Dim) from the same read of X.
	EvalHessian(ctx context.Context, x, grad []float64, hess *mat.SymDense) (float64, error)
}

// HessVec gives products with the matrix of second derivatives.
type HessVec interface {
	// HessVec writes the Hessian at x times v to out. It reads X once.
	HessVec(ctx context.Context, x, v, out []float64) error
}

// Liner evaluates along a line without reading X again.
type Liner interface {
	// Line prepares x + t dir. It reads X once. The Line must be closed.
	Line(ctx context.Context, x, dir []float64) (Line, error)
}

// Line is the objective along a line.
type Line interface {
	// At returns value and derivative by t at each t, without reading X.
	At(ctx context.Context, t []float64) (value, slope []float64, err error)
	Close() error
}

// Batcher gives the objective of a part of the rows, for stochastic methods.
type Batcher interface {
	Rows() int

	// Batch returns the objective of the given rows, scaled so that its mean over
	// equally likely batches is the whole objective, penalty included. The returned
	// function releases it. It reads those rows.
	Batch(ctx context.Context, rows []int) (Objective, func() error, error)
}

// Keeper remembers what a stretch of work has come to when the program is interrupted
// and its run begins again. An objective that remembers at all remembers each of its
// operations; solvers with very many small ones have their outcome kept instead.
type Keeper interface {
	// Keep does work, which moves state to what follows from it, the objective and what
	// work is said to be, or moves it there by memory.
	Keep(ctx context.Context, what string, state [][]float64, work func() error) error
}

// Sampler gives the objective of a random part of the rows that stands for all.
type Sampler interface {
	Rows() int

	// Sample draws about m rows at random, or fewer where those take more memory than is
	// allowed. Those of one seed are nested: a larger sample contains the smaller. It
	// reads the rows drawn.
	Sample(ctx context.Context, m int, seed uint64) (*Sample, error)

	// Start is a point near which the minimum may be looked for when nothing is known
	// but how often each class occurs.
	Start() []float64
}

// Focused is a Sampler that can draw rows by what they say at a point.
type Focused interface {
	// Focuses tells whether that is worth its price: whether hardly any row of an even
	// draw says anything.
	Focuses(seed uint64) bool

	// SampleAt is Sample with rows drawn by what they say at x. It reads X once, and the
	// rows drawn.
	SampleAt(ctx context.Context, x []float64, m int, seed uint64) (*Sample, error)
}

// Limited is a Sampler or a Cohort whose samples have to fit into memory.
type Limited interface {
	// MostSampled is how many rows all samples may have that are open together.
	MostSampled() int
}

// Sample is an objective over some of the rows, in the coordinates of the whole and
// with its penalty, so that its value and gradient estimate the whole's.
type Sample struct {
	Objective
	Rows  float64 // of equal weight that would estimate as well
	Close func() error
}

// Curved gives an approximate Hessian for large objectives.
type Curved interface {
	// Curvature approximates the Hessian at x: in each block between the hot
	// coordinates that matter most, and the diagonal of the others. It reads X once, or
	// twice.
	Curvature(ctx context.Context, x []float64, hot int) (Curvature, error)

	// Blocks is the number of blocks of a Curvature.
	Blocks() int

	// Hot is the largest number of hot coordinates that is worth asking for: all of a
	// block, unless there are too many.
	Hot() int

	// CurvaturePrice is what a row costs in Curvature, in units of Eval's, and what its
	// factor and the usual number of steps in it cost once. It depends on the kind of
	// machine, not on the present one.
	CurvaturePrice(hot int) (row, once float64)
}

// Drawn is a Curved of several blocks that each may have rows of their own.
type Drawn interface {
	// DrawnCurvature is Curvature of about so many rows a block, drawn by their part in
	// it, and of all coordinates. It reads X once, and the rows drawn twice.
	DrawnCurvature(ctx context.Context, x []float64, rows int, seed uint64) (Curvature, error)
}

// Ability names one of the optional interfaces.
type Ability string

// The abilities a solver can need.
const (
	CanHessian Ability = "hessian"
	CanHessVec Ability = "hessvec"
	CanLine    Ability = "line"
	CanBatch   Ability = "batch"
	CanSample  Ability = "sample"
	CanCurve   Ability = "curvature"
	CanDraw    Ability = "drawn curvature"
)

// Selective is implemented by objectives that have the methods of an ability but can
// use them only over some data.
type Selective interface {
	Can(Ability) bool
}

// Can tells whether obj has an ability.
func Can(obj Objective, a Ability) bool {
	has := false
	switch a {
	case CanHessian:
		_, has = obj.(Hessian)
	case CanHessVec:
		_, has = obj.(HessVec)
	case CanLine:
		_, has = obj.(Liner)
	case CanBatch:
		_, has = obj.(Batcher)
	case CanSample:
		_, has = obj.(Sampler)
	case CanCurve:
		_, has = obj.(Curved)
	case CanDraw:
		_, has = obj.(Drawn)
	}
	if s, ok := obj.(Selective); ok && has {
		return s.Can(a)
	}
	return has
}

// The facts below are optional too, and better known to the objective.

// Rounder says how exactly an objective computes, so that a solver neither trusts
// digits that are noise nor works on below them. Without it, float64 is assumed.
type Rounder interface {
	// Rounding returns the relative error to be expected of values, and the
	// MaxAbsGradient that rounding may leave at the very minimum.
	Rounding() (value, gradient float64)
}

// Shrunk says how much the penalty leaves to the data.
type Shrunk interface {
	// Freedom is the effective number of degrees of freedom: coordinates, each by the
	// share of its curvature that is not the penalty's. A sample of m rows tells the
	// minimum to half of that by m in value.
	Freedom() float64
}

// Unbounded says whether the minimum may lie at infinity, as it does for separable
// classes that nothing penalises.
type Unbounded interface {
	Unbounded() bool

	// Separates tells whether a value is so low that the point which has it proves
	// the minimum to lie at infinity.
	Separates(value float64) bool
}

// Hinter has a word for the user of a run that did not converge, such as which
// column to scale; "" when nothing is remarkable.
type Hinter interface {
	Hint() string
}
