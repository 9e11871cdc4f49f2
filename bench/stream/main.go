// Command stream shows what training on data larger than memory costs:
//
//	go run -tags cpu ./bench/stream -bin bin/logreg-gpu [-gb 4] [-max-memory 1GB] [-dir DIR]
//
// It writes a matrix of that size, and on it
//
//   - times, in turn: a plain read of the file by all processors, one loss and gradient
//     of as much as fits into memory, and one of the whole, read from the file;
//   - trains with that much memory, and again with all of it, and compares the models.
//
// The result is one JSON object. It fails where the models differ, or where the first took
// more than 1.2 times its memory.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// Result is what the program prints.
type Result struct {
	Processors int `json:"processors"`
	Rows       int `json:"rows"`
	Cols       int `json:"cols"`

	ReadGBs    float64 `json:"read_gb_s"`    // the file, best of the rounds
	ComputeGBs float64 `json:"compute_gb_s"` // X in memory
	StreamGBs  float64 `json:"stream_gb_s"`  // X from the file
	Share      float64 `json:"share"`        // of the slower of the two

	Fit   Fit  `json:"fit"`              // with little memory
	Whole *Fit `json:"whole,omitempty"`  // with all of it
	Same  bool `json:"same_model_bytes"` // of both
}

// Fit is a run of `logreg-gpu train`.
type Fit struct {
	MaxMemory string          `json:"max_memory,omitempty"`
	PeakMB    float64         `json:"peak_mb,omitempty"`
	Passes    float64         `json:"passes"`
	Seconds   json.RawMessage `json:"seconds"`
}

func main() {
	var (
		bin    = flag.String("bin", "bin/logreg-gpu", "the program")
		dir    = flag.String("dir", os.TempDir(), "where to write the data")
		gb     = flag.Float64("gb", 4, "size of X")
		cols   = flag.Int("cols", 128, "columns of X")
		memory = flag.String("max-memory", "1GB", "as for train")
		most   = flag.Float64("most-mb", 1200, "megabytes that may be resident")
		rounds = flag.Int("rounds", 3, "how often each thing is timed")
		whole  = flag.Bool("whole", true, "train in memory too, and compare")
	)
	flag.Parse()
	if err := run(*bin, *dir, *gb, *cols, *memory, *most, *rounds, *whole); err != nil {
		fmt.Fprintln(os.Stderr, "stream:", err)
		os.Exit(1)
	}
}

func run(bin, dir string, gb float64, cols int, memory string, most float64, rounds int, whole bool) (err error) {
	dir, err = os.MkdirTemp(dir, "logreg-gpu-stream-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	x, y := filepath.Join(dir, "x.npy"), filepath.Join(dir, "y.npy")
	r := Result{Processors: runtime.GOMAXPROCS(0), Rows: int(gb * 1e9 / 4 / float64(cols)), Cols: cols}
	if err := write(x, y, r.Rows, cols); err != nil {
		return err
	}
	if err := r.measure(x, y, rounds); err != nil {
		return err
	}
	limited := filepath.Join(dir, "limited.json")
	if r.Fit, err = train(bin, x, y, limited, "--max-memory", memory); err != nil {
		return err
	}
	r.Fit.MaxMemory = memory
	if whole {
		full := filepath.Join(dir, "full.json")
		f, err := train(bin, x, y, full)
		if err != nil {
			return err
		}
		r.Whole = &f
		if r.Same, err = same(limited, full); err != nil {
			return err
		}
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(r); err != nil {
		return err
	}
	switch {
	case whole && !r.Same:
		return errors.New("the models differ")
	case r.Fit.PeakMB > most:
		return fmt.Errorf("%.0f MB were resident; %.0f are allowed", r.Fit.PeakMB, most)
	}
	return nil
}

func same(a, b string) (bool, error) {
	one, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	other, err := os.ReadFile(b)
	return bytes.Equal(one, other), err
}

// measure times the three things in turn; the best of each counts.
func (r *Result) measure(x, y string, rounds int) error {
	ctx := context.Background()
	ds, err := dataset.Read(ctx, x, dataset.ReadOptions{LabelFile: y, MaxMemory: 1})
	if err != nil {
		return err
	}
	defer ds.Close()
	part, err := partOf(ds, 1<<29)
	if err != nil {
		return err
	}
	resident, err := cpu.New(backend.Options{}).Load(ctx, part.Source(), backend.Float32)
	if err != nil {
		return err
	}
	defer resident.Close()
	const blocksAlone = 256 << 20 // so little that hardly a block is held
	streamed, err := cpu.New(backend.Options{Memory: blocksAlone}).Load(ctx, ds.Source(), backend.Float32)
	if err != nil {
		return err
	}
	defer streamed.Close()
	coef := make([]float64, r.Cols+1)
	eval := func(d backend.Data) (float64, error) {
		var ev backend.Evaluation
		start := time.Now()
		err := d.Eval(ctx, []backend.Model{backend.Binary()}, coef, &ev)
		return float64(d.Rows()) * float64(4*r.Cols) / time.Since(start).Seconds() / 1e9, err
	}
	for range rounds {
		for _, m := range []struct {
			best *float64
			rate func() (float64, error)
		}{
			{&r.ReadGBs, func() (float64, error) { return plainRead(x) }},
			{&r.ComputeGBs, func() (float64, error) { return eval(resident) }},
			{&r.StreamGBs, func() (float64, error) { return eval(streamed) }},
		} {
			rate, err := m.rate()
			if err != nil {
				return err
			}
			*m.best = max(*m.best, rate)
		}
	}
	r.Share = r.StreamGBs / min(r.ReadGBs, r.ComputeGBs)
	return nil
}

// partOf is the first rows of ds, in memory.
func partOf(ds *dataset.Dataset, bytes int) (*dataset.Dataset, error) {
	rows, cols := ds.Shape()
	rows = min(rows, bytes/4/cols)
	x := make([]float32, rows*cols)
	if err := ds.Stream.ReadRows32(0, x); err != nil {
		return nil, err
	}
	part := *ds
	part.X, part.Stream, part.Labels = tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)), nil, ds.Labels[:rows]
	return &part, nil
}

// plainRead reads the file once, twice as many goroutines as processors taking 1 MB at a
// time, and returns GB a second.
func plainRead(path string) (float64, error) {
	const piece = 1 << 20
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var (
		next   atomic.Int64
		failed atomic.Pointer[error]
		all    sync.WaitGroup
	)
	start := time.Now()
	for range 2 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			b := make([]byte, piece)
			for {
				at := (next.Add(1) - 1) * piece
				if at >= info.Size() {
					return
				}
				if _, err := f.ReadAt(b, at); err != nil && err != io.EOF {
					failed.Store(&err)
					return
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(info.Size()) / time.Since(start).Seconds() / 1e9, nil
}

var saidPeak = regexp.MustCompile(`at most ([0-9.]+) MB of memory`)

// train runs the program as a user does.
func train(bin, x, y, model string, args ...string) (f Fit, err error) {
	args = append([]string{"train", x, "--labels", y, "--backend", "cpu", "--model", model, "--json", "-v"}, args...)
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(bin, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return f, fmt.Errorf("%s: %w: %s", bin, err, &stderr)
	}
	if err := json.Unmarshal(stdout.Bytes(), &f); err != nil {
		return f, err
	}
	if said := saidPeak.FindStringSubmatch(stderr.String()); said != nil {
		f.PeakMB, err = strconv.ParseFloat(said[1], 64)
	}
	return f, err
}
