package backend

import (
	"fmt"
	"math"
	"slices"

	"gorgonia.org/tensor"
)

// MaxFolds bounds the fold ids of a source, MaxClasses the classes of a label column.
const (
	MaxFolds   = 1 << 15
	MaxClasses = 1 << 20
)

// Source is what a Data is loaded from. N rows, D columns.
type Source struct {
	// One of X, Sparse, Rows and SparseRows is the matrix. X is dense, N x D, row-major and
	// contiguous, float32 or float64.
	X *tensor.Dense

	// Sparse stores only the entries that are not 0. A backend never centres it.
	Sparse *CSR

	// Rows is dense and read again in every pass. It stays open until the Data is closed.
	Rows RowReader

	// SparseRows is sparse and read again in every pass. Like Sparse it is never centred,
	// and like Rows it stays open.
	SparseRows SparseReader

	// Lend lets a backend work on X or Sparse and the columns below themselves where it
	// needs no copy: the caller then leaves them as they are until the Data is closed.
	Lend bool

	// Labels are columns of N class numbers 0, 1, ... each.
	Labels [][]int32

	// Weights are columns of N finite weights >= 0 each. They need not be normalised.
	Weights [][]float64

	// Offsets are columns of N finite numbers each, added to z.
	Offsets [][]float64

	// Folds gives each row's fold, 0 .. MaxFolds-1; nil when no model leaves one out.
	Folds []int32
}

// Shape returns the number of rows and columns of X.
func (s *Source) Shape() (rows, cols int) {
	switch {
	case s.Sparse != nil:
		return s.Sparse.Rows, s.Sparse.Cols
	case s.Rows != nil:
		return s.Rows.Shape()
	case s.SparseRows != nil:
		return s.SparseRows.Shape()
	}
	shape := s.X.Shape()
	return shape[0], shape[1]
}

// Entries is the number of entries of a sparse X, -1 of a dense one.
func (s *Source) Entries() int64 {
	switch {
	case s.Sparse != nil:
		return s.Sparse.Entries()
	case s.SparseRows != nil:
		ptr := s.SparseRows.RowPtr()
		return ptr[len(ptr)-1]
	}
	return -1
}

// dtype is the type of the numbers of a dense X.
func (s *Source) dtype() tensor.Dtype {
	if s.Rows != nil {
		return s.Rows.Dtype()
	}
	return s.X.Dtype()
}

// Resolve replaces Auto by the format for the numbers that are stored: those of the
// whole matrix, or the entries of a sparse one.
func (s *Source) Resolve(storage Storage) Storage {
	if entries := s.Entries(); entries >= 0 && storage == Auto {
		if entries < AutoFloat64Bytes/8 {
			return Float64
		}
		return Float32
	}
	return storage.Resolve(s.Shape())
}

// Check reports the first malformed part as a *SourceError. It does not read the numbers of X:
// backends do that while they load it.
func (s *Source) Check() error {
	if err := s.checkMatrix(); err != nil {
		return err
	}
	n, _ := s.Shape()
	for c, col := range s.Labels {
		name := fmt.Sprintf("label column %d", c)
		if len(col) != n {
			return wrongLength(name, len(col), n)
		}
		if i := FirstClassAbove(col, MaxClasses); i >= 0 {
			return &SourceError{name, fmt.Sprintf("holds class %d in row %d; classes are 0 to %d", col[i], i, MaxClasses-1)}
		}
	}
	for c, col := range s.Weights {
		name := fmt.Sprintf("weight column %d", c)
		if len(col) != n {
			return wrongLength(name, len(col), n)
		}
		for i, v := range col {
			if !(v >= 0) || math.IsInf(v, 1) {
				return &SourceError{name, fmt.Sprintf("holds %v in row %d; weights must be finite and not negative", v, i)}
			}
		}
	}
	for c, col := range s.Offsets {
		name := fmt.Sprintf("offset column %d", c)
		if len(col) != n {
			return wrongLength(name, len(col), n)
		}
		for i, v := range col {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return &SourceError{name, fmt.Sprintf("holds %v in row %d; offsets must be finite", v, i)}
			}
		}
	}
	if s.Folds != nil && len(s.Folds) != n {
		return wrongLength("folds", len(s.Folds), n)
	}
	for i, v := range s.Folds {
		if v < 0 || v >= MaxFolds {
			return &SourceError{"folds", fmt.Sprintf("hold fold %d in row %d; folds are 0 to %d", v, i, MaxFolds-1)}
		}
	}
	return nil
}

