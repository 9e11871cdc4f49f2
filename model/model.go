package model

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// Model is a fitted logistic regression over D features and K classes.
//
// Two classes have one row of coefficients, for the second class in sorted order:
// P(second | x) = sigmoid(z). K > 2 classes have K rows: P(k | x) = softmax(z)_k.
type Model struct {
	// Classes are the labels, at least two, in the order of the probabilities.
	Classes dataset.Classes

	// FeatureNames has one distinct name a column of X.
	FeatureNames []string

	// MultiClass is OneVsRest where each row of coefficients was fitted by itself, to
	// tell its class from the others; else empty.
	MultiClass string

	// LabelName is the name of the label column in the training data; may be empty.
	LabelName string

	Coef      [][]float64 // rows x D, in the units of the data
	Intercept []float64   // one a row; zero where none was fitted

	// CoefStandardized are the coefficients of (x - mean) / deviation, in the shape
	// of Coef, where the fit penalised those; else nil.
	CoefStandardized [][]float64

	Preprocessing Preprocessing
	Training      Training
}

// OneVsRest is the MultiClass of K > 2 binary models.
const OneVsRest = "ovr"

// Preprocessing is what was learned about the columns besides the coefficients.
type Preprocessing struct {
	// Standardize is set where CoefStandardized is. It explains those coefficients;
	// prediction does not need it, for Coef is in the units of the data.
	Standardize *Standardize `json:"standardize,omitempty"`

	// Encoding is how the features are made of the columns of a table; nil where they
	// are those columns. Prediction starts from it: dataset.ReadOptions.Encoding.
	Encoding *dataset.Encoding `json:"encoding,omitempty"`
}

// Standardize holds what each column was centred and divided by, unweighted over
// all rows of the training data. A constant column has the deviation 1.
type Standardize struct {
	Mean      []float64 `json:"mean"`
	Deviation []float64 `json:"deviation"`
}

// Training says how the model came about. It takes no part in prediction, and holds
// nothing that differs between two runs of the same fit: no dates, no durations.
type Training struct {
	Program string `json:"program"` // name and version
	Backend string `json:"backend"`
	Solver  string `json:"solver"`
	Storage string `json:"storage"` // number format of X
	Rows    int    `json:"rows"`

	Penalty     string  `json:"penalty"`
	C           float64 `json:"C"`
	L1Ratio     float64 `json:"l1_ratio"`
	NoIntercept bool    `json:"no_intercept,omitempty"`
	Offset      string  `json:"offset,omitempty"` // the column of offsets, by the name or index given

	// PenaltyFactors multiplied the penalty of the features they name.
	PenaltyFactors map[string]float64 `json:"penalty_factors,omitempty"`

	// ClassWeights are the weights of the classes that were used, balanced or
	// given, in the order of Classes; nil where all were 1.
	ClassWeights []float64 `json:"class_weights,omitempty"`

	Tol     float64 `json:"tol"`
	MaxIter int     `json:"max_iter"`
	Seed    uint64  `json:"seed"`

	Status         string  `json:"status"`
	Objective      float64 `json:"objective"` // C sum of weighted losses + penalty
	Loss           float64 `json:"loss"`      // the weighted mean over all rows
	MaxAbsGradient float64 `json:"max_abs_gradient"`
	Iterations     int     `json:"iterations"`
	Passes         float64 `json:"passes"` // full reads of X
}

// Cols returns D, the number of features.
func (m *Model) Cols() int { return len(m.FeatureNames) }

// Outputs returns the number of rows of coefficients: 1 for two classes, else K.
func (m *Model) Outputs() int {
	if k := len(m.Classes.Names); k > 2 {
		return k
	}
	return 1
}

// ShapeError is a part of a model that contradicts the rest or holds no number.
type ShapeError struct {
	Part   string // "coef", "intercept", "classes", ...
	Reason string
}

func (e *ShapeError) Error() string { return e.Part + " " + e.Reason }

// Check reports the first part that contradicts the others, or a number that is not
// finite, as a *ShapeError. A model that passes can be saved and can predict.
func (m *Model) Check() error {
	k, d := len(m.Classes.Names), m.Cols()
	if k < 2 {
		return &ShapeError{"classes", fmt.Sprintf("are %d; there must be at least 2", k)}
	}
	if err := checkNames("classes", m.Classes.Names); err != nil {
		return err
	}
	if d < 1 {
		return &ShapeError{"features", "are none; there must be at least one"}
	}
	if err := checkNames("features", m.FeatureNames); err != nil {
		return err
	}
	if err := checkMatrix("coef", m.Coef, m.Outputs(), d); err != nil {
		return err
	}
	if err := checkVector("intercept", m.Intercept, m.Outputs()); err != nil {
		return err
	}
	if m.MultiClass != "" && (m.MultiClass != OneVsRest || k == 2) {
		return &ShapeError{"multi_class", fmt.Sprintf("is %q with %d classes; it must be empty, or %q with more than two", m.MultiClass, k, OneVsRest)}
	}
	if m.CoefStandardized != nil {
		if err := checkMatrix("coef_standardized", m.CoefStandardized, m.Outputs(), d); err != nil {
			return err
		}
	}
	if s := m.Preprocessing.Standardize; s != nil {
		if err := checkVector("mean", s.Mean, d); err != nil {
			return err
		}
		if err := checkVector("deviation", s.Deviation, d); err != nil {
			return err
		}
	}
	if e := m.Preprocessing.Encoding; e != nil {
		if err := e.Check(); err != nil {
			return &ShapeError{"encoding", "is damaged: " + err.Error()}
		}
		if e.Features() != d || !slices.Equal(e.FeatureNames(), m.FeatureNames) {
			return &ShapeError{"encoding", "makes other features than the model has"}
		}
	}
	if m.Training.ClassWeights != nil {
		if err := checkVector("class_weights", m.Training.ClassWeights, k); err != nil {
			return err
		}
	}
	t := &m.Training
	facts := []float64{t.C, t.L1Ratio, t.Tol, t.Objective, t.Loss, t.MaxAbsGradient, t.Passes}
	return checkVector("training", facts, len(facts))
}

func checkMatrix(part string, rows [][]float64, n, d int) error {
	if len(rows) != n {
		return &ShapeError{part, fmt.Sprintf("has %d rows; the classes need %d", len(rows), n)}
	}
	for i, row := range rows {
		if err := checkVector(fmt.Sprintf("%s row %d", part, i), row, d); err != nil {
			return err
		}
	}
	return nil
}

func checkVector(part string, v []float64, n int) error {
	if len(v) != n {
		return &ShapeError{part, fmt.Sprintf("has %d numbers where %d are needed", len(v), n)}
	}
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return &ShapeError{part, fmt.Sprintf("holds %v at index %d; numbers must be finite", x, i)}
		}
	}
	return nil
}

// checkNames holds names to what survives the file: distinct, and valid UTF-8.
func checkNames(part string, names []string) error {
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		if seen[n] {
			return &ShapeError{part, fmt.Sprintf("hold %q twice", n)}
		}
		if !utf8.ValidString(n) {
			return &ShapeError{part, fmt.Sprintf("hold %q, which is not valid UTF-8", n)}
		}
		seen[n] = true
	}
	return nil
}
