package bench

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Options say how much to measure.
type Options struct {
	// Bytes is the size of X that reads are timed on: far beyond every cache.
	Bytes int

	// Rounds is how often each thing is timed.
	Rounds int

	// Backends are the names of those to measure; those that do not open are passed over.
	Backends []string

	// Threads bounds the CPU threads; 0 is all.
	Threads int
}

// Sizes are the Options of `--size`, without backends.
var Sizes = map[string]Options{
	"small": {Bytes: 256 << 20, Rounds: 9},
	"full":  {Bytes: 1 << 30, Rounds: 25},
}

// Report is what Run found.
type Report struct {
	Threads    int       `json:"threads"`
	Bytes      int       `json:"bytes"`       // of X in Eval
	ReadGBs    float64   `json:"read_gb_s"`   // of a plain read by the CPU, median of all
	Eval       []EvalRow `json:"eval"`        // one loss and gradient
	Fit        []FitRow  `json:"fit"`         // whole fits
	PassedOver []string  `json:"passed_over"` // backends, and why
}

// EvalRow is one loss and gradient of a binary model.
type EvalRow struct {
	Backend string  `json:"backend"`
	Storage string  `json:"storage"`
	Rows    int     `json:"rows"`
	Cols    int     `json:"cols"`
	Seconds float64 `json:"seconds"` // median
	GBs     float64 `json:"gb_s"`    // bytes of X, once, by Seconds

	// Share is the plain read's median time by Seconds, both timed in turn on the
	// same memory; 0 for backends whose memory is not the CPU's.
	Share float64 `json:"share"`
}

// FitRow is one fit, from X in memory to coefficients.
type FitRow struct {
	Backend string  `json:"backend"`
	Data    string  `json:"data"`
	Rows    int     `json:"rows"`
	Cols    int     `json:"cols"`
	Solver  string  `json:"solver"`
	Seconds float64 `json:"seconds"` // median, loading included
	Load    float64 `json:"load"`    // of these, bringing X to the backend
	Passes  float64 `json:"passes"`
	Status  string  `json:"status"`
}

// Run measures. It returns early, with an error, where ctx ends.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	r := &Report{Threads: o.Threads, Bytes: o.Bytes, PassedOver: []string{}}
	var open []string
	for _, name := range o.Backends {
		b, _, err := backend.Open(name, backend.Options{Threads: o.Threads})
		if errors.Is(err, backend.ErrUnavailable) {
			r.PassedOver = append(r.PassedOver, name+": "+err.Error())
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := r.evaluate(ctx, b, name, o); err != nil {
			b.Close()
			return nil, err
		}
		if err := b.Close(); err != nil {
			return nil, err
		}
		open = append(open, name)
	}
	return r, r.fits(ctx, open, o)
}

// clock times do.
func clock(do func() error) (seconds float64, err error) {
	start := time.Now()
	err = do()
	return time.Since(start).Seconds(), err
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
