// Command logreg-gpu trains, applies and measures logistic regression.
//
//	logreg-gpu train heart.csv --model heart.json
//	logreg-gpu evaluate heart.json heart.csv
//	logreg-gpu predict heart.json new.csv --proba
//
// One command a file; app.go holds what they share, errors.go what ends them:
// results on stdout, everything else on stderr, exit status 0 for success, 1 for
// failure, 2 for wrong usage, 130 when interrupted. The command does no arithmetic:
// it translates flags to options and results to text or JSON.
package main
