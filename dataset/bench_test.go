package dataset

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"gorgonia.org/tensor"
)

// benchText is rows of 28 features and a label, written as format and precision say.
func benchText(rows int, format byte, precision int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var text []byte
	for i := range rows {
		for range 28 {
			text = strconv.AppendFloat(text, random.NormFloat64(), format, precision, 64)
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(i&1), 10)
		text = append(text, '\n')
	}
	return text
}

// BenchmarkCSV reads 500,000 rows of 28 numbers from a file (MB/s of text), beside
// encoding/csv with strconv and beside a plain read of the file.
func BenchmarkCSV(b *testing.B) {
	for _, digits := range []struct {
		name      string
		precision int
	}{{"7digits", 7}, {"shortest", -1}} {
		text := benchText(500_000, 'g', digits.precision)
		path := filepath.Join(b.TempDir(), digits.name+".csv")
		if err := os.WriteFile(path, text, 0o644); err != nil {
			b.Fatal(err)
		}
		run := func(name string, read func() error) {
			b.Run(digits.name+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if err := read(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("float32", func() error {
			_, err := Read(context.Background(), path, ReadOptions{Float: tensor.Float32})
			return err
		})
		run("float32/1thread", func() error {
			_, err := Read(context.Background(), path, ReadOptions{Float: tensor.Float32, Threads: 1})
			return err
		})
		run("float64", func() error {
			_, err := Read(context.Background(), path, ReadOptions{})
			return err
		})
		run("stream/float32", func() error {
			_, err := ReadFrom(context.Background(), bytes.NewReader(text), "-", ReadOptions{Float: tensor.Float32})
			return err
		})
		run("encoding_csv", func() error {
			_, err := readWithEncodingCSV(path)
			return err
		})
		run("plain_read", func() error {
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			buf := make([]byte, defaultBlock)
			for err == nil {
				_, err = file.Read(buf)
			}
			if err == io.EOF {
				return nil
			}
			return err
		})
	}
}

func readWithEncodingCSV(path string) ([]float32, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.ReuseRecord = true
	var x []float32
	for {
		record, err := r.Read()
		if err == io.EOF {
			return x, nil
		}
		if err != nil {
			return nil, err
		}
		for _, cell := range record {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				return nil, err
			}
			x = append(x, float32(v))
		}
	}
}
