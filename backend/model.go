package backend

// Model is one logistic regression over a Data: which label, weight, offset and
// fold columns of the source it uses. Classes of a one-versus-rest set, label
// columns, folds and penalties strengths are all just models, evaluated together.
type Model struct {
	// Label is the label column of the source.
	Label int

	// Classes is the number of softmax outputs, at least 3, or 0 for a model of one
	// output: the probability of Class against all other classes.
	Classes int

	// Class is the class whose probability a model of one output gives.
	Class int32

	// Weight is the weight column of the source, or None for weights of 1.
	Weight int

	// Offset is the offset column of the source, added to z (of every output), or None.
	Offset int

	// Fold is the fold left out of the sums, or None.
	Fold int
}

// None stands for no column or no fold in a Model.
const None = -1

// Binary is the plain two-class model: label column 0, class 1, nothing else.
func Binary() Model { return Model{Class: 1, Weight: None, Offset: None, Fold: None} }

// Softmax is the plain model of k classes over label column 0.
func Softmax(k int) Model { return Model{Classes: k, Weight: None, Offset: None, Fold: None} }

// Outputs is the number of rows of coefficients of the model.
func (m Model) Outputs() int { return max(m.Classes, 1) }

// Layout gives the place of every model in a coefficient vector over cols columns:
// model k owns coef[start[k]:start[k+1]].
func Layout(models []Model, cols int) (start []int) {
	start = make([]int, len(models)+1)
	for k, m := range models {
		start[k+1] = start[k] + m.Outputs()*(cols+1)
	}
	return start
}

// Outputs is the total number of outputs of the models.
func Outputs(models []Model) (n int) {
	for _, m := range models {
		n += m.Outputs()
	}
	return n
}

// GramBlock names one block of one model's Hessian: outputs Row and Col.
type GramBlock struct {
	Model    int // index into the models of the call
	Row, Col int // outputs; both 0 for a model of one output
}

// Evaluation is what Eval gives, sums over rows and not means.
type Evaluation struct {
	Loss []float64 // one a model
	Grad []float64 // the layout of coef
	Held []float64 // one a model: the loss of the rows of its left-out fold
}

// Reset gives the slices the lengths that models over cols columns need and
// clears them.
func (e *Evaluation) Reset(models []Model, cols int) {
	e.Loss = zeros(e.Loss, len(models))
	e.Held = zeros(e.Held, len(models))
	e.Grad = zeros(e.Grad, Outputs(models)*(cols+1))
}

func zeros(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// Moments are the statistics of one weighting of the columns. Var is the mean
// squared deviation (divided by the sum of weights). All have length D.
type Moments struct {
	Sum  float64 // of the weights
	Mean []float64
	Var  []float64
}

// Stats are the statistics of the stored columns.
type Stats struct {
	Moments            // every row counted once
	Weighted Moments   // with the asked weight column; the zero value without one
	Min, Max []float64 // over all rows
	NonZero  []int64   // of the stored values
}
