// Command measure times a backend's passes over X on this machine, against a plain
// read of as many bytes by the same device, and writes the results down.
//
//	measure run -backend cuda -o measured.json
//	measure report -measured measured.json [-torch torch.json] [-check 'name: outcome']... -o DIR
//
// bench/gpu-check.sh calls both. run fails where the backend does not open, with its
// reason; report writes <device>-<date>.json and the same as a Markdown table.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/logreg-gpu/logreg-gpu/backend"
	_ "github.com/logreg-gpu/logreg-gpu/backend/all"
)

// version is set by the linker.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	commands := map[string]func(context.Context, []string) error{"run": run, "report": report}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: measure run|report [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](ctx, os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "measure "+os.Args[1]+":", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	name := flags.String("backend", "cuda", "the backend to time")
	elements := flags.Int("elements", 1<<30, "numbers in X, fewer where the device is too small: rows follow from the columns")
	cols := flags.String("cols", "28,128,1024,8192", "columns of X")
	storages := flags.String("storage", "float32,float64,bfloat16,float16", "number formats of X")
	models := flags.String("models", "4,16,32", "numbers of models evaluated together, at 128 columns in float32")
	budget := flags.Duration("each", 500*time.Millisecond, "time for each row of the table")
	out := flags.String("o", "measured.json", "where to write")
	flags.Parse(args)

	m := Measured{Date: time.Now().UTC().Format(time.DateOnly), Version: version, Backend: *name}
	points, err := plan(*cols, *storages, *models)
	if err != nil {
		return err
	}
	if m.Device, err = device(*name); err != nil {
		return err
	}
	b, _, err := backend.Open(*name, backend.Options{})
	if err != nil {
		return err
	}
	defer b.Close()
	d, err := openDriver(*name)
	if err != nil {
		return err
	}
	m.Elements = *elements
	if d != nil {
		if m.Elements, err = fitting(d, m.Elements); err != nil {
			return err
		}
		if m.Read, err = measureRead(d, 4*m.Elements, *budget); err != nil {
			return fmt.Errorf("plain read: %w", err)
		}
	}
	widest := slices.MaxFunc(points, func(a, b point) int { return a.cols - b.cols })
	t := timing{backend: b, elements: m.Elements, budget: *budget, numbers: numbers(max(m.Elements, widest.cols))}
	for _, p := range points {
		row, err := t.row(ctx, p)
		if err != nil {
			return fmt.Errorf("%s of %d columns in %s: %w", p.operation, p.cols, p.storage, err)
		}
		m.Rows = append(m.Rows, row)
	}
	if m.Rows, err = t.fixedPoint(ctx, *name, m.Rows); err != nil {
		return err
	}
	return writeJSON(*out, m)
}

// device is the first that the backend offers, which is the one that Open takes.
func device(name string) (backend.Device, error) {
	for _, d := range backend.Drivers() {
		if d.Name != name {
			continue
		}
		found, err := d.Devices()
		if err != nil {
			return backend.Device{}, err
		}
		if len(found) > 0 {
			return found[0], nil
		}
		return backend.Device{Backend: name, Name: name}, nil
	}
	return backend.Device{}, fmt.Errorf("unknown backend %q", name)
}

func report(_ context.Context, args []string) error {
	flags := flag.NewFlagSet("report", flag.ExitOnError)
	measured := flags.String("measured", "measured.json", "what run wrote")
	torch := flags.String("torch", "", "what torch_eval.py wrote")
	out := flags.String("o", ".", "directory for the report")
	var r Report
	flags.Func("check", "'name: outcome' of a check; may be repeated", func(s string) error {
		name, outcome, ok := strings.Cut(s, ": ")
		if !ok {
			return errors.New("want 'name: outcome'")
		}
		r.Checks = append(r.Checks, Check{name, outcome})
		return nil
	})
	flags.Parse(args)

	if err := readJSON(*measured, &r.Measured); err != nil {
		return err
	}
	if *torch != "" {
		r.Torch = &Torch{}
		if err := readJSON(*torch, r.Torch); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(*out, 0o777); err != nil {
		return err
	}
	base := filepath.Join(*out, r.fileName())
	if err := writeJSON(base+".json", r); err != nil {
		return err
	}
	table := r.markdown()
	fmt.Print(table)
	return os.WriteFile(base+".md", []byte(table), 0o666)
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o666)
}

// point is one row of the table to be.
type point struct {
	operation string
	cols      int
	storage   backend.Storage
	models    int
}

// otherCols is the one width at which many models and the other operations are timed.
const otherCols = 128

func plan(cols, storages, models string) (points []point, err error) {
	widths, err := integers(cols)
	if err != nil {
		return nil, err
	}
	counts, err := integers(models)
	if err != nil {
		return nil, err
	}
	for _, name := range strings.Split(storages, ",") {
		s, err := backend.ParseStorage(name)
		if err != nil {
			return nil, err
		}
		for _, d := range widths {
			points = append(points, point{"eval", d, s, 1})
		}
	}
	for _, k := range counts {
		points = append(points, point{"eval", otherCols, backend.Float32, k})
	}
	return append(points,
		point{"hess_vec", otherCols, backend.Float32, 1},
		point{"gram", otherCols, backend.Float32, 1},
		point{"sparse eval", 0, backend.Float32, 1}, // columns follow from the elements
		point{"sparse eval", 0, backend.Float32, 16},
		point{"sparse hess_vec", 0, backend.Float32, 1},
	), nil
}

func integers(list string) (out []int, err error) {
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q in %q is not a positive number", s, list)
		}
		out = append(out, n)
	}
	return out, nil
}
