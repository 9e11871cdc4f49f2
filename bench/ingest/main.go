// Command ingest times how files become matrices in memory:
//
//	go run -tags cpu ./bench/ingest csv=H500k.csv npy=H.npy read=H.npy     one line of JSON each
//	go run -tags cpu ./bench/ingest -serve                                 the same, asked for line by line
//	go run -tags cpu ./bench/ingest -write H.lrb H.npy                     converts a file
//
// bench/peers/ingest.py asks it in turn with the peers. What can be asked for:
//
//	FORMAT=FILE   dataset.Read to float32, without labels but for libsvm, parquet and arrow
//	gunzip=FILE   the decompressor alone, reading to nowhere
//	read=FILE     a plain read into memory by all threads, as fast as the system copies
//
// Memory is given back to the system before each, so that every read pays for fresh pages,
// as the only one of a process does.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"time"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// Answer is what one line says.
type Answer struct {
	What    string  `json:"what"`
	Seconds float64 `json:"seconds"`

	// Of the matrix. Sum is that of the magnitudes of its numbers, for a comparison with
	// what peers read.
	Rows int     `json:"rows,omitempty"`
	Cols int     `json:"cols,omitempty"`
	Sum  float64 `json:"sum,omitempty"`

	Bytes int64 `json:"bytes,omitempty"` // read, or come out of the decompressor
}

func main() {
	var (
		serve   = flag.Bool("serve", false, "answer lines of standard input")
		write   = flag.String("write", "", "convert the file to `path`")
		threads = flag.Int("threads", 0, "0 for all")
		cols    = flag.Int("cols", 0, "features of a libsvm file; 0 for as many as it shows")
		rounds  = flag.Int("rounds", 1, "how often each thing is timed")
		profile = flag.String("cpuprofile", "", "write a profile to `file`")
	)
	flag.Parse()
	m := &meter{threads: *threads, cols: *cols}
	if m.threads == 0 {
		m.threads = runtime.GOMAXPROCS(0)
	}
	if err := m.run(flag.Args(), *serve, *write, *rounds, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "ingest:", err)
		os.Exit(1)
	}
}

type meter struct {
	threads, cols int
}

func (m *meter) run(args []string, serve bool, write string, rounds int, profile string) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	switch {
	case write != "":
		return convert(args, write)
	case serve:
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			if err := m.answer(lines.Text()); err != nil {
				return err
			}
		}
		return lines.Err()
	}
	for range rounds {
		for _, what := range args {
			if err := m.answer(what); err != nil {
				return err
			}
		}
	}
	return nil
}

func convert(args []string, to string) error {
	if len(args) != 1 {
		return errors.New("-write takes one file to convert")
	}
	d, err := dataset.Read(context.Background(), args[0], dataset.ReadOptions{NoLabel: true})
	if err != nil {
		return err
	}
	return dataset.WriteFile(context.Background(), to, d, "lrb")
}

// answer does what one line asks for.
func (m *meter) answer(what string) error {
	kind, path, found := strings.Cut(what, "=")
	if !found {
		return fmt.Errorf("%q is no FORMAT=FILE", what)
	}
	debug.FreeOSMemory()
	a := Answer{What: what}
	start := time.Now()
	switch kind {
	case "gunzip":
		n, err := unpack(path)
		if err != nil {
			return err
		}
		a.Bytes = n
		a.Seconds = time.Since(start).Seconds()
	case "read":
		b, err := readPlain(path, m.threads)
		if err != nil {
			return err
		}
		a.Bytes = int64(len(b))
		a.Seconds = time.Since(start).Seconds()
	default:
		o := dataset.ReadOptions{Format: kind, Float: tensor.Float32, Threads: m.threads, Cols: m.cols}
		o.NoLabel = kind != "libsvm" && kind != "parquet" && kind != "arrow"
		d, err := dataset.Read(context.Background(), path, o)
		if err != nil {
			return err
		}
		a.Seconds = time.Since(start).Seconds()
		a.Rows, a.Cols = d.Shape()
		a.Sum = sumOf(d)
	}
	return json.NewEncoder(os.Stdout).Encode(a)
}

func sumOf(d *dataset.Dataset) (sum float64) {
	var x []float32
	if d.Sparse != nil {
		x = d.Sparse.Val32
	} else {
		x = d.X.Data().([]float32)
	}
	for _, v := range x {
		sum += max(float64(v), -float64(v))
	}
	return sum
}
