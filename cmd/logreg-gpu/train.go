package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// train is the train command: its flags and, once run, what came of it.
type train struct {
	data        dataFlags
	opts        logreg.Options
	classWeight string
	factors     string
	dtype       string
	model, warm string // paths
	checkpoint  checkpointFlags
}

func (a *app) trainCommand() *cobra.Command {
	t := train{opts: logreg.DefaultOptions()}
	cmd := &cobra.Command{
		Use:   "train DATA",
		Short: "Fit a model",
		Long: `Fits a logistic regression to DATA: of two classes, or of more by softmax. It
minimises scikit-learn's objective,

  C * sum of weight_i * loss_i + penalty(coef),

with the intercept unpenalised. A fit that does not converge says so on stderr and
still succeeds: the result is the best point found.`,
		Example: `  logreg-gpu train heart.csv --model heart.json
  logreg-gpu train heart.csv --label disease --C 0.1 --standardize --json
  zcat big.csv.gz | logreg-gpu train - --ignore id,date --class-weight balanced
  logreg-gpu train big.csv --model big.json --checkpoint big.ckpt --resume`,
		Args: exactly("DATA"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := t.checkSGD(cmd.Flags()); err != nil {
				return err
			}
			if err := t.checkpoint.check(cmd.Flags()); err != nil {
				return err
			}
			if cmd.Flags().Changed("l1-ratio") && t.opts.Penalty != "elasticnet" {
				return usagef("--l1-ratio is for --penalty elasticnet; the penalty is %s", t.opts.Penalty)
			}
			return t.run(cmd.Context(), a, args[0])
		},
	}
	t.register(cmd.Flags())
	cmd.Flags().SortFlags = false
	return cmd
}

func (t *train) register(flags *pflag.FlagSet) {
	o := &t.opts
	flags.StringVar(&t.model, "model", "", "`file` to save the model to")
	t.data.register(flags, "the last")
	t.data.encode.register(flags)
	flags.Float64Var(&o.C, "C", o.C, "weight of the losses against the penalty; smaller is a stronger penalty")
	flags.StringVar(&o.Penalty, "penalty", o.Penalty, "l2, l1, elasticnet or none; l1 makes coefficients exactly 0")
	flags.Float64Var(&o.L1Ratio, "l1-ratio", o.L1Ratio, "elasticnet: share of l1 in the penalty, from 0 to 1")
	flags.StringVar(&t.factors, "penalty-factors", "", `factors of the penalty by column, as JSON such as {"age": 0}; 0: not penalised`)
	flags.BoolVar(&o.Standardize, "standardize", false, "penalise the coefficients of (x - mean) / deviation")
	flags.BoolVar(&o.NoIntercept, "no-intercept", false, "fix the intercept at 0")
	flags.StringVar(&o.MultiClass, "multi-class", logreg.Multinomial, "of more than two classes: multinomial (softmax) or ovr (each against the others)")
	flags.StringVar(&t.classWeight, "class-weight", "", `balanced, or JSON such as {"0": 1, "1": 5}`)
	flags.StringVar(&o.Solver, "solver", o.Solver, "auto, "+strings.Join(solverNames(), ", "))
	flags.Float64Var(&o.Tol, "tol", o.Tol, "largest gradient component at which a fit has converged")
	flags.IntVar(&o.MaxIter, "max-iter", o.MaxIter, "most iterations (epochs of sgd); -1: the solver's own limit")
	flags.StringVar(&t.dtype, "dtype", backend.Auto.String(), "number format of X: auto, float64, float32, bfloat16 or float16")
	flags.BoolVar(&o.FixedPoint, "fixed-point", false, "sparse features on a GPU: hold them once, not twice, and add gradients as 64-bit integers; slower")
	flags.Uint64Var(&o.Seed, "seed", 0, "seed of whatever is random")
	flags.StringVar(&t.warm, "warm-start", "", "`model` to start from")
	t.checkpoint.register(flags)
	flags.Float64Var(&o.SGD.LearningRate, "lr", solver.DefaultLearningRate, "sgd: learning rate")
	flags.IntVar(&o.SGD.Batch, "batch", 0, "sgd: rows a step, 0 for all")
	flags.Float64Var(&o.SGD.Momentum, "momentum", 0, "sgd: momentum")
	flags.BoolVar(&o.SGD.Adam, "adam", false, "sgd: steps by Adam")
	flags.StringVar((*string)(&o.SGD.Schedule), "schedule", "", "sgd: inverse-time or cosine (default: constant)")
	flags.Float64Var(&o.SGD.Decay, "decay", 0, "sgd: decay of inverse-time, by the epoch")
}

