package lrb

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// Dense reads the whole of a dense matrix, by several threads; 0 is one a processor.
func (f *File) Dense(ctx context.Context, threads int) (*tensor.Dense, error) {
	var x any
	var err error
	if f.values == float64s {
		x, err = f.Dense64(ctx, threads)
	} else {
		x, err = f.Dense32(ctx, threads)
	}
	if err != nil {
		return nil, err
	}
	return tensor.New(tensor.WithShape(f.rows, f.cols), tensor.WithBacking(x)), nil
}

// Dense32 reads the whole of a dense float32 matrix, row-major. Whether the numbers are
// finite is for backends to find out.
func (f *File) Dense32(ctx context.Context, threads int) ([]float32, error) {
	return dense[float32](ctx, f, float32s, threads)
}

// Dense64 is Dense32 for float64.
func (f *File) Dense64(ctx context.Context, threads int) ([]float64, error) {
	return dense[float64](ctx, f, float64s, threads)
}

func dense[T float32 | float64](ctx context.Context, f *File, values valueType, threads int) ([]T, error) {
	if f.sparse || f.values != values {
		return nil, fmt.Errorf("%s: the matrix is not dense %s", f.name, values)
	}
	x := make([]T, f.rows*f.cols)
	hugepages.Want(x)
	err := f.forBlocks(ctx, threads, func(blocks []block) error {
		first, last := &blocks[0], &blocks[len(blocks)-1]
		return f.readBlocks(blocks, bytesOf(x[first.first*f.cols:(last.first+last.rows)*f.cols]))
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

// CSR reads the whole of a sparse matrix. It passes CSR.Check.
func (f *File) CSR(ctx context.Context, threads int) (*backend.CSR, error) {
	if !f.sparse {
		return nil, errors.New(f.name + ": the matrix is not sparse")
	}
	ptr, err := f.rowPointers()
	if err != nil {
		return nil, err
	}
	m := &backend.CSR{Rows: f.rows, Cols: f.cols, RowPtr: ptr, Col: make([]uint32, f.entries)}
	hugepages.Want(m.Col)
	switch f.values {
	case float32s:
		m.Val32 = make([]float32, f.entries)
		hugepages.Want(m.Val32)
	case float64s:
		m.Val64 = make([]float64, f.entries)
		hugepages.Want(m.Val64)
	}
	whole := f.withOffsets(ptr)
	err = whole.forBlocks(ctx, threads, func(blocks []block) error {
		for i := range blocks {
			b := &blocks[i]
			from, to := ptr[b.first], ptr[b.first+b.rows]
			cols, colsPad, _, _ := sparseBlockBytes(to-from, f.values)
			e := cut(m, from, to)
			if err := whole.readWhole(b, e, cols+colsPad); err != nil {
				return err
			}
			if err := whole.checkColumns(b.first, b.rows, ptr, from, e.col); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

const (
	// readBlocks are read in one go, and then summed while they are in a cache.
	readBlocks = 4

	// runBlocks are read by one goroutine before it goes elsewhere: the disk sees long reads,
	// and two threads are rarely the first to touch the same huge page of X, which both would
	// then fill with zeros.
	runBlocks = 16
)

// forBlocks hands every block to read, some neighbours at a time, in parallel, and returns
// the error of the first in order that has one.
func (f *File) forBlocks(ctx context.Context, threads int, read func([]block) error) error {
	if err := f.unchanged(); err != nil {
		return err
	}
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var (
		next  atomic.Int64
		mu    sync.Mutex
		first error
		at    = len(f.blocks)
		group sync.WaitGroup
	)
	for range min(threads, (len(f.blocks)+runBlocks-1)/runBlocks) {
		group.Go(func() {
			for {
				from := int(next.Add(1)-1) * runBlocks
				end := min(from+runBlocks, len(f.blocks))
				for i := from; i < end; i += readBlocks {
					mu.Lock()
					stop := i >= at
					mu.Unlock()
					if stop || ctx.Err() != nil {
						return
					}
					if err := read(f.blocks[i:min(i+readBlocks, end)]); err != nil {
						mu.Lock()
						if i < at {
							first, at = err, i
						}
						mu.Unlock()
						return
					}
				}
				if end <= from {
					return
				}
			}
		})
	}
	group.Wait()
	if first == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return first
}
