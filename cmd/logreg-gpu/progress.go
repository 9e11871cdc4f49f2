package main

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/logreg-gpu/logreg-gpu/solver"
)

// progress shows a fit on its way to the tolerance: a bar on a terminal, a line for
// each iteration with -v, nothing on a pipe.
type progress struct {
	step func(solver.Step) // nil: nobody is watching
	say  func(line string) // a.note, beside the bar
	done func()
}

// everyStep prints each iteration where -v asks for that.
func (a *app) everyStep() func(solver.Step) {
	if !a.verbose {
		return nil
	}
	return func(s solver.Step) { a.say("%v", s) }
}

func (a *app) newProgress(tol float64) progress {
	if a.verbose || a.quiet || !a.onTerminal() {
		return progress{a.everyStep(), a.note, func() {}}
	}
	return a.newBar(tol)
}

// barTotal is the resolution of the bar.
const barTotal = 1000

// newBar is a bar that fills with the digits gained between the first gradient and
// the tolerance: the logarithm falls about evenly where the loss does not.
func (a *app) newBar(tol float64) progress {
	var latest atomic.Pointer[solver.Step]
	latest.Store(&solver.Step{})
	box := mpb.New(mpb.WithOutput(a.stderr), mpb.WithWidth(60))
	bar := box.AddBar(barTotal, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
			return fmt.Sprintf("iteration %d ", latest.Load().Iteration)
		})),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			s := latest.Load()
			return fmt.Sprintf(" max|gradient| %.1e of %.1e, %.6g passes", s.MaxAbsGradient, tol, s.Passes)
		})))
	first := math.NaN()
	return progress{
		step: func(s solver.Step) {
			if math.IsNaN(first) {
				first = s.MaxAbsGradient
			}
			latest.Store(&s)
			share := math.Log(first/s.MaxAbsGradient) / math.Log(first/tol)
			if share > 0 && share < 1 && !math.IsNaN(share) {
				bar.SetCurrent(int64(share * barTotal))
			}
		},
		say: func(line string) { fmt.Fprintf(box, "logreg-gpu: %s\n", line) },
		done: func() {
			bar.Abort(true)
			box.Wait()
		},
	}
}
