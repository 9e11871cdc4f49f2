package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// readFiles reads the files at paths as one table, whose name is the pattern that they
// match: the rows of one behind those of the other. They need the same columns; by name
// in any order, without names as many. Classes and categories are those of all.
//
//	file --read--> part --conform--> +------ rows in memory, joined at the end
//	file --read--> part --conform--> +------ or scratch file, where memory is bounded
//	...                              +------ or the file itself, where it can be read in pieces
func readFiles(ctx context.Context, pattern string, paths []string, o *ReadOptions) (d *Dataset, err error) {
	j := &joiner{o: *o}
	defer func() {
		if err != nil {
			j.discard()
		}
	}()
	for _, path := range paths {
		part, err := readFile(ctx, path, &j.o)
		if errors.Is(err, errNoHeader) && len(j.read) > 0 && j.read[0].LabelName == j.o.Label {
			err = &ReadError{File: path, Problem: "it has no header, and " + paths[0] + " has one", Advice: "files that are read together need the same columns"}
		}
		if err != nil {
			return nil, err
		}
		if err := j.add(ctx, part); err != nil {
			part.Close()
			return nil, withFile(err, path)
		}
	}
	if d, err = j.dataset(ctx); err != nil {
		return nil, withFile(err, pattern)
	}
	d.Name = pattern
	return d, nil
}

// joiner is several files on their way to one Dataset.
type joiner struct {
	o     ReadOptions // of the next file
	read  []*Dataset  // X of those that are on the disk is in disk
	parts []filePart
	rows  int
	bytes int64 // of what is in memory, where that is bounded

	disk   joinedRows
	spill  *scratch // where X of the last files went
	sparse *scratch // where sparse features went
	dtype  tensor.Dtype
	kind   string // of features
	valued bool   // not all sparse entries are 1
}

// add takes the next file.
func (j *joiner) add(ctx context.Context, d *Dataset) error {
	if len(j.read) == 0 {
		j.kind = d.kind()
		if d.LabelName != "" {
			j.o.Label = d.LabelName // the last column of this file may be another of the next
		}
	} else if err := d.conform(j.read[0], j.kind); err != nil {
		return err
	}
	rows, cols := d.Shape()
	j.parts = append(j.parts, filePart{d.Name, j.rows})
	j.rows += rows
	if j.o.MaxMemory > 0 {
		if err := j.bound(ctx, d, rows, cols); err != nil {
			return err
		}
	}
	j.read = append(j.read, d)
	return nil
}

// bound keeps within the memory that is allowed.
func (j *joiner) bound(ctx context.Context, d *Dataset, rows, cols int) error {
	onDisk := j.spill != nil || len(j.disk.readers) > 0
	switch {
	case d.raw != nil && onDisk:
		return d.raw.textError()
	case d.raw != nil || d.X != nil && len(j.read) > 0 && j.read[0].raw != nil:
		j.bytes += int64(rows) * int64(cols) * 8
	case d.isSparse():
		return j.toSparseScratch(ctx, d)
	case d.Stream != nil:
		if err := j.endSpill(); err != nil {
			return err
		}
		j.disk.add(d.Stream, d.Name)
		d.Stream = nil
	default:
		return j.toScratch(d, cols)
	}
	return j.o.tooLarge(j.bytes)
}

// toScratch moves X to the disk. It comes back when all of it turns out to fit.
func (j *joiner) toScratch(d *Dataset, cols int) error {
	if j.spill != nil && j.dtype != d.X.Dtype() {
		if err := j.endSpill(); err != nil {
			return err
		}
	}
	if j.spill == nil {
		var err error
		if j.spill, err = newScratch(j.o.Scratch, cols, d.X.Dtype()); err != nil {
			return err
		}
		j.dtype = d.X.Dtype()
	}
	err := j.spill.add(d.X.Data())
	d.X = nil
	return err
}

// toSparseScratch is toScratch for sparse features.
func (j *joiner) toSparseScratch(ctx context.Context, d *Dataset) error {
	if j.sparse == nil {
		j.dtype = tensor.Float64
		if j.o.Float == tensor.Float32 || d.indices == nil && !d.ones() {
			j.dtype = d.Dtype()
		}
		var err error
		if j.sparse, err = newSparseScratch(j.o.Scratch, j.dtype, false); err != nil {
			return err
		}
	}
	j.valued = j.valued || !d.ones()
	add := func(m *backend.CSR) error {
		if m.Dtype() == tensor.Float64 && j.dtype == tensor.Float32 {
			return &ReadError{Problem: fmt.Sprintf("its values are float64 where those of %s are float32", j.read[0].Name), Advice: "files that are read together within --max-memory need the same types"}
		}
		m, err := castCSR(m, j.dtype)
		if err != nil {
			return err
		}
		return j.sparse.addCSR(m)
	}
	if r := d.SparseStream; r != nil {
		err := eachCSR(ctx, r, func(_ int, m *backend.CSR) error { return add(m) })
		if err == nil {
			err = d.Close()
		}
		return err
	}
	m := d.Sparse
	if d.indices != nil { // columns as they stand in the file, as in any scratch file
		for e := range m.Col {
			m.Col[e]++
		}
		m.Cols = int(max(d.indices.high, 0)) + 1
	}
	d.Sparse = nil
	return add(m)
}

// dropValues leaves out values that are all 1.
func (d *Dataset) dropValues() {
	if r := d.SparseStream; r != nil {
		_, cols := r.Shape()
		d.SparseStream = &shiftedCSR{sparseMadeOf{r}, 0, cols, true}
		return
	}
	d.Sparse.Val32, d.Sparse.Val64 = nil, nil
}

