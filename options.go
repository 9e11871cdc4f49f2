package logreg

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
	"github.com/logreg-gpu/logreg-gpu/objective"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// Multinomial is the MultiClass of softmax.
const Multinomial = "multinomial"

// MaxClasses is the largest number of classes that a fit takes.
const MaxClasses = 1000

// Options say what to fit and how. Names and defaults follow scikit-learn, except
// Tol. Start from DefaultOptions.
type Options struct {
	// Penalty is "l2", "l1", "elasticnet" or "none".
	Penalty string

	// L1Ratio is the share of absolute values in the penalty "elasticnet", from 0 (l2)
	// to 1 (l1). The others do not read it.
	L1Ratio float64

	// PenaltyFactors multiply the penalty of the named columns; 0 leaves a column
	// unpenalised. Those not named have 1.
	PenaltyFactors map[string]float64

	// C is the weight of the losses against the penalty: smaller is stronger penalty.
	C float64

	// NoIntercept fixes the intercept at 0.
	NoIntercept bool

	// Standardize penalises the coefficients of (x - mean) / deviation instead of
	// those of x. Coefficients are reported in the units of x all the same.
	Standardize bool

	ClassWeight ClassWeight

	// MultiClass says how more than two classes are told apart: "multinomial" (also
	// empty) by softmax; "ovr" each against the others, by as many binary models in one
	// march, whose probabilities are scaled to sum to 1. Objective and loss of a fit are
	// then sums over the models, and balanced weights balance each of them.
	MultiClass string

	// Solver is "auto" or one of solver.Solvers.
	Solver string

	// Tol is the largest component of the gradient of the objective / (C sum s) at
	// which a fit has converged.
	Tol float64

	// MaxIter bounds the iterations: -1 is the solver's own default, 0 returns the
	// start, evaluated.
	MaxIter int

	// SGD is read by solver "sgd" alone.
	SGD solver.SGD

	// Warm starts from the coefficients of a model with the same features and classes.
	Warm *model.Model

	// Seed drives whatever is random. The same seed gives the same bits.
	Seed uint64

	// Backend is "auto" or the name of one of backend.Drivers.
	Backend string

	// Storage is the number format that X is held in.
	Storage backend.Storage

	// FixedPoint holds sparse X once on a GPU instead of twice: half the memory, for a
	// slower gradient whose sums are made of 64-bit integers; as backend.Options has it.
	// Backends that have no use for it refuse it.
	FixedPoint bool

	// Threads bounds the CPU threads; 0 is all. It never changes a result.
	Threads int

	// Checkpoint, if set, keeps a file from which an interrupted fit can be resumed.
	Checkpoint *CheckpointOptions

	// MaxMemory bounds the bytes that a fit to features which stay on disk takes in all, as
	// near as that can be told beforehand; 0 is no bound, and the features then come into
	// memory as they are read. Samples that would not fit are made smaller, as is
	// said by Log, and so may be what a GPU reads of sparse features at a time; otherwise it
	// never changes a result.
	MaxMemory int64

	// Progress, if set, is told every step as it is made.
	Progress func(solver.Step)

	// Log, if set, is told one line at a time what the solver chose and why.
	Log func(string)
}

// DefaultOptions is an L2-penalised fit with C = 1 on the best backend there is.
func DefaultOptions() Options {
	return Options{Penalty: "l2", L1Ratio: 0.5, C: 1, Solver: solver.AutoName, Tol: solver.DefaultTol, MaxIter: -1, Backend: backend.AutoName}
}

