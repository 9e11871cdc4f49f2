// Package objective is what the solvers minimise: one penalised logistic regression
// over a backend.Data, in coordinates that are well scaled.
//
//	user's units         coef beta, intercept b          of the user's columns x
//	      |  coordinates.go
//	solver's units       theta                            what a solver moves
//	      |  coordinates.go
//	stored units         coef v, intercept b'             of the stored columns xs
//	      |  backend.Data
//	sums over the rows of X
//
// The objective is scikit-learn's,
//
//	C sum_i s_i loss_i + sum_j f_j ((1-r)/2 (kappa_j beta_j)^2 + r |kappa_j beta_j|)
//
// divided by C sum_i s_i, loss and gradient alike. r is 0 for l2, 1 for l1 and the l1
// ratio for elasticnet; f_j is the column's penalty factor (1, unless asked otherwise),
// kappa_j its deviation where the penalty is on standardised coefficients and 1
// elsewhere. Without a penalty the second term is gone. The intercept is never
// penalised. Absolute values are not smooth: solvers see them apart (solver.Composite).
//
//	objective.go    Options, New, Eval and its relatives: the solver's view
//	coordinates.go  the maps between the three units, exact both ways
//	quadratic.go    the penalty and the gauge: everything that is not data
//	l1.go           the absolute values, and the subgradient in the user's units
//	hessian.go      the full Hessian from Gram blocks, and products with it
//	line.go         values along a line
//	batch.go        the objective of some of the rows
//	keep.go         what many of its operations come to, for checkpoints
//	sample.go       the objective of a random part that stands for all
//	lots.go         which rows that is, by class and weight
//	curvature.go    the Hessian's diagonal blocks, corrected where a sample misleads
//	shrink.go       towards their diagonal, where a sample has few rows a column
//	family.go       several objectives evaluated in joint reads; their folds, samples
//	                (family_sample.go) and shared curvatures (family_curvature.go)
//	fit.go          what a user wants to know of a point
//	weights.go      class weights, and checks of labels and weights
//
// The package does not choose solvers and knows no files or names of classes.
package objective