// ones tells whether all entries of sparse features are 1.
func (d *Dataset) ones() bool {
	switch {
	case d.indices != nil:
		return d.indices.ones
	case d.Sparse != nil:
		return d.Sparse.Val32 == nil && d.Sparse.Val64 == nil
	}
	return d.SparseStream.Ones()
}

// endSpill makes a reader of what went to the scratch file.
func (j *joiner) endSpill() error {
	if j.spill == nil {
		return nil
	}
	r, err := j.spill.reader()
	if err != nil {
		return err
	}
	j.disk.add(r, "")
	j.spill = nil
	return nil
}

// discard gives up what is on the disk.
func (j *joiner) discard() {
	if j.spill != nil {
		j.spill.discard()
	}
	if j.sparse != nil {
		j.sparse.discard()
	}
	j.disk.Close()
}

// dataset puts the files together.
func (j *joiner) dataset(ctx context.Context) (*Dataset, error) {
	first := j.read[0]
	d := &Dataset{FeatureNames: first.FeatureNames, LabelName: first.LabelName, parts: j.parts}
	if err := j.endSpill(); err != nil {
		return nil, err
	}
	if err := j.sides(d); err != nil {
		return nil, err
	}
	var err error
	switch withText := slices.IndexFunc(j.read, func(p *Dataset) bool { return p.raw != nil }); {
	case withText >= 0:
		options := j.read[withText].raw.options
		d.raw = &raw{j.table(), options}
	case j.sparse != nil:
		d.indices = j.indices()
		var r *scratchEntries
		if r, err = j.sparse.sparseReader(); err == nil {
			err = d.takeSparse(ctx, r, &j.o)
		}
		if err == nil && !j.valued && d.indices == nil {
			d.dropValues()
		}
	case first.Sparse != nil:
		d.indices, d.Sparse = j.indices(), j.csr()
	case len(j.disk.readers) > 0:
		r := j.disk.typed()
		if size := int64(j.rows) * int64(len(d.FeatureNames)) * int64(r.Dtype().Size()); j.o.streams(size) {
			d.Stream = r
			return d, nil
		}
		if d.X, err = gather(ctx, r); err != nil {
			return nil, err
		}
		err = j.disk.Close()
	default:
		d.X = j.dense()
	}
	return d, err
}

// sides joins labels, weights and offsets.
func (j *joiner) sides(d *Dataset) error {
	var names []string
	for _, p := range j.read {
		d.Weights, d.Offsets = append(d.Weights, p.Weights...), append(d.Offsets, p.Offsets...)
		names = append(names, p.Classes.Names...)
	}
	if j.read[0].Labels == nil {
		return nil
	}
	if j.o.Classes != nil {
		d.Classes = *j.o.Classes
	} else {
		d.Classes = classesOf(names)
	}
	if n := len(d.Classes.Names); n > backend.MaxClasses {
		return tooManyClasses(d.LabelName, n)
	}
	index := d.Classes.index()
	d.Labels = make([]int32, 0, j.rows)
	for _, p := range j.read {
		of := make([]int32, len(p.Classes.Names))
		for k, name := range p.Classes.Names {
			of[k], _ = index.of(name)
		}
		for _, l := range p.Labels {
			d.Labels = append(d.Labels, of[l])
		}
		p.Labels = nil
	}
	return nil
}

// dense joins X, as float64 where one of the files has that.
func (j *joiner) dense() *tensor.Dense {
	for _, p := range j.read {
		if p.X.Dtype() == tensor.Float64 {
			return joinDense[float64](j)
		}
	}
	return joinDense[float32](j)
}

func joinDense[T float32 | float64](j *joiner) *tensor.Dense {
	cols := len(j.read[0].FeatureNames)
	x := make([]T, j.rows*cols)
	hugepages.Want(x)
	at := 0
	for _, p := range j.read {
		rows, _ := p.Shape()
		to := x[at*cols : (at+rows)*cols]
		switch from := p.X.Data().(type) {
		case []float32:
			convert(to, from)
		case []float64:
			convert(to, from)
		}
		p.X = nil
		at += rows
	}
	return tensor.New(tensor.WithShape(j.rows, cols), tensor.WithBacking(x))
}

// indices is what was seen of the indices of LibSVM files; nil of others.
func (j *joiner) indices() *svmIndices {
	if j.read[0].indices == nil {
		return nil
	}
	found := &svmIndices{high: -1, ones: true}
	for _, p := range j.read {
		found.join(p.indices, p.Name)
	}
	return found
}

// csr joins CSRs.
func (j *joiner) csr() *backend.CSR {
	m := &backend.CSR{Rows: j.rows, RowPtr: make([]int64, 1, j.rows+1)}
	entries, ones, dtype := int64(0), true, tensor.Float32
	for _, p := range j.read {
		s := p.Sparse
		m.Cols = max(m.Cols, s.Cols)
		entries += s.Entries()
		if ones = ones && s.Val32 == nil && s.Val64 == nil; s.Dtype() == tensor.Float64 {
			dtype = tensor.Float64
		}
	}
	m.Col = make([]uint32, 0, entries)
	switch {
	case ones:
	case dtype == tensor.Float64:
		m.Val64 = make([]float64, 0, entries)
	default:
		m.Val32 = make([]float32, 0, entries)
	}
	for _, p := range j.read {
		s, before := p.Sparse, int64(len(m.Col))
		for _, end := range s.RowPtr[1:] {
			m.RowPtr = append(m.RowPtr, before+end)
		}
		m.Col = append(m.Col, s.Col...)
		switch {
		case ones:
		case m.Val64 != nil:
			for e := range s.Entries() {
				m.Val64 = append(m.Val64, s.Value(e))
			}
		default:
			for e := range s.Entries() {
				m.Val32 = append(m.Val32, float32(s.Value(e)))
			}
		}
		p.Sparse = nil
	}
	return m
}
