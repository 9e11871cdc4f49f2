package solver

import (
	"errors"
	"fmt"
	"math"
	"runtime"
)

// Options are what a user can choose about any solver. The zero value is a good
// choice.
type Options struct {
	// Tol is the MaxAbsGradient at which a run has converged; 0 means DefaultTol.
	Tol float64

	// MaxIter bounds the iterations (epochs of sgd): 0 means the solver's own
	// default, NoIterations evaluates the start and returns it.
	MaxIter int

	// X0 is the start; nil is the origin. It is not modified.
	X0 []float64

	// Seed drives whatever is random (the shuffles of sgd, the samples of staged).
	Seed uint64

	// Threads bounds the goroutines of the solver's own arithmetic; 0 is all processors.
	// It changes no result.
	Threads int

	// Progress, if set, is told every step as it is made, on the solver's goroutine.
	Progress func(Step)

	// Log, if set, is told one line at a time what the solver chose and why.
	Log func(string)

	// SGD is read by sgd alone.
	SGD SGD
}

// DefaultTol is tighter than scikit-learn's 1e-4 because passes are cheap here.
const DefaultTol = 1e-6

// NoIterations is the MaxIter that returns the start, evaluated.
const NoIterations = -1

// ErrNotFinite is returned when the objective is not finite at the start.
var ErrNotFinite = errors.New("the objective is not finite at the start; rescale columns of huge numbers, and check the starting coefficients and the offsets")

// OptionError is an option that makes no sense.
type OptionError struct {
	Option string
	Reason string
}

func (e *OptionError) Error() string { return e.Option + " " + e.Reason }

// threads is Threads, resolved.
func (o Options) threads() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// resolve checks o and fills in the defaults.
func (o Options) resolve(s Solver, dim int) (Options, error) {
	switch {
	case o.Tol == 0:
		o.Tol = DefaultTol
	case !(o.Tol > 0) || math.IsInf(o.Tol, 0):
		return o, &OptionError{"tol", fmt.Sprintf("is %v; it must be positive", o.Tol)}
	}
	switch {
	case o.MaxIter == 0:
		o.MaxIter = s.MaxIter
	case o.MaxIter < 0:
		o.MaxIter = 0
	}
	if o.X0 == nil {
		o.X0 = make([]float64, dim)
	}
	if len(o.X0) != dim {
		return o, &OptionError{"start", fmt.Sprintf("has %d numbers for %d coefficients", len(o.X0), dim)}
	}
	return o, nil
}
