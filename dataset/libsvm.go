package dataset

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// IndexBase is the number of the first feature in a LibSVM file.
type IndexBase uint8

const (
	// IndexAuto takes the base of the model for which features are read. Otherwise it is 0
	// where an index 0 stands anywhere in the file, and 1 where none does.
	IndexAuto IndexBase = iota
	IndexFromZero
	IndexFromOne
)

// readLibSVM reads the text of LIBSVM, SVMlight and LIBLINEAR into a sparse matrix:
//
//	label [qid:n] index:value index:value ... [# comment]
//
// Indices rise within a row. Labels are numbers or words; qid is skipped, and so are blank
// lines. Features are called x and the index that they have in the file, so that x1 is the
// first of a file that counts from 1. Numbers are those of readCSV.
//
// A row that is to be predicted may lack its label.
func readLibSVM(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error) {
	if err := o.sparseOnly(); err != nil {
		return nil, withFile(err, in.name)
	}
	t, err := openLibSVM(in, o)
	if err != nil {
		return nil, withFile(err, in.name)
	}
	var d *Dataset
	switch single := o.Float == tensor.Float32; {
	case t.outgrowsSparse() && single:
		d, err = spillLibSVM[float32](ctx, t)
	case t.outgrowsSparse():
		d, err = spillLibSVM[float64](ctx, t)
	case single:
		d, err = parseLibSVM[float32](ctx, t)
	default:
		d, err = parseLibSVM[float64](ctx, t)
	}
	return d, withFile(err, in.name)
}

// sparseOnly refuses options that need a table of named columns.
func (o *ReadOptions) sparseOnly() error {
	e := &ReadError{Advice: "use a table, such as CSV"}
	switch {
	case o.Weight != "":
		e.Value, e.Problem = o.Weight, "a LibSVM file has no column of sample weights"
	case o.Offset != "":
		e.Value, e.Problem = o.Offset, "a LibSVM file has no column of offsets"
	case o.Cols < 0 || o.Cols > backend.MaxSparseCols:
		return &ReadError{Problem: fmt.Sprintf("%d features are asked for", o.Cols), Advice: fmt.Sprintf("there may be 1 to %d", backend.MaxSparseCols)}
	case o.Encoding != nil:
		e.Problem = "the model was trained on a table with text or missing cells; a LibSVM file has none"
	case !o.Encode.zero():
		e.Problem = "a LibSVM file has no text and no missing cells to encode"
	default:
		return nil
	}
	return e
}

// openLibSVM looks at the beginning of the text.
func openLibSVM(in *input, o *ReadOptions) (*text, error) {
	t := &text{columns: &columns{label: orDefault(o.Label, "y"), hasLabel: !o.NoLabel}, o: o, line: 1, workers: o.workers()}
	body := bufio.NewReaderSize(in.Reader, headBytes)
	head, err := body.Peek(headBytes)
	if err != nil && err != io.EOF {
		return nil, streamError(in.name, err)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		body.Discard(3)
		head = head[3:]
	}
	if err := checkText(head); err != nil {
		return nil, err
	}
	t.body = body
	if in.file != nil {
		t.estimate = estimate(in, ':')
	} else {
		t.guess = guess(in, head, ':')
	}
	return t, nil
}