// Check reports the first option that makes no sense, whatever the data, as an
// *objective.OptionError, *solver.OptionError, *solver.UnknownError or
// *solver.LassoError. Fit does so
// too; asking before a large table is read spares reading it for nothing. Whether the
// backend can be had is for backend.Open to say.
func (o *Options) Check() error {
	if err := solver.Check(o.Solver); err != nil {
		return err
	}
	if _, err := objective.ParsePenalty(o.Penalty); err != nil {
		return err
	}
	switch {
	case !(o.C > 0) || math.IsInf(o.C, 1):
		return &objective.OptionError{Option: "C", Reason: fmt.Sprintf("is %v; it must be positive", o.C)}
	case !(o.Tol > 0) || math.IsInf(o.Tol, 1):
		return &solver.OptionError{Option: "tol", Reason: fmt.Sprintf("is %v; it must be positive", o.Tol)}
	case o.MaxIter < -1:
		return &solver.OptionError{Option: "max-iter", Reason: fmt.Sprintf("is %d; it must be at least 0, or -1 for the solver's own limit", o.MaxIter)}
	case o.MultiClass != "" && o.MultiClass != Multinomial && o.MultiClass != model.OneVsRest:
		return &objective.OptionError{Option: "multi-class", Reason: fmt.Sprintf("%q is unknown; use multinomial or ovr", o.MultiClass)}
	case o.ClassWeight.Balanced && o.ClassWeight.ByLabel != nil:
		return &objective.OptionError{Option: "class weights", Reason: "are either balanced or given by label, not both"}
	}
	if o.Penalty == string(objective.ElasticNet) && !(o.L1Ratio >= 0 && o.L1Ratio <= 1) {
		return &objective.OptionError{Option: "l1-ratio", Reason: fmt.Sprintf("is %v; it must be from 0 to 1", o.L1Ratio)}
	}
	if o.l1Ratio() > 0 {
		if err := solver.CheckLasso(o.Solver); err != nil {
			return err
		}
	}
	if err := o.Checkpoint.check(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o.PenaltyFactors)) {
		if f := o.PenaltyFactors[name]; !(f >= 0) || math.IsInf(f, 1) {
			return &objective.OptionError{Option: "penalty factors", Reason: fmt.Sprintf("hold %v for column %q; they must be finite and not negative", f, name)}
		}
	}
	for _, label := range slices.Sorted(maps.Keys(o.ClassWeight.ByLabel)) {
		if w := o.ClassWeight.ByLabel[label]; !(w >= 0) || math.IsInf(w, 1) {
			return &objective.OptionError{Option: "class weights", Reason: fmt.Sprintf("hold %v for class %q; they must be finite and not negative", w, label)}
		}
	}
	return nil
}

// ClassWeight says how much each class counts; the zero value weighs all rows alike.
type ClassWeight struct {
	// Balanced weighs every class alike: n / (classes x rows of the class).
	Balanced bool

	// ByLabel is the weight of each class by its label; classes not named weigh 1.
	ByLabel map[string]float64
}

// classWeights translates labels to class numbers.
func (w ClassWeight) classWeights(classes *dataset.Classes) (objective.ClassWeights, error) {
	by := objective.ClassWeights{Balanced: w.Balanced}
	if w.ByLabel == nil {
		return by, nil
	}
	by.Explicit = make([]float64, len(classes.Names))
	for k := range by.Explicit {
		by.Explicit[k] = 1
	}
	named := make([]string, len(by.Explicit)) // each class by one label: 1 and 1.0 are the same
	for _, label := range slices.Sorted(maps.Keys(w.ByLabel)) {
		k, ok := classes.Index(label)
		if !ok {
			return by, &objective.OptionError{Option: "class weights", Reason: fmt.Sprintf("name class %q; the classes are %s", label, shortList(classes.Names))}
		}
		if named[k] != "" {
			return by, &objective.OptionError{Option: "class weights", Reason: fmt.Sprintf("name class %s twice, as %q and as %q", classes.Names[k], named[k], label)}
		}
		by.Explicit[k], named[k] = w.ByLabel[label], label
	}
	return by, nil
}

// penaltyFactors gives one factor a column, nil where all are 1.
func (o *Options) penaltyFactors(columns []string) ([]float64, error) {
	if len(o.PenaltyFactors) == 0 {
		return nil, nil
	}
	factors := make([]float64, len(columns))
	for j := range factors {
		factors[j] = 1
	}
	for _, name := range slices.Sorted(maps.Keys(o.PenaltyFactors)) {
		j := slices.Index(columns, name)
		if j < 0 {
			return nil, &objective.OptionError{Option: "penalty factors", Reason: fmt.Sprintf("name column %q; the columns are %s", name, shortList(columns))}
		}
		factors[j] = o.PenaltyFactors[name]
	}
	return factors, nil
}

// l1Ratio is the share of absolute values in the penalty that is used.
func (o *Options) l1Ratio() float64 {
	switch objective.Penalty(o.Penalty) {
	case objective.L1:
		return 1
	case objective.ElasticNet:
		return o.L1Ratio
	}
	return 0
}

// shortList shows the first names of a list.
func shortList(names []string) string {
	const shown = 10
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, ... (%d)", strings.Join(names[:shown], ", "), len(names))
}
