// Package solver minimises smooth functions, one algorithm a file.
//
// A solver sees an Objective and whichever of its abilities (Hessian, HessVec,
// Liner, Batcher, Sampler, Curved) it needs, and nothing else: no rows, no columns, no penalty, no
// backend. What makes a fit cheap is the number of reads of X, so solvers are
// judged by Passes and spend float64 arithmetic on vectors of length Dim freely.
//
//	Solve(ctx, name, obj, opts)
//	   registry.go    names, what each needs, "auto"
//	   descent.go     the point, the best point, trace, progress, how a run ends
//	   linesearch.go  Wolfe by values, near the floor of rounding by slopes
//	   newton.go      full Hessian; the unit step's evaluation is the next iteration's
//	   factor.go      its Cholesky factor, damped where it is singular
//	   escape.go      is the minimum at infinity?
//	   lbfgs.go       limited memory, for any size
//	   pairs.go       its steps and changes of gradient, in a metric or none
//	   newtoncg.go    truncated Newton in a trust region
//	   staged.go      growing samples, then all rows in the metric of a sample's Hessian
//	   plan.go        which samples, and when another metric pays
//	   curvature.go   that metric
//	   composite.go   absolute values (l1, elasticnet) beside a smooth objective
//	   proxnewton.go  newton with them: steps to exact zeros
//	   lassomodel.go  its quadratic model, by coordinate descent and Newton on the support
//	   proxstaged.go  staged with them: proximal steps in a metric that is kept
//	   owlqn.go       lbfgs with them, for any size
//	   sgd.go         full and mini-batch descent, momentum, Adam
//
//	March(ctx, name, family, opts)   several objectives over the same rows
//	   march.go        one coroutine a member; a joint read serves all that wait
//	   march_staged.go staged for all: folds led by the fit to all rows, metrics shared
//
// A solver that cannot reach the tolerance is no error: it returns the best point it
// saw with a Status that says why and Advice for the user. When the context ends it
// likewise returns the best point, with status Interrupted and a nil error. Errors
// are for what leaves no point at all: an objective that fails, one that is not
// finite at the start, options that make no sense, a context that ended before the
// start was evaluated.
package solver
