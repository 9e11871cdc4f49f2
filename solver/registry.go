package solver

import (
	"context"
	"fmt"
	"strings"
)

// Solver is one algorithm under its name.
type Solver struct {
	Name    string
	About   string    // one line
	Needs   []Ability // all of them
	Lasso   bool      // it minimises composite objectives too
	MaxIter int       // the default

	run func(context.Context, *descent) error
}

// AutoName asks for the best solver for the objective.
const AutoName = "auto"

// newtonDim is the largest Dim for which auto chooses newton: beyond, the Hessian's
// Dim^2 N flops and the Dim^3 of its factor cost more than the passes they save.
const newtonDim = 1024

// proxNewtonDim is the same for prox-newton, whose factors are of the support alone
// and which spares the many passes of owlqn: a Hessian of 128 MB.
const proxNewtonDim = 4096

// maxHessianDim is the largest Dim that a solver of full Hessians takes when asked by
// name: beyond, its matrices take gigabytes and a factor takes minutes.
const maxHessianDim = 10000

var solvers = []Solver{
	{
		Name:    "newton",
		About:   "full Hessian and Cholesky; few passes, for up to about a thousand coefficients",
		Needs:   []Ability{CanHessian},
		MaxIter: 100,
		run:     newton,
	},
	{
		Name:    "lbfgs",
		About:   "limited-memory quasi-Newton; for any number of coefficients",
		MaxIter: 5000,
		run:     lbfgs,
	},
	{
		Name:    "newton-cg",
		About:   "truncated Newton in a trust region; for any number of coefficients",
		Needs:   []Ability{CanHessVec},
		MaxIter: 200,
		run:     newtonCG,
	},
	{
		Name:    "staged",
		About:   "growing samples, then all rows in the metric of a sample's Hessian; the fewest reads of large data",
		Lasso:   true,
		MaxIter: 1000,
		run: func(ctx context.Context, d *descent) error {
			if d.lasso != nil {
				return proxStaged(ctx, d)
			}
			return staged(ctx, d)
		},
	},
	{
		Name:    "prox-newton",
		About:   "newton with absolute values, for l1 and elasticnet; up to a few thousand coefficients",
		Needs:   []Ability{CanHessian},
		Lasso:   true,
		MaxIter: 100,
		run:     proxNewton,
	},
	{
		Name:    "owlqn",
		About:   "lbfgs with absolute values, for l1 and elasticnet; for any number of coefficients",
		Lasso:   true,
		MaxIter: 5000,
		run:     owlqn,
	},
	{
		Name:    "sgd",
		About:   "gradient descent by all rows or mini-batches, with momentum or Adam; slow, for teaching and comparison",
		MaxIter: 100,
		run:     sgd,
	},
}

// Solvers lists all solvers.
func Solvers() []Solver { return append([]Solver(nil), solvers...) }

// UnknownError is a solver name that nobody has.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string {
	names := []string{AutoName}
	for _, s := range solvers {
		names = append(names, s.Name)
	}
	return fmt.Sprintf("unknown solver %q; use one of %s", e.Name, strings.Join(names, ", "))
}

// NeedsError is a solver that needs what the objective lacks.
type NeedsError struct {
	Solver string
	Needs  Ability
}

func (e *NeedsError) Error() string {
	return fmt.Sprintf("solver %s needs the ability %q, which this backend lacks; use --solver lbfgs", e.Solver, e.Needs)
}

// SizeError is a problem too large for a solver of full Hessians.
type SizeError struct {
	Solver string
	Dim    int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("solver %s needs a Hessian of %d x %d numbers; it takes %d coefficients at most: use --solver %s", e.Solver, e.Dim, e.Dim, maxHessianDim, AutoName)
}

// LassoError is a solver that cannot minimise absolute values.
type LassoError struct{ Solver string }

func (e *LassoError) Error() string {
	names := []string{AutoName}
	for _, s := range solvers {
		if s.Lasso {
			names = append(names, s.Name)
		}
	}
	return fmt.Sprintf("solver %s cannot minimise an l1 penalty; use --solver %s", e.Solver, strings.Join(names, ", "))
}

// CheckLasso returns a *LassoError if the named solver does not take composite
// objectives.
func CheckLasso(name string) error {
	for _, s := range solvers {
		if s.Name == name && !s.Lasso {
			return &LassoError{name}
		}
	}
	return nil
}

// Check returns an *UnknownError unless name is a solver or "auto".
func Check(name string) error {
	for _, s := range solvers {
		if name == s.Name {
			return nil
		}
	}
	if name == AutoName {
		return nil
	}
	return &UnknownError{name}
}

// Choose returns the solver of that name, for "auto" the best for obj, or an
// *UnknownError, *NeedsError, *SizeError or *LassoError.
func Choose(name string, obj Objective) (Solver, error) {
	lasso := lassoOf(obj) != nil
	switch {
	case lasso && name == AutoName:
		switch {
		case obj.Dim() > proxNewtonDim || !Can(obj, CanHessian):
			name = "owlqn"
		case len(newPlan(obj).sizes) > 0:
			name = "staged"
		default:
			name = "prox-newton"
		}
	case lasso:
		if err := CheckLasso(name); err != nil {
			return Solver{}, err
		}
	case name == AutoName:
		switch {
		case len(newPlan(obj).sizes) > 0:
			name = "staged"
		case obj.Dim() <= newtonDim && Can(obj, CanHessian):
			name = "newton"
		default:
			name = "lbfgs"
		}
	}
	for _, s := range solvers {
		if s.Name != name {
			continue
		}
		for _, a := range s.Needs {
			if !Can(obj, a) {
				return Solver{}, &NeedsError{s.Name, a}
			}
			if a == CanHessian && obj.Dim() > maxHessianDim {
				return Solver{}, &SizeError{s.Name, obj.Dim()}
			}
		}
		return s, nil
	}
	return Solver{}, &UnknownError{name}
}

// Solve minimises obj with the named solver.
func Solve(ctx context.Context, name string, obj Objective, opts Options) (*Result, error) {
	s, err := Choose(name, obj)
	if err != nil {
		return nil, err
	}
	if opts, err = opts.resolve(s, obj.Dim()); err != nil {
		return nil, err
	}
	d := newDescent(obj, opts)
	d.res.Solver = s.Name
	if err := s.run(ctx, d); err != nil {
		if ctx.Err() == nil || !d.started() {
			return nil, err
		}
		d.end(Interrupted)
	}
	return d.result(), nil
}
