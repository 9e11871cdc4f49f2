package reference

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
	"github.com/logreg-gpu/logreg-gpu/internal/half"
)

// Name is what the backend is registered under.
const Name = "cpu-reference"

func init() {
	backend.Register(backend.Driver{
		Name:  Name,
		About: "float64 arithmetic in plain loops, the measure of all other backends",
		Devices: func() ([]backend.Device, error) {
			return []backend.Device{{Backend: Name, Name: "one CPU thread"}}, nil
		},
		Open: func(backend.Options) (backend.Backend, error) { return New(), nil },
	})
}

// New returns the reference backend.
func New() backend.Backend { return new(reference) }

type reference struct{ closed atomic.Bool }

func (b *reference) Name() string { return Name }

func (b *reference) Close() error {
	if b.closed.Swap(true) {
		return backend.ErrClosed
	}
	return nil
}

// Load rounds every value to the storage and keeps the result as float64: the
// storage costs digits here as anywhere, the arithmetic does not.
func (b *reference) Load(ctx context.Context, src *backend.Source, storage backend.Storage) (backend.Data, error) {
	if b.closed.Load() {
		return nil, backend.ErrClosed
	}
	if err := src.Check(); err != nil {
		return nil, err
	}
	rows, cols := src.Shape()
	storage = src.Resolve(storage)
	round, ok := rounding[storage]
	if !ok {
		return nil, fmt.Errorf("%w: storage type %d", backend.ErrUnsupported, storage)
	}
	if src.SparseRows != nil { // the reference holds all of them
		m, whole := new(backend.CSR), *src
		if err := src.SparseRows.ReadCSR(0, rows, m); err != nil {
			return nil, err
		}
		whole.Sparse, whole.SparseRows = m, nil
		src = &whole
	}
	if src.Sparse != nil {
		return loadSparse(ctx, src, storage, round)
	}
	affine, err := backend.ChooseAffine(src)
	if err != nil {
		return nil, err
	}
	d := &data{
		columns: columns.Take(src),
		storage: storage,
		affine:  affine,
	}
	if src.Rows != nil {
		if err := d.openPages(ctx, src.Rows, round); err != nil {
			return nil, err
		}
		return d, nil
	}
	d.x = make([]float64, rows*cols)
	var at func(i int) float64
	switch x := src.X.Data().(type) {
	case []float32:
		at = func(i int) float64 { return float64(x[i]) }
	case []float64:
		at = func(i int) float64 { return x[i] }
	}
	for i := range rows {
		if err := between(ctx, i); err != nil {
			return nil, err
		}
		for j := range cols {
			v := at(i*cols + j)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, &backend.NotFiniteError{Row: i, Col: j, Value: v}
			}
			stored := round(d.affine.Map(j, v))
			if math.IsInf(stored, 0) {
				return nil, &backend.RangeError{Row: i, Col: j, Value: v, Storage: storage}
			}
			d.x[i*cols+j] = stored
		}
	}
	return d, nil
}

// rounding takes a number to the nearest of each storage type. Beyond the range
// that is an infinity.
var rounding = map[backend.Storage]func(float64) float64{
	backend.Float64:  func(v float64) float64 { return v },
	backend.Float32:  func(v float64) float64 { return float64(float32(v)) },
	backend.BFloat16: func(v float64) float64 { return float64(half.FromBFloat16(half.BFloat16(v))) },
	backend.Float16: func(v float64) float64 {
		h := half.Float16(v)
		if h&0x7fff == 0x7c00 {
			return math.Inf(1)
		}
		return float64(half.FromFloat16(h))
	},
}