// checkSGD refuses flags of sgd that another solver would silently ignore.
func (t *train) checkSGD(flags *pflag.FlagSet) error {
	for _, name := range []string{"lr", "batch", "momentum", "adam", "schedule", "decay"} {
		if flags.Changed(name) && t.opts.Solver != "sgd" {
			return usagef("--%s is for --solver sgd; the solver is %s", name, t.opts.Solver)
		}
	}
	if !(t.opts.SGD.LearningRate > 0) {
		return usagef("--lr is %v; it must be positive", t.opts.SGD.LearningRate)
	}
	return nil
}

func solverNames() (names []string) {
	for _, s := range solver.Solvers() {
		names = append(names, s.Name)
	}
	return names
}

// trainResult is the JSON of train.
type trainResult struct {
	Backend          string      `json:"backend"`
	Solver           string      `json:"solver"`
	Dtype            string      `json:"dtype"`
	Rows             int         `json:"rows"`
	Cols             int         `json:"cols"`
	Dropped          int         `json:"dropped_rows,omitempty"`
	Classes          []any       `json:"classes"`
	MultiClass       string      `json:"multi_class,omitempty"` // ovr
	Objective        float64     `json:"objective"`
	Loss             float64     `json:"loss"`
	MaxAbsGradient   float64     `json:"max_abs_gradient"`
	Iterations       int         `json:"iterations"`
	Passes           float64     `json:"passes"`
	Status           string      `json:"status"`
	Converged        bool        `json:"converged"`
	Advice           string      `json:"advice,omitempty"`
	Intercept        []float64   `json:"intercept"`
	Coef             [][]float64 `json:"coef"`
	CoefStandardized [][]float64 `json:"coef_standardized,omitempty"`
	FeatureNames     []string    `json:"feature_names"`
	Seconds          seconds     `json:"seconds"`
	Model            string      `json:"model,omitempty"`
}

// seconds are wall-clock times: load is reading DATA and bringing it to the backend,
// read the first of these alone.
type seconds struct {
	Read  float64 `json:"read"`
	Load  float64 `json:"load"`
	Fit   float64 `json:"fit"`
	Total float64 `json:"total"`
}

func (t *train) run(ctx context.Context, a *app, path string) error {
	start := time.Now()
	if err := t.prepare(a, path); err != nil {
		return err
	}
	ds, err := t.data.read(ctx, a, path)
	if err != nil {
		return err
	}
	defer ds.Close()
	defer a.sayPeak(&t.data)
	read := time.Since(start)

	bar := a.newProgress(t.opts.Tol)
	t.opts.Progress = bar.step
	t.opts.Log = func(line string) { a.detail("%s", line) }
	if t.opts.Checkpoint != nil {
		t.opts.Checkpoint.Notice = bar.say
	}
	fit, err := logreg.Fit(ctx, ds, t.opts)
	bar.done()
	if err != nil {
		return err
	}
	for _, passed := range fit.PassedOver {
		a.detail("passed over %s", oneLine(passed))
	}
	a.sayPlacement(&t.data, fit.Placement)
	saving := t.save(fit.Model)
	if fit.Status == solver.Interrupted {
		return &interruptedError{t.model, t.checkpoint.path, saving}
	}
	if !fit.Converged() {
		a.warn("%s", notConverged(fit))
	}
	if !a.json {
		a.printFit(ds, fit, path, t.model)
	} else if err := a.printJSON(t.result(ds, fit, read, time.Since(start))); err != nil {
		return err
	}
	if saving != nil {
		return saving
	}
	return t.checkpoint.finish(a, fit.Converged())
}

// save writes the model's file, where one is asked for. Where it cannot be written, the
// command shows its result all the same, which hours may have gone into, before it fails.
func (t *train) save(m *model.Model) error {
	t.sign(m)
	if t.model == "" {
		return nil
	}
	err := m.Save(t.model)
	if err != nil {
		t.model = "" // nothing is there
	}
	return err
}

