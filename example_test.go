package logreg_test

import (
	"context"
	"fmt"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// Train on a built-in set, and ask for the probabilities of its first row.
func ExampleFit() {
	ctx := context.Background()
	ds, err := dataset.Read(ctx, "builtin:breast_cancer", dataset.ReadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	opts := logreg.DefaultOptions()
	opts.Standardize = true
	res, err := logreg.Fit(ctx, ds, opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	proba, err := res.Model.PredictProba(ctx, ds)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, objective %.6f\n", res.Status, res.Objective)
	fmt.Printf("first row: P(class %s) = %.4f, P(class %s) = %.4f\n",
		res.Model.Classes.Names[0], proba[0], res.Model.Classes.Names[1], proba[1])
	// Output:
	// converged, objective 37.758946
	// first row: P(class 0) = 1.0000, P(class 1) = 0.0000
}

// Train on slices, with text for labels.
func ExampleFit_slices() {
	ctx := context.Background()
	hours := []float64{0.5, 0.75, 1, 1.25, 1.5, 1.75, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 4, 4.25, 4.5, 4.75, 5, 5.5}
	grade := []string{
		"fail", "fail", "fail", "fail", "fail", "fail", "pass", "fail", "pass", "fail",
		"pass", "fail", "pass", "fail", "pass", "pass", "pass", "pass", "pass", "pass",
	}
	ds, err := dataset.New(hours, len(hours), 1, grade)
	if err != nil {
		fmt.Println(err)
		return
	}
	opts := logreg.DefaultOptions()
	opts.Penalty = "none"
	res, err := logreg.Fit(ctx, ds, opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("P(%s) = sigmoid(%.4f %+.4f hours)\n", res.Model.Classes.Names[1], res.Model.Intercept[0], res.Model.Coef[0][0])
	// Output:
	// P(pass) = sigmoid(-4.0777 +1.5046 hours)
}
