package dataset

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/logreg-gpu/logreg-gpu/dataset/arrow"
)

// readArrow reads an Arrow IPC file, which is also Feather, or a stream. Integers of 64
// bits and decimals become the nearest float64; texts are categories, in a dictionary or
// not. Dates, times, bytes and nested fields are errors unless they are ignored.
func readArrow(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error) {
	file, err := in.spool(o, "Arrow IPC file", arrow.FileMagic, arrow.StreamMagic, featherMagic)
	if err != nil {
		return nil, err
	}
	defer file.close()
	f, err := openArrow(file)
	if err != nil {
		return nil, withFile(err, in.name)
	}
	d, err := f.dataset(ctx, o)
	return d, withFile(arrowError(err), in.name)
}

// featherMagic is that of version 1 of Feather, a format of its own.
const featherMagic = "FEA1"

func openArrow(file *spooled) (f *columnar, err error) {
	var magic [len(featherMagic)]byte
	if _, err := file.ReadAt(magic[:], 0); err == nil && string(magic[:]) == featherMagic {
		return nil, &ReadError{Problem: "this is version 1 of Feather", Advice: "write it anew as version 2, the default of pandas and pyarrow"}
	}
	f = &columnar{format: "Arrow", size: file.size}
	defer f.damaged(&err)
	a, err := arrow.Open(file, file.size)
	if err != nil {
		return nil, arrowError(err)
	}
	for _, c := range a.Columns {
		f.columns = append(f.columns, columnarColumn{c.Name, c.Text, c.Single, c.Nulls, c.Refused})
	}
	for _, b := range a.Batches {
		if b.Rows() > math.MaxInt-f.rows {
			return nil, damage("Arrow", fmt.Sprintf("a batch of %d rows", b.Rows()))
		}
		f.rows += b.Rows()
		f.groups = append(f.groups, arrowBatch{b})
	}
	return f, nil
}

type arrowBatch struct{ *arrow.Batch }

func (b arrowBatch) numRows() int { return b.Rows() }

func (b arrowBatch) open(column int) (cellReader, error) {
	c, err := b.Open(column)
	return c, arrowError(err)
}

// arrowError is a *ReadError for what package arrow reports.
func arrowError(err error) error {
	var e *arrow.Error
	if !errors.As(err, &e) {
		return err
	}
	return &ReadError{Column: e.Column, Problem: e.Problem, Advice: e.Advice, Err: err}
}
