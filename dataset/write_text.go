package dataset

import (
	"cmp"
	"context"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// writeCSV writes a header and then the features, sample_weight and offset where there
// are some, and the label last. Where all names are numbers, reading it needs
// HeaderPresent.
func writeCSV(ctx context.Context, to io.Writer, d *Dataset) error {
	return writeTable(ctx, to, d, ',')
}

func writeTSV(ctx context.Context, to io.Writer, d *Dataset) error {
	return writeTable(ctx, to, d, '\t')
}

func writeTable(ctx context.Context, to io.Writer, d *Dataset, delimiter byte) error {
	names := d.outNames()
	var header []byte
	for _, n := range names {
		header = append(appendCell(header, n, delimiter), delimiter)
	}
	header[len(header)-1] = '\n'
	if _, err := to.Write(header); err != nil {
		return err
	}
	labels := make([][]byte, len(d.Classes.Names))
	for k, n := range d.Classes.Names {
		labels[k] = appendCell(nil, n, delimiter)
	}
	return writeRows(ctx, to, d, true, func(text []byte, r outRow) []byte {
		i := r.i
		for _, v := range r.x {
			text = append(appendNumber(text, v), delimiter)
		}
		if d.Weights != nil {
			text = append(appendNumber(text, d.Weights[i]), delimiter)
		}
		if d.Offsets != nil {
			text = append(appendNumber(text, d.Offsets[i]), delimiter)
		}
		if d.Labels != nil {
			text = append(append(text, labels[d.Labels[i]]...), delimiter)
		}
		text[len(text)-1] = '\n'
		return text
	})
}

// outNames are the names of the columns of a table that is written: features, weights and
// offsets where there are some, and the label last.
func (d *Dataset) outNames() []string {
	names := slices.Clone(d.FeatureNames)
	for _, side := range []struct {
		has  bool
		name string
	}{{d.Weights != nil, npzWeight}, {d.Offsets != nil, npzOffset}, {d.Labels != nil, cmp.Or(d.LabelName, npzLabel)}} {
		if !side.has {
			continue
		}
		for slices.Contains(names, side.name) {
			side.name += "_"
		}
		names = append(names, side.name)
	}
	return names
}

// appendCell appends a cell, in quotes where it needs them.
func appendCell(text []byte, cell string, delimiter byte) []byte {
	plain := cell != "" && cell == strings.Trim(cell, " \t\r") && !strings.ContainsAny(cell, "\"\n\r"+string(delimiter))
	if plain {
		return append(text, cell...)
	}
	text = append(text, '"')
	text = append(text, strings.ReplaceAll(cell, `"`, `""`)...)
	return append(text, '"')
}

// writeLibSVM writes label and entries, all that are stored of a sparse matrix and those
// that are not 0 of a dense one. Indices count from 0 where the features are x0, x1, ...,
// else from 1. An explicit 0 in the first and in the last column of the first row, where
// nothing else is stored, lets a reader see from where they count, and how many there are.
// Rows without a label get 0.
func writeLibSVM(ctx context.Context, to io.Writer, d *Dataset) error {
	first := 1
	if AutoNamed(d.FeatureNames) {
		first = 0
	}
	for _, n := range d.Classes.Names {
		if strings.ContainsAny(n, " \t\r\n#:,") {
			return &WriteError{Data: d.Name, Format: "libsvm", Problem: "the label " + quote(n) + " is no single word", Advice: "use another format, such as lrb"}
		}
	}
	_, cols := d.Shape()
	return writeRows(ctx, to, d, false, func(text []byte, r outRow) []byte {
		i, x := r.i, r.x
		if d.Labels != nil {
			text = append(text, d.Classes.Names[d.Labels[i]]...)
		} else {
			text = append(text, '0')
		}
		next := 0 // the column after the last written
		put := func(j int, v float64) {
			text = strconv.AppendInt(append(text, ' '), int64(j+first), 10)
			text = appendNumber(append(text, ':'), v)
			next = j + 1
		}
		mark := i == 0
		if x != nil {
			for j, v := range x {
				if math.Float64bits(v) != 0 || mark && (j == 0 || j == cols-1) {
					put(j, v)
				}
			}
			return append(text, '\n')
		}
		m, from, end := r.m, r.m.RowPtr[r.k], r.m.RowPtr[r.k+1]
		if mark && (from == end || m.Col[from] > 0) {
			put(0, 0)
		}
		for e := from; e < end; e++ {
			put(int(m.Col[e]), m.Value(e))
		}
		if mark && next < cols {
			put(cols-1, 0)
		}
		return append(text, '\n')
	})
}
