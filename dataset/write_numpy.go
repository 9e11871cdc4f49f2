package dataset

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"unsafe"

	"gorgonia.org/tensor"
)

// writeNPY writes a matrix of X's type with the label as its last column, as readNPY
// reads it.
func writeNPY(ctx context.Context, to io.Writer, d *Dataset) error {
	labels, err := d.labelNumbers()
	if err != nil {
		return err
	}
	if d.Dtype() == tensor.Float32 && exactFloat32(labels) {
		return writeMatrix[float32](ctx, to, d, labels)
	}
	return writeMatrix[float64](ctx, to, d, labels)
}

// writeNPZ writes the arrays X, y, sample_weight and offset, uncompressed, as
// numpy.savez does.
func writeNPZ(ctx context.Context, to io.Writer, d *Dataset) error {
	z := zip.NewWriter(to)
	member := func(name string, write func(io.Writer) error) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		return write(w)
	}
	err := member(npzX, func(w io.Writer) error {
		if d.Dtype() == tensor.Float32 {
			return writeMatrix[float32](ctx, w, d, nil)
		}
		return writeMatrix[float64](ctx, w, d, nil)
	})
	if err != nil {
		return err
	}
	labels, err := d.labelNumbers()
	if err != nil {
		return err
	}
	for _, v := range []struct {
		name    string
		numbers []float64
	}{{npzLabel, labels}, {npzWeight, d.Weights}, {npzOffset, d.Offsets}} {
		if v.numbers == nil {
			continue
		}
		if err := member(v.name, func(w io.Writer) error { return writeVector(w, v.numbers) }); err != nil {
			return err
		}
	}
	return z.Close()
}

// labelNumbers are the labels as the numbers that they are called; nil without labels.
func (d *Dataset) labelNumbers() ([]float64, error) {
	if d.Labels == nil {
		return nil, nil
	}
	of := make([]float64, len(d.Classes.Names))
	for k, name := range d.Classes.Names {
		v, ok := finite(name)
		if !ok {
			return nil, fmt.Errorf("%s: the class %s is no number", d.Name, quote(name))
		}
		of[k] = v
	}
	numbers := make([]float64, len(d.Labels))
	for i, l := range d.Labels {
		numbers[i] = of[l]
	}
	return numbers, nil
}

func exactFloat32(v []float64) bool {
	for _, x := range v {
		if float64(float32(x)) != x {
			return false
		}
	}
	return true
}

// writeNPYHeader writes version 1.0 of the header, filled up so that the numbers are
// aligned to 64 bytes.
func writeNPYHeader(to io.Writer, descr, shape string) error {
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	start := len(npyMagic) + 4
	text += strings.Repeat(" ", (64-(start+len(text)+1)%64)%64) + "\n"
	head := append([]byte(npyMagic), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(text)))
	_, err := to.Write(append(head, text...))
	return err
}

// writeMatrix writes X as an array, with a last column of labels where there are some.
func writeMatrix[T float32 | float64](ctx context.Context, to io.Writer, d *Dataset, labels []float64) error {
	rows, cols := d.Shape()
	width := cols
	if labels != nil {
		width++
	}
	var t T
	if err := writeNPYHeader(to, descrOf(int(unsafe.Sizeof(t))), fmt.Sprintf("%d, %d", rows, width)); err != nil {
		return err
	}
	step := max(1, pieceNumbers/width)
	x, wide := make([]T, min(step, rows)*cols), make([]T, min(step, rows)*width)
	for first := 0; first < rows; first += step {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(step, rows-first)
		if err := fillRows(d, first, x[:n*cols]); err != nil {
			return err
		}
		out := x[:n*cols]
		if labels != nil {
			for i := range n {
				copy(wide[i*width:], x[i*cols:(i+1)*cols])
				wide[i*width+cols] = T(labels[first+i])
			}
			out = wide[:n*width]
		}
		if _, err := to.Write(unsafe.Slice((*byte)(unsafe.Pointer(&out[0])), len(out)*int(unsafe.Sizeof(t)))); err != nil {
			return err
		}
	}
	return nil
}

// descrOf is numpy's name of this machine's floating point numbers of that size.
func descrOf(size int) string {
	order := "<"
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		order = ">"
	}
	return fmt.Sprintf("%sf%d", order, size)
}

// writeVector writes an array of one dimension, of integers where all are whole.
func writeVector(to io.Writer, v []float64) error {
	whole := true
	for _, x := range v {
		whole = whole && x == math.Trunc(x) && math.Abs(x) < 1<<53 && (x != 0 || !math.Signbit(x))
	}
	descr := "<f8"
	if whole {
		descr = "<i8"
	}
	if err := writeNPYHeader(to, descr, fmt.Sprintf("%d,", len(v))); err != nil {
		return err
	}
	b := make([]byte, 0, 8*len(v))
	for _, x := range v {
		bits := math.Float64bits(x)
		if whole {
			bits = uint64(int64(x))
		}
		b = binary.LittleEndian.AppendUint64(b, bits)
	}
	_, err := to.Write(b)
	return err
}
