package solver

import "fmt"

// Status says why a solver stopped.
type Status string

// The ways to stop. Only Converged is success; the others keep the best point seen.
const (
	Converged   Status = "converged"   // max|gradient| <= tol
	Precision   Status = "precision"   // as close as the arithmetic allows
	MaxIter     Status = "max_iter"    // the limit came first
	Separable   Status = "separable"   // the optimum lies at infinity: the classes can be told apart
	Stalled     Status = "stalled"     // no step improves, above the floor of precision
	Diverged    Status = "diverged"    // steps of a fixed length left the finite numbers (sgd)
	Interrupted Status = "interrupted" // the context ended
)

// Result is the best point a solver saw and how it got there. Among points whose
// values differ by no more than rounding, the best is the one with the smallest
// MaxAbsGradient.
type Result struct {
	Solver         string // the one that ran: never "auto"
	X              []float64
	Value          float64
	MaxAbsGradient float64 // in the units of tol
	Iterations     int
	Passes         float64 // of this run
	Status         Status
	Advice         string // one sentence for the user where Status is not Converged
	Trace          []Step // the start is number 0

	metric *metric // of the end of a march in stages, for another one (MarchOptions.After)
}

// Step is the point after an accepted iteration (an epoch of sgd); number 0 is the
// start.
type Step struct {
	Iteration      int     `json:"iteration"`
	Value          float64 `json:"value"`
	MaxAbsGradient float64 `json:"max_abs_gradient"`
	Passes         float64 `json:"passes"`
	StepSize       float64 `json:"step_size"`
}

func (s Step) String() string {
	return fmt.Sprintf("iteration %d: scaled objective %.10g, max|gradient| %.3g, step %.3g, passes %.4g",
		s.Iteration, s.Value, s.MaxAbsGradient, s.StepSize, s.Passes)
}
