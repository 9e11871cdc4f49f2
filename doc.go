// Package logreg trains logistic regression: binary and multinomial, on NVIDIA GPUs
// through our own PTX kernels and on CPUs when there is no GPU.
//
//	ds, err := dataset.Read(ctx, "heart.csv", dataset.ReadOptions{})
//	res, err := logreg.Fit(ctx, ds, logreg.DefaultOptions())
//	proba, err := res.Model.PredictProba(ctx, ds)
//
// The objective is scikit-learn's, so that any result can be checked against it:
//
//	C sum_i s_i loss_i + penalty(coef)
//
// with the intercept unpenalised and s_i = sample weight x class weight. A fit that
// does not converge says so in Result.Status; it is no error.
//
// The package puts the rooms below together and holds no arithmetic: package dataset
// reads tables, backend says what a machine can compute, objective what is minimised,
// solver how, and model what comes out.
package logreg
