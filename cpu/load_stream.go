package cpu

import (
	"context"
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/columns"
)

// loadStream takes X as it is read from the source. It reads X once, to check it, and
// computes statistics on the way: every fit asks for them next.
func loadStream[T number](ctx context.Context, p *processor, src *backend.Source, storage backend.Storage) (backend.Data, error) {
	affine, err := backend.ChooseAffine(src)
	if err != nil {
		return nil, err
	}
	stream, err := newStream[T](src.Rows, p.threads, affine, storage, p.memory)
	if err != nil {
		return nil, err
	}
	d := &data[T]{
		frame:  frame[T]{affine: affine, storage: storage, threads: p.threads, kernel: kernelsOf[T]()},
		stream: stream, memory: stream.memory,
	}
	d.setColumns(columns.Take(src))
	if err := d.computeStats(ctx); err != nil {
		return nil, err
	}
	stream.checked = true
	return d, nil
}

// sampledBytes is what a row that is drawn takes, with its columns.
func (d *data[T]) sampledBytes() int64 {
	c := d.columns
	bytes := 4*c.Labels + 8*(c.Weights+1+c.Offsets)
	if c.Folds {
		bytes += 4
	}
	return int64(d.Cols()*storedBytes[T](d.narrow())) + int64(bytes)
}

func (d *data[T]) narrow() *narrowFormat {
	if d.stream != nil {
		return d.stream.narrow
	}
	return d.x.narrow
}

// MostSampled implements backend.Limited.
func (d *data[T]) MostSampled() int {
	if d.memory == nil || d.memory.limit == 0 {
		return d.Rows()
	}
	return int(max(0, min(int64(d.Rows()), (d.memory.left()-d.least())/d.sampledBytes())))
}

// least is the memory that passes over X need.
func (d *data[T]) least() int64 {
	if d.stream != nil {
		return d.stream.least()
	}
	return 0
}

// Placement implements backend.Placed.
func (d *data[T]) Placement() string {
	if d.stream == nil || d.stream.kept == d.stream.blocks.count {
		return ""
	}
	all := float64(d.stream.rowBytes()) * float64(d.Rows())
	held := all * float64(d.stream.kept) / float64(d.stream.blocks.count)
	return fmt.Sprintf("%.2f of %.2f GB of X are in memory; the rest is read in every pass", held/1e9, all/1e9)
}