// checkMatrix holds the matrix to its kind, of which there must be one.
func (s *Source) checkMatrix() error {
	kinds := 0
	for _, given := range []bool{s.X != nil, s.Sparse != nil, s.Rows != nil, s.SparseRows != nil} {
		if given {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return &SourceError{"X", "is missing"}
	case kinds > 1:
		return &SourceError{"X", "is given more than once: as X, Sparse, Rows or SparseRows"}
	case s.Sparse != nil:
		return s.Sparse.Check()
	case s.SparseRows != nil:
		return checkPointers(s.SparseRows)
	}
	var shape []int
	if s.Rows != nil {
		rows, cols := s.Rows.Shape()
		shape = []int{rows, cols}
	} else {
		shape = s.X.Shape()
	}
	dtype := s.dtype()
	if len(shape) != 2 || shape[0] < 1 || shape[1] < 1 {
		return &SourceError{"X", fmt.Sprintf("has shape %v; it must be rows x columns, at least 1 x 1", shape)}
	}
	if dtype != tensor.Float32 && dtype != tensor.Float64 {
		return &SourceError{"X", fmt.Sprintf("holds %v; it must hold float32 or float64", dtype)}
	}
	if s.X != nil && (s.X.RequiresIterator() || s.X.DataOrder().IsColMajor()) {
		return &SourceError{"X", "is a view or column-major; it must be contiguous and row-major"}
	}
	return nil
}

// checkPointers is what of CSR.Check can be told without a read.
func checkPointers(r SparseReader) error {
	rows, cols := r.Shape()
	ptr := r.RowPtr()
	switch {
	case rows < 1 || cols < 1 || cols > MaxSparseCols:
		return &SourceError{"X", fmt.Sprintf("has shape %d x %d; it must be at least 1 x 1 and have at most %d columns", rows, cols, MaxSparseCols)}
	case len(ptr) != rows+1 || ptr[0] != 0 || !slices.IsSorted(ptr):
		return &SourceError{"X", "has row pointers that are no row pointers"}
	}
	return nil
}

func wrongLength(what string, got, want int) error {
	return &SourceError{what, fmt.Sprintf("has %d entries for %d rows of X", got, want)}
}

// CheckModels reports the first model or coefficient length that does not fit the
// columns of s, as a *ModelError. Backends call it at the head of every operation.
func (c Columns) CheckModels(models []Model, coef ...[]float64) error {
	if len(models) == 0 {
		return &ModelError{0, "no models given"}
	}
	for k, m := range models {
		switch {
		case m.Label < 0 || m.Label >= c.Labels:
			return &ModelError{k, fmt.Sprintf("label column %d of %d", m.Label, c.Labels)}
		case m.Classes != 0 && m.Classes < 3:
			return &ModelError{k, fmt.Sprintf("%d softmax outputs; at least 3 are needed, or 0 for a model of one output", m.Classes)}
		case m.Weight < None || m.Weight >= c.Weights:
			return &ModelError{k, fmt.Sprintf("weight column %d of %d", m.Weight, c.Weights)}
		case m.Offset < None || m.Offset >= c.Offsets:
			return &ModelError{k, fmt.Sprintf("offset column %d of %d", m.Offset, c.Offsets)}
		case m.Fold < None || m.Fold >= 0 && !c.Folds:
			return &ModelError{k, fmt.Sprintf("fold %d, but the source has none", m.Fold)}
		case m.Classes > 0 && int(c.MaxLabel[m.Label]) >= m.Classes:
			return &ModelError{k, fmt.Sprintf("%d softmax outputs for labels up to %d", m.Classes, c.MaxLabel[m.Label])}
		}
	}
	want := Outputs(models) * (c.Cols + 1)
	for _, v := range coef {
		if len(v) != want {
			return &ModelError{0, fmt.Sprintf("coefficient vector of %d for %d outputs of %d columns; want %d", len(v), Outputs(models), c.Cols, want)}
		}
	}
	return nil
}

// CheckPredict is CheckModels for Predict, which needs neither labels nor weights
// nor folds: rows to be predicted have none.
func (c Columns) CheckPredict(models []Model, coef []float64, out []float64) error {
	bare := make([]Model, len(models))
	for k, m := range models {
		bare[k] = Model{Classes: m.Classes, Class: m.Class, Weight: None, Offset: m.Offset, Fold: None}
	}
	c.Labels, c.MaxLabel = 1, []int32{0}
	if err := c.CheckModels(bare, coef); err != nil {
		return err
	}
	if want := c.Rows * Outputs(models); len(out) != want {
		return &ModelError{0, fmt.Sprintf("room for %d probabilities of %d", len(out), want)}
	}
	return nil
}

// CheckGram is CheckModels for Gram: it also checks the blocks and their matrices.
func (c Columns) CheckGram(models []Model, coef []float64, blocks []GramBlock, out [][]float64) error {
	return c.checkBlocks(models, coef, blocks, out, c.Cols+1)
}

// checkBlocks is CheckGram for matrices of side x side.
func (c Columns) checkBlocks(models []Model, coef []float64, blocks []GramBlock, out [][]float64, side int) error {
	if err := c.CheckModels(models, coef); err != nil {
		return err
	}
	if len(out) != len(blocks) {
		return &ModelError{0, fmt.Sprintf("%d matrices for %d gram blocks", len(out), len(blocks))}
	}
	for i, b := range blocks {
		switch {
		case b.Model < 0 || b.Model >= len(models):
			return &ModelError{b.Model, fmt.Sprintf("gram block %d names model %d of %d", i, b.Model, len(models))}
		case b.Row < 0 || b.Col < 0 || max(b.Row, b.Col) >= models[b.Model].Outputs():
			return &ModelError{b.Model, fmt.Sprintf("gram block of outputs %d and %d of %d", b.Row, b.Col, models[b.Model].Outputs())}
		case len(out[i]) != side*side:
			return &ModelError{b.Model, fmt.Sprintf("gram matrix of %d numbers; want %d", len(out[i]), side*side)}
		}
	}
	return nil
}

// CheckSteps reports steps, losses and slopes given to Line.At that do not agree.
func CheckSteps(models []Model, t, loss, slope [][]float64) error {
	if len(t) != len(models) || len(loss) != len(models) || len(slope) != len(models) {
		return &ModelError{0, fmt.Sprintf("steps, losses and slopes of %d, %d and %d models for %d", len(t), len(loss), len(slope), len(models))}
	}
	for k := range t {
		if len(loss[k]) != len(t[k]) || len(slope[k]) != len(t[k]) {
			return &ModelError{k, fmt.Sprintf("room for %d losses and %d slopes at %d steps", len(loss[k]), len(slope[k]), len(t[k]))}
		}
	}
	return nil
}

// Columns is the shape of a loaded source, kept by a Data to check calls against.
type Columns struct {
	Rows, Cols               int
	Labels, Weights, Offsets int
	Folds                    bool
	MaxLabel                 []int32 // highest class of each label column
}

// Columns describes s, which must have passed Check.
func (s *Source) Columns() Columns {
	rows, cols := s.Shape()
	c := Columns{Rows: rows, Cols: cols, Labels: len(s.Labels), Weights: len(s.Weights), Offsets: len(s.Offsets), Folds: s.Folds != nil}
	for _, col := range s.Labels {
		c.MaxLabel = append(c.MaxLabel, int32(highest(col)))
	}
	return c
}

// FirstClassAbove is the first row whose class is not one of 0 to classes-1, or -1.
func FirstClassAbove(labels []int32, classes int) int {
	if int64(highest(labels)) < int64(classes) {
		return -1
	}
	return slices.IndexFunc(labels, func(v int32) bool { return v < 0 || int(v) >= classes })
}

// highest is the highest class; those below 0 are above all others. Labels are looked at
// more than once a fit, so it takes four at a time.
func highest(labels []int32) uint32 {
	var a, b, c, d uint32
	for ; len(labels) >= 4; labels = labels[4:] {
		a, b = max(a, uint32(labels[0])), max(b, uint32(labels[1]))
		c, d = max(c, uint32(labels[2])), max(d, uint32(labels[3]))
	}
	for _, v := range labels {
		a = max(a, uint32(v))
	}
	return max(a, b, c, d)
}
