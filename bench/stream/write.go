package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
)

// write makes an NPY file of rows x cols float32 numbers and one of labels that follow
// them under noise.
func write(x, y string, rows, cols int) error {
	xw, err := create(x, "<f4", fmt.Sprintf("(%d, %d)", rows, cols))
	if err != nil {
		return err
	}
	yw, err := create(y, "|i1", fmt.Sprintf("(%d,)", rows))
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	row := make([]byte, 4*cols)
	for range rows {
		z := rng.NormFloat64()
		for j := range cols {
			v := 2*rng.Float32() - 1
			z += float64(v) / float64(1+j%10)
			binary.LittleEndian.PutUint32(row[4*j:], math.Float32bits(v))
		}
		label := byte(0)
		if z > 0 {
			label = 1
		}
		xw.Write(row)
		yw.WriteByte(label)
	}
	return errors.Join(xw.close(), yw.close()) // writers keep their first error
}

type array struct {
	*bufio.Writer
	file *os.File
}

// create writes the header of an NPY file: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
func create(path, descr, shape string) (*array, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	a := &array{bufio.NewWriterSize(f, 1<<20), f}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	for (11+len(header))%64 != 0 {
		header += " "
	}
	fmt.Fprintf(a, "\x93NUMPY\x01\x00%c%c%s\n", byte(len(header)+1), byte((len(header)+1)>>8), header)
	return a, nil
}

func (a *array) close() error { return errors.Join(a.Flush(), a.file.Close()) }
