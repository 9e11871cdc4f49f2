package cuda

import (
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

var errClosed = backend.ErrClosed

// data is X on a device, with its columns.
type data struct {
	memory
	columns backend.Columns
	storage backend.Storage
	affine  backend.Affine
	closed  bool

	suffix   string // of the kernels for the storage: "f32", "f64", "bf16", "f16"
	real     string // of those for real numbers: "f32" or "f64"
	realSize int

	x       driver.Ptr
	sparse  *sparse // nil where X is dense, else x and ld mean nothing
	ld      int     // numbers from row to row: cols where narrow, else cols rounded up to 4
	labels  []driver.Ptr
	weights []weights
	base    weights // of models without a weight column; only sampled rows have one
	offsets []driver.Ptr
	folds   driver.Ptr
}

// weights is a weight column. The device holds it in real numbers in units of a power of
// two just below its largest, so that weights of any size pass through float32 without
// loss; results are multiplied by the unit in float64.
type weights struct {
	ptr  driver.Ptr // 0: every weight is 1
	unit float64
	host []float64 // as given, for sums and for samples
}

var (
	_ backend.Data         = (*data)(nil)
	_ backend.HessVec      = (*data)(nil)
	_ backend.Gram         = (*data)(nil)
	_ backend.ColumnGram   = (*data)(nil)
	_ backend.Sampler      = (*data)(nil)
	_ backend.LineSearcher = (*data)(nil)
)

// formats are what the kernels call the storage types and the type of products in them.
var formats = map[backend.Storage]struct{ suffix, real string }{
	backend.Float64:  {"f64", "f64"},
	backend.Float32:  {"f32", "f32"},
	backend.BFloat16: {"bf16", "f32"},
	backend.Float16:  {"f16", "f32"},
}

func newData(g *gpu, columns backend.Columns, storage backend.Storage, affine backend.Affine) *data {
	f := formats[storage]
	d := &data{
		memory:  memory{g: g, spaces: map[string]*space{}},
		columns: columns, storage: storage, affine: affine,
		suffix: f.suffix, real: f.real, realSize: map[string]int{"f32": 4, "f64": 8}[f.real],
		base: weights{unit: 1},
	}
	d.ld = columns.Cols
	if !d.narrow() {
		d.ld = (columns.Cols + 3) / 4 * 4
	}
	return d
}

// narrow tells that rows are contiguous and may start anywhere.
func (d *data) narrow() bool { return d.columns.Cols <= tileColumns(d.real) }

// tiled tells that only the tile forms take such rows: no multiple of four numbers.
func (d *data) tiled() bool { return d.narrow() && d.columns.Cols%4 != 0 }

// ldw is the length of one output's coefficients on the device: padded like a row of X,
// the intercept last.
func (d *data) ldw() int { return (d.columns.Cols+3)/4*4 + 4 }

func (d *data) Rows() int                { return d.columns.Rows }
func (d *data) Cols() int                { return d.columns.Cols }
func (d *data) Storage() backend.Storage { return d.storage }
func (d *data) Affine() backend.Affine   { return d.affine }

func (d *data) Close() error {
	if d.closed {
		return errClosed
	}
	d.closed = true
	return d.g.do(d.free)
}

// reals is v in the type of products.
func (d *data) reals(v []float64) []byte {
	if d.realSize == 8 {
		return bytesOf(v)
	}
	narrow := make([]float32, len(v))
	for i, x := range v {
		narrow[i] = float32(x)
	}
	return bytesOf(narrow)
}

// uploadWeights puts a weight column on the device.
func (d *data) uploadWeights(name string, host []float64) (weights, error) {
	w := weights{unit: columns.Unit(host), host: host}
	scaled := make([]float64, len(host))
	for i, x := range host {
		scaled[i] = x / w.unit
	}
	var err error
	w.ptr, err = d.upload(name, d.reals(scaled))
	return w, err
}

// weightsOf is the weight column of a model.
func (d *data) weightsOf(m backend.Model) weights {
	if m.Weight == backend.None {
		return d.base
	}
	return d.weights[m.Weight]
}
