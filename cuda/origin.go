package cuda

import (
	"sync"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// origin is where the numbers of a matrix are before they are on the device.
type origin struct {
	kernel string // that converts them
	size   int    // bytes of one
	cols   int

	// fill sets dst to whole rows from row first on.
	fill func(dst []byte, first int) error

	// value is one number.
	value func(row, col int) (float64, error)
}

// fillBytes is what each of the goroutines takes that fill a buffer.
const fillBytes = 4 << 20

func originOf(src *backend.Source) origin {
	if src.Rows != nil {
		return readerOrigin(src.Rows)
	}
	_, cols := src.Shape()
	switch x := src.X.Data().(type) {
	case []float32:
		return sliceOrigin("scale_convert_from32", x, cols)
	case []float64:
		return sliceOrigin("scale_convert_from64", x, cols)
	}
	panic("cuda: a source that passed Check holds float32 or float64")
}

func sliceOrigin[S float32 | float64](kernel string, x []S, cols int) origin {
	size := len(bytesOf(make([]S, 1)))
	return origin{
		kernel: kernel, size: size, cols: cols,
		fill: func(dst []byte, first int) error {
			fill(dst, bytesOf(x)[first*cols*size:][:len(dst)])
			return nil
		},
		value: func(row, col int) (float64, error) { return float64(x[row*cols+col]), nil },
	}
}

func readerOrigin(r backend.RowReader) origin {
	_, cols := r.Shape()
	if r.Dtype() == tensor.Float32 {
		return readOrigin("scale_convert_from32", r.ReadRows32, cols)
	}
	return readOrigin("scale_convert_from64", r.ReadRows64, cols)
}

func readOrigin[S float32 | float64](kernel string, read func(int, []S) error, cols int) origin {
	size := len(bytesOf(make([]S, 1)))
	step := max(1, fillBytes/(cols*size)) * cols // numbers of whole rows
	return origin{
		kernel: kernel, size: size, cols: cols,
		fill: func(dst []byte, first int) error {
			x := numbersOf[S](dst)
			errs := make([]error, (len(x)+step-1)/step)
			var all sync.WaitGroup
			for k := range errs {
				all.Go(func() {
					at := k * step
					errs[k] = read(first+at/cols, x[at:min(at+step, len(x))])
				})
			}
			all.Wait()
			for _, err := range errs {
				if err != nil {
					return err
				}
			}
			return nil
		},
		value: func(row, col int) (float64, error) {
			x := make([]S, cols)
			err := read(row, x)
			return float64(x[col]), err
		},
	}
}
