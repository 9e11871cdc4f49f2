// Command passes makes the table of full reads of X in docs/design.md:
//
//	go run -tags cpu ./bench/passes -data DIR [-C 1,100] [-solver staged] [-dtype float32] SET ...
//
// It fits DIR/SET.npz (bench/peers/sets.py writes them) and says, for each C, after how
// many full reads the value was within 1e-4, 1e-6 and 1e-8 of the minimum, relative, and
// how many the whole fit took; and what samples, their metrics and the statistics of the
// columns took before.
//
// The minimum is that of a fit in float64 to a gradient of 1e-10, kept in
// DIR/SET.minima.json.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/solver"
)

// program is the command line.
type program struct {
	data string
	opts logreg.Options
	cs   []float64
}

func main() {
	p := program{opts: logreg.DefaultOptions()}
	cs := flag.String("C", "1,100", "weights of the losses against the penalty")
	dtype := flag.String("dtype", "", "number format of X; the data's own unless given")
	verbose := flag.Bool("v", false, "show steps and choices")
	flag.StringVar(&p.data, "data", ".cache/peers-data", "where the sets are")
	flag.StringVar(&p.opts.Solver, "solver", p.opts.Solver, "as for train")
	flag.StringVar(&p.opts.Penalty, "penalty", p.opts.Penalty, "as for train")
	flag.Float64Var(&p.opts.Tol, "tol", p.opts.Tol, "as for train")
	flag.StringVar(&p.opts.Backend, "backend", "cpu", "as for train")
	flag.IntVar(&p.opts.Threads, "threads", 2, "as for train")
	flag.Uint64Var(&p.opts.Seed, "seed", 0, "as for train")
	flag.Parse()
	if *verbose {
		p.opts.Log = func(s string) { fmt.Fprintln(os.Stderr, s) }
		p.opts.Progress = func(s solver.Step) { fmt.Fprintln(os.Stderr, s) }
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := p.run(ctx, *cs, *dtype, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "passes:", err)
		os.Exit(1)
	}
}

func (p *program) run(ctx context.Context, cs, dtype string, sets []string) (err error) {
	if dtype != "" {
		if p.opts.Storage, err = backend.ParseStorage(dtype); err != nil {
			return err
		}
	}
	for _, c := range strings.Split(cs, ",") {
		v, err := strconv.ParseFloat(c, 64)
		if err != nil {
			return err
		}
		p.cs = append(p.cs, v)
	}
	fmt.Println("| set | C | 1e-4 / 1e-6 / 1e-8 | to the end | samples | status | seconds |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, set := range sets {
		if err := p.set(ctx, set); err != nil {
			return fmt.Errorf("%s: %w", set, err)
		}
	}
	return nil
}

// set fits one of the data sets.
func (p *program) set(ctx context.Context, set string) error {
	ds, err := dataset.Read(ctx, filepath.Join(p.data, set+".npz"), dataset.ReadOptions{})
	if err != nil {
		return err
	}
	rows, cols := ds.Shape()
	for _, c := range p.cs {
		opts := p.opts
		opts.C = c
		least, err := p.minimum(ctx, ds, set, opts)
		if err != nil {
			return err
		}
		fit, err := logreg.Fit(ctx, ds, opts)
		if err != nil {
			return err
		}
		start := fit.Trace[0].Passes - 1 // the start is read once
		var at []string
		for _, gap := range []float64{1e-4, 1e-6, 1e-8} {
			at = append(at, reached(fit.Trace, least*(1+gap), start))
		}
		fmt.Printf("| %s %d x %d | %g | %s | %.0f | %.1f | %s | %.3f |\n", set, rows, cols, c, strings.Join(at, " / "),
			fit.Trace[len(fit.Trace)-1].Passes-start, fit.Passes-fit.Trace[len(fit.Trace)-1].Passes+start, fit.Status, fit.Fit.Seconds())
	}
	return ctx.Err()
}

// reached is the number of full reads after which the value is at most a bound.
func reached(trace []solver.Step, bound, start float64) string {
	for _, s := range trace {
		if s.Value <= bound {
			return fmt.Sprintf("%.0f", math.Ceil(s.Passes-start-1e-6))
		}
	}
	return "-"
}

// minimum is the least value, penalty included, on the scale of the trace.
func (p *program) minimum(ctx context.Context, ds *dataset.Dataset, set string, opts logreg.Options) (float64, error) {
	file := filepath.Join(p.data, set+".minima.json")
	key := fmt.Sprintf("%s C=%g", opts.Penalty, opts.C)
	minima := map[string]float64{}
	switch text, err := os.ReadFile(file); {
	case err == nil:
		if err := json.Unmarshal(text, &minima); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return 0, err
	}
	if least, ok := minima[key]; ok {
		return least, nil
	}
	opts.Solver, opts.Storage, opts.Tol = solver.AutoName, backend.Float64, 1e-10
	fit, err := logreg.Fit(ctx, ds, opts)
	if err != nil {
		return 0, err
	}
	if !fit.Converged() && fit.Status != solver.Precision {
		return 0, fmt.Errorf("no minimum for C=%g: %s: %s", opts.C, fit.Status, fit.Advice)
	}
	minima[key] = math.Inf(1)
	for _, s := range fit.Trace {
		minima[key] = min(minima[key], s.Value)
	}
	text, err := json.MarshalIndent(minima, "", "  ")
	if err != nil {
		return 0, err
	}
	return minima[key], os.WriteFile(file, append(text, '\n'), 0o666)
}
