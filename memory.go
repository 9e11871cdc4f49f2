package logreg

import (
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/objective"
)

// program is what the process takes whatever it does, and slack the share of the memory
// that the garbage collector is left to work with.
//
// A fit to sparse X has so many vectors of its coefficients at a time, and makes a metric
// of so many columns at most.
const (
	vectors = 40
	hottest = 2001

	program = 48 << 20
	slack   = 0.08
)

// machine is how a backend is opened for src, which is made of ds, with K outputs in all:
// with the memory that is left for X of what is allowed.
func (o *Options) machine(ds *dataset.Dataset, src *backend.Source, outputs int) (backend.Options, error) {
	b := backend.Options{Threads: o.Threads, FixedPoint: o.FixedPoint}
	if o.MaxMemory == 0 || !ds.OnDisk() {
		return b, nil
	}
	rows, cols := ds.Shape()
	// A row has its columns twice, the dataset's and the backend's, and the weights that
	// they were made into; of an eighth of the rows or so there are tickets of a lottery
	// and their numbers and factors.
	row := 4*len(ds.Labels)/rows + 8*(len(ds.Weights)+len(ds.Offsets))/rows +
		4*len(src.Labels) + 16*len(src.Weights) + 8*len(src.Offsets) + 8*len(src.Folds)/rows + 5
	// A metric is made of partial sums, and factorised; there are several of several
	// outputs, up to what the solver allows them.
	metric := int64(0)
	switch side := int64(cols + 1); {
	case ds.SparseStream != nil: // where rows begin; vectors of millions of coefficients; no partial sums
		row += 8
		one := 8 * min(side, hottest) * min(side, hottest)
		metric = vectors*8*int64(outputs)*side + one + 2*min(int64(outputs)*one, 256<<20)
	case side <= 4097:
		one := 8 * side * side
		metric = 4*one + 2*min(int64(outputs)*one, 256<<20)
	}
	other := int64(program) + int64(slack*float64(o.MaxMemory)) + int64(rows)*int64(row) + metric
	b.Memory = o.MaxMemory - other
	if b.Memory <= 0 {
		return b, named(ds, &objective.OptionError{Option: "max-memory", Reason: fmt.Sprintf(
			"is %d MB, and a fit takes %d MB beside X, for the columns of %d rows and for metrics; give more", o.MaxMemory/1e6, other/1e6+1, rows)})
	}
	return b, nil
}
