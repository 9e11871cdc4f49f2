// Package model is the fitted model: what training leaves behind and prediction
// needs, its file, and its predictions.
//
//	Fit (root package) -> Model -> Save ... Load -> Model -> PredictProba
//	                                 |
//	                       model.json (file.go, layout.go)
//
// Coefficients are in the units of the data they were trained on; whatever was
// centred or scaled on the way has been mapped back, so that a Model is nothing
// but names and numbers: z = x.coef + intercept.
//
// Predictions are computed here in float64, by plain sums in a fixed order: the same
// bits for any number of threads, whatever trained the model. The package does no
// training and reads no tables.
package model