// prepare checks and completes the options before anything large is read, and makes
// sure that the model can be saved before an hour is spent on it.
func (t *train) prepare(a *app, path string) error {
	o := &t.opts
	o.Backend, o.Threads = a.backend, a.threads
	for _, d := range backend.Drivers() {
		if d.Name == o.Backend && o.FixedPoint && !d.FixedPoint {
			return usagef("--fixed-point is for GPUs; the backend is %s", d.Name)
		}
	}
	var err error
	if o.Storage, err = backend.ParseStorage(t.dtype); err != nil {
		return &usageError{err}
	}
	if o.MaxMemory, err = t.data.memory(); err != nil {
		return err
	}
	if t.factors != "" {
		if o.PenaltyFactors, err = parseNumbers("penalty-factors", t.factors, "column", `JSON such as {"age": 0, "income": 2}`); err != nil {
			return err
		}
	}
	if o.ClassWeight, err = parseClassWeight(t.classWeight); err != nil {
		return err
	}
	if err := o.Check(); err != nil {
		return err
	}
	if t.warm != "" {
		if o.Warm, err = model.Load(t.warm); err != nil {
			return err
		}
	}
	if err := checkOutput(t.model, path); err != nil {
		return err
	}
	o.Checkpoint, err = t.checkpoint.options(path, t.model, t.warm, t.data.labels)
	return err
}

// sign adds to a model what only the command line knows.
func (t *train) sign(m *model.Model) {
	m.Training.Program = "logreg-gpu " + programVersion()
	m.Training.Offset = t.data.offset
}

func parseClassWeight(text string) (w logreg.ClassWeight, err error) {
	switch text {
	case "":
		return w, nil
	case "balanced":
		w.Balanced = true
		return w, nil
	}
	w.ByLabel, err = parseNumbers("class-weight", text, "class", `balanced, or JSON such as {"0": 1, "1": 5}`)
	return w, err
}

// parseNumbers reads the JSON object of a flag, a number for each of what it names.
func parseNumbers(flag, text, what, usage string) (map[string]float64, error) {
	var given map[string]*float64 // nil where the JSON says null, which is no number
	if err := json.Unmarshal([]byte(text), &given); err != nil || given == nil {
		return nil, usagef("--%s is %q; use %s", flag, text, usage)
	}
	numbers := make(map[string]float64, len(given))
	for name, v := range given {
		if v == nil {
			return nil, usagef("--%s has no number for %s %q", flag, what, name)
		}
		numbers[name] = *v
	}
	return numbers, nil
}

func (t *train) result(ds *dataset.Dataset, fit *logreg.Result, read, total time.Duration) trainResult {
	m := fit.Model
	return trainResult{
		Backend: fit.Backend, Solver: m.Training.Solver, Dtype: fit.Storage.String(),
		Rows: m.Training.Rows, Cols: m.Cols(), Dropped: ds.Dropped, Classes: labels(m.Classes), MultiClass: m.MultiClass,
		Objective: fit.Objective, Loss: fit.Loss, MaxAbsGradient: fit.MaxAbsGradient,
		Iterations: fit.Iterations, Passes: fit.Passes,
		Status: string(fit.Status), Converged: fit.Converged(), Advice: fit.Advice,
		Intercept: m.Intercept, Coef: m.Coef, CoefStandardized: m.CoefStandardized, FeatureNames: m.FeatureNames,
		Seconds: seconds{Read: read.Seconds(), Load: (read + fit.Load).Seconds(), Fit: fit.Fit.Seconds(), Total: total.Seconds()},
		Model:   t.model,
	}
}

// notConverged is the warning for a fit that ended before its tolerance.
func notConverged(fit *logreg.Result) string {
	if fit.Advice == "" {
		return fmt.Sprintf("the fit ended with status %s, max|gradient| %.2g", fit.Status, fit.MaxAbsGradient)
	}
	return fmt.Sprintf("the fit ended with status %s: %s", fit.Status, fit.Advice)
}

// strongest orders the features by their largest absolute coefficient.
func strongest(coef [][]float64) []int {
	size := make([]float64, len(coef[0]))
	order := make([]int, len(size))
	for j := range size {
		order[j] = j
		for _, row := range coef {
			size[j] = max(size[j], math.Abs(row[j]))
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case size[i] > size[j]:
			return -1
		case size[i] < size[j]:
			return 1
		default:
			return 0
		}
	})
	return order
}
