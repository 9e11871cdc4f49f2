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
	Interrupted Status = "interrupted" // the context ended
)

// Result is the best point a solver saw and how it got there.
type Result struct {
	X              []float64
	Value          float64
	MaxAbsGradient float64 // in the units of tol
	Iterations     int
	Passes         float64
	Status         Status
	Advice         string // one sentence for the user where Status is not Converged
	Trace          []Step
}

// Step is one accepted iteration.
type Step struct {
	Iteration      int     `json:"iteration"`
	Value          float64 `json:"value"`
	MaxAbsGradient float64 `json:"max_abs_gradient"`
	Passes         float64 `json:"passes"`
	StepSize       float64 `json:"step_size"`
}

func (s Step) String() string {
	return fmt.Sprintf("iteration %d: objective %.10g, max|gradient| %.3g, step %.3g, %.4g passes",
		s.Iteration, s.Value, s.MaxAbsGradient, s.StepSize, s.Passes)
}
