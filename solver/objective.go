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

// The abilities below are optional, found by type assertion.

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

	// Batch returns the mean-scaled objective of the given rows alone, its penalty
	// in the same proportion to the loss as in the whole.
	Batch(ctx context.Context, rows []int) (Objective, func() error, error)
}
