package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
)

// tutorial is the classic first example of PyTorch: one feature, 100 points, a
// linear layer under a sigmoid, and gradient descent on the mean loss of all points.
type tutorial struct {
	epochs       int
	rate         float64
	weight, bias float64 // NaN: drawn
	seed         uint64
}

// tutorialResult is the JSON of the tutorial. Losses[e] is the mean loss of epoch
// e+1 before its update, as PyTorch prints it.
type tutorialResult struct {
	Backend       string    `json:"backend"`
	Losses        []float64 `json:"losses"`
	Weight        float64   `json:"weight"`
	Bias          float64   `json:"bias"`
	Probabilities []float64 `json:"probabilities"`
	Predictions   []int32   `json:"predictions"`

	probe []float64
}

func (a *app) tutorialCommand() *cobra.Command {
	t := tutorial{weight: math.NaN(), bias: math.NaN()}
	cmd := &cobra.Command{
		Use:   "tutorial",
		Short: "The classic 100-point example, as the PyTorch tutorial runs it",
		Long: `Fits one weight and one bias to 100 random points (numpy, seed 42) by gradient
descent on the mean loss, prints the loss every 10 epochs, and predicts for 0.2, 0.6
and 0.8. The labels are random, so there is little to learn.

Like PyTorch's Linear(1, 1), the start is drawn from [-1, 1]; --seed chooses the draw,
--init-weight and --init-bias replace it.`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			res, err := t.run(cmd.Context(), a)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(res)
			}
			a.printTutorial(res)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&t.epochs, "epochs", 100, "steps of gradient descent")
	flags.Float64Var(&t.rate, "lr", 0.01, "learning rate")
	flags.Var((*optionalFloat)(&t.weight), "init-weight", "starting weight (default drawn from [-1, 1])")
	flags.Var((*optionalFloat)(&t.bias), "init-bias", "starting bias (default drawn from [-1, 1])")
	flags.Uint64Var(&t.seed, "seed", 42, "seed of the draw")
	flags.SortFlags = false
	return cmd
}

func (t *tutorial) run(ctx context.Context, a *app) (*tutorialResult, error) {
	if t.epochs < 1 {
		return nil, usagef("--epochs is %d; it must be at least 1", t.epochs)
	}
	if !(t.rate > 0) || math.IsInf(t.rate, 0) {
		return nil, usagef("--lr is %v; it must be positive", t.rate)
	}
	x, y, probe := dataset.Tutorial()
	ds, err := dataset.New(x, len(x), 1, y)
	if err != nil {
		return nil, err
	}
	opts := logreg.DefaultOptions()
	opts.Penalty, opts.Solver, opts.Backend, opts.Threads = "none", "sgd", a.backend, a.threads
	opts.MaxIter, opts.SGD.LearningRate = t.epochs, t.rate
	opts.Tol = math.SmallestNonzeroFloat64 // every epoch is wanted
	opts.Warm = t.start(ds)
	opts.Progress = a.everyStep()
	fit, err := logreg.Fit(ctx, ds, opts)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, &interruptedError{}
	}
	if len(fit.Trace) <= t.epochs {
		return nil, fmt.Errorf("the descent ended with %q after %s; use a smaller --lr", fit.Status, count(fit.Iterations, "epoch"))
	}
	res := &tutorialResult{Backend: fit.Backend, Weight: fit.Model.Coef[0][0], Bias: fit.Model.Intercept[0], probe: probe}
	for _, step := range fit.Trace[:t.epochs] {
		res.Losses = append(res.Losses, step.Value)
	}
	return res, res.predict(ctx, a, fit.Model)
}

// start is the model before the first epoch.
func (t *tutorial) start(ds *dataset.Dataset) *model.Model {
	rng := rand.New(rand.NewPCG(t.seed, 0))
	weight, bias := 2*rng.Float64()-1, 2*rng.Float64()-1
	if !math.IsNaN(t.weight) {
		weight = t.weight
	}
	if !math.IsNaN(t.bias) {
		bias = t.bias
	}
	return &model.Model{
		Classes: ds.Classes, FeatureNames: ds.FeatureNames,
		Coef: [][]float64{{weight}}, Intercept: []float64{bias},
	}
}

func (r *tutorialResult) predict(ctx context.Context, a *app, m *model.Model) error {
	ds, err := dataset.New[float64, int](r.probe, len(r.probe), 1, nil)
	if err != nil {
		return err
	}
	said, err := a.apply(ctx, m, ds, new(dataFlags))
	if err != nil {
		return err
	}
	for p := range slices.Chunk(said.Proba, 2) {
		r.Probabilities = append(r.Probabilities, p[1])
	}
	r.Predictions = said.Classes
	return nil
}

func (a *app) printTutorial(r *tutorialResult) {
	for e, loss := range r.Losses {
		if (e+1)%10 == 0 {
			a.print("Epoch %d/%d, Loss: %.4f\n", e+1, len(r.Losses), loss)
		}
	}
	a.print("\nweight %.6f, bias %.6f\n", r.Weight, r.Bias)
	for i, x := range r.probe {
		a.print("x = %v: probability %.4f, prediction %d\n", x, r.Probabilities[i], r.Predictions[i])
	}
}

// optionalFloat is a flag of a finite number; NaN while it is not given.
type optionalFloat float64

func (f *optionalFloat) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%q is not a finite number", text)
	}
	*f = optionalFloat(v)
	return nil
}

func (f *optionalFloat) String() string {
	if math.IsNaN(float64(*f)) {
		return ""
	}
	return strconv.FormatFloat(float64(*f), 'g', -1, 64)
}

func (f *optionalFloat) Type() string { return "float" }
