package simd

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkTile is a pass over an X of 256 MB as the CPU backend makes it, tiles of
// rows through Eval, beside a plain read of the same array.
//
// Two goroutines take pieces of 2 MB in step, by turns read and evaluated, so that
// both always share the memory: a piece counts with the slower of the two. Reported
// are the rates at the fastest fiftieth of the pieces, which other work on the
// machine disturbs least, and their ratio.
func BenchmarkTile(b *testing.B) {
	x := make([]float32, (256<<20)/4)
	for i := range x {
		x[i] = float32(uint32(i)*2654435761>>22)/1024 - 0.5
	}
	for _, s := range Sets() {
		for _, cols := range []int{18, 28, 64, 128, 1024, 2000} {
			b.Run(fmt.Sprintf("%v/D=%d", s, cols), func(b *testing.B) {
				defer Use(s)()
				benchmarkTile(b, x, cols)
			})
		}
	}
}

func benchmarkTile(b *testing.B, x []float32, cols int) {
	const threads = 2
	k, rows := Of[float32](), len(x)/cols
	tile := max(16, min(512, (1<<15)/cols)&^15)
	piece := (2 << 20) / 4 / cols / tile * tile
	pieces := rows / piece / threads
	label, w := make([]int32, rows), make([]float32, cols)
	for i := range label {
		label[i] = int32(i & 1)
	}
	for j := range w {
		w[j] = float32(j%7)*0.1 - 0.3
	}
	type scratch struct {
		eval []float32
		g    []float64
	}
	evaluate := func(s *scratch, lo, hi int) {
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			k.Eval(x[i*cols:(i+n)*cols], w, 0.5, label[i:i+n], 1, Weights{Unit: 1}, s.g, s.eval)
		}
	}
	read := func(_ *scratch, lo, hi int) {
		Read(unsafe.Slice((*uint64)(unsafe.Pointer(&x[lo*cols])), (hi-lo)*cols/2))
	}
	// step runs f on a piece when all threads have come to the same step.
	var at [threads]atomic.Int64
	step := func(f func(s *scratch, lo, hi int), s *scratch, thread, p int) time.Duration {
		now := at[thread].Add(1)
		for t := range threads {
			for at[t].Load() < now {
				runtime.Gosched()
			}
		}
		start := time.Now()
		f(s, p*piece, (p+1)*piece)
		return time.Since(start)
	}
	b.SetBytes(int64(4 * cols * piece * pieces * threads))
	var took [2][threads][]time.Duration
	for b.Loop() {
		var done sync.WaitGroup
		for t := range threads {
			done.Go(func() {
				s := &scratch{EvalScratch[float32](tile, cols), make([]float64, cols)}
				for kind, f := range []func(*scratch, int, int){read, evaluate} {
					for p := t * pieces; p < (t+1)*pieces; p++ {
						took[kind][t] = append(took[kind][t], step(f, s, t, p))
					}
				}
			})
		}
		done.Wait()
	}
	var rate [2]float64
	for kind := range rate {
		slower := took[kind][0]
		for i, d := range took[kind][1] {
			slower[i] = max(slower[i], d)
		}
		slices.Sort(slower)
		rate[kind] = float64(threads*4*cols*piece) / 1e9 / slower[len(slower)/50].Seconds()
	}
	b.ReportMetric(rate[0], "read-GB/s")
	b.ReportMetric(rate[1], "eval-GB/s")
	b.ReportMetric(rate[1]/rate[0], "ratio")
	b.ReportMetric(0, "ns/op")
}
