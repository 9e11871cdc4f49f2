package simd

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkTile is a pass over an X of 256 MB as the CPU backend makes it: tiles of
// rows through Dots, Link, Weigh and Outer, on two goroutines. ratio is its speed as
// a part of a plain read of the same array, the best of both in the same run.
func BenchmarkTile(b *testing.B) {
	for _, s := range Sets() {
		for _, cols := range []int{18, 28, 64, 128, 1024, 2000} {
			b.Run(fmt.Sprintf("%v/D=%d", s, cols), func(b *testing.B) {
				defer Use(s)()
				benchmarkTile(b, cols)
			})
		}
	}
}

const benchmarkThreads = 2

func benchmarkTile(b *testing.B, cols int) {
	rows := (256 << 20) / 4 / cols
	x := benchmarkX[:rows*cols]
	label := make([]int32, rows)
	for i := range label {
		label[i] = int32(i & 1)
	}
	w := make([]float32, cols)
	for j := range w {
		w[j] = float32(j%7)*0.1 - 0.3
	}
	k := Of[float32]()
	tile := max(16, benchmarkTileNumbers/cols&^15)
	pass := func(lo, hi int) {
		z, loss, g := make([]float32, tile), make([]float32, tile), make([]float64, cols)
		for i := lo; i < hi; i += tile {
			n := min(tile, hi-i)
			xt := x[i*cols : (i+n)*cols]
			k.Dots(xt, w, 0.5, z[:n])
			k.Link(label[i:i+n], 1, z[:n], loss[:n])
			k.Weigh(loss[:n], z[:n], nil, 1)
			k.Outer(xt, z[:n], g)
		}
	}
	read := func(lo, hi int) {
		words := unsafe.Slice((*uint64)(unsafe.Pointer(&x[lo*cols])), (hi-lo)*cols/2)
		benchmarkSum += Read(words)
	}
	timed := func(f func(lo, hi int)) time.Duration {
		start := time.Now()
		var done sync.WaitGroup
		for t := range benchmarkThreads {
			done.Go(func() { f(rows*t/benchmarkThreads, rows*(t+1)/benchmarkThreads) })
		}
		done.Wait()
		return time.Since(start)
	}
	b.SetBytes(int64(4 * rows * cols))
	best, plain := time.Hour, time.Hour
	for b.Loop() {
		best = min(best, timed(pass))
		b.StopTimer()
		plain = min(plain, timed(read))
		b.StartTimer()
	}
	gigabytes := float64(4*rows*cols) / 1e9
	b.ReportMetric(gigabytes/best.Seconds(), "best-GB/s")
	b.ReportMetric(gigabytes/plain.Seconds(), "read-GB/s")
	b.ReportMetric(plain.Seconds()/best.Seconds(), "ratio")
}

var (
	benchmarkTileNumbers = 1 << 13
	benchmarkSum         uint64
	benchmarkX           = benchmarkNumbers((256 << 20) / 4)
)

func benchmarkNumbers(n int) []float32 {
	x := make([]float32, n)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range x {
		x[i] = float32(r.Uint32()&1023)/1024 - 0.5
	}
	return x
}
