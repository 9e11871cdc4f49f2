package solver_test

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/logreg-gpu/logreg-gpu/solver"
)

// function is an objective in closed form that counts its evaluations.
type function struct {
	dim    int
	f      func(x, grad []float64) float64
	hess   func(x []float64, h *mat.SymDense)
	passes float64
}

func (f *function) Dim() int                           { return f.dim }
func (f *function) Passes() float64                    { return f.passes }
func (f *function) MaxAbsGradient(g []float64) float64 { return floats.Norm(g, math.Inf(1)) }

func (f *function) Eval(ctx context.Context, x, grad []float64) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	f.passes++
	return f.f(x, grad), nil
}

// smooth is a function with its Hessian.
type smooth struct{ *function }

func (s smooth) EvalHessian(ctx context.Context, x, grad []float64, h *mat.SymDense) (float64, error) {
	v, err := s.Eval(ctx, x, grad)
	s.hess(x, h)
	return v, err
}

func (s smooth) HessVec(ctx context.Context, x, v, out []float64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.passes++
	h := mat.NewSymDense(s.dim, nil)
	s.hess(x, h)
	mat.NewVecDense(s.dim, out).MulVec(h, mat.NewVecDense(s.dim, v))
	return nil
}

// rosenbrock is the curved valley in two dimensions, minimum 0 at (1, 1); its Hessian
// is indefinite in places.
func rosenbrock() smooth {
	return smooth{&function{
		dim: 2,
		f: func(x, g []float64) float64 {
			a, b := 1-x[0], x[1]-x[0]*x[0]
			g[0], g[1] = -2*a-400*b*x[0], 200*b
			return a*a + 100*b*b
		},
		hess: func(x []float64, h *mat.SymDense) {
			h.SetSym(0, 0, 2-400*(x[1]-3*x[0]*x[0]))
			h.SetSym(0, 1, -400*x[0])
			h.SetSym(1, 1, 200)
		},
	}}
}

// quadratic is (x-at)'A(x-at)/2 for A = diag(values) turned by a fixed reflection.
func quadratic(values, at []float64) smooth {
	n := len(values)
	v := make([]float64, n) // unit vector of the reflection
	for i := range v {
		v[i] = 1 / math.Sqrt(float64(n))
	}
	a := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			s := 0.0
			for k := range n {
				s += values[k] * reflect(v, i, k) * reflect(v, j, k)
			}
			a.SetSym(i, j, s)
		}
	}
	return smooth{&function{
		dim: n,
		f: func(x, g []float64) float64 {
			d := floats.SubTo(make([]float64, n), x, at)
			mat.NewVecDense(n, g).MulVec(a, mat.NewVecDense(n, d))
			return floats.Dot(g, d) / 2
		},
		hess: func(x []float64, h *mat.SymDense) { h.CopySym(a) },
	}}
}

func reflect(v []float64, i, j int) float64 {
	r := -2 * v[i] * v[j]
	if i == j {
		r++
	}
	return r
}

var (
	_ solver.Hessian = smooth{}
	_ solver.HessVec = smooth{}
)
