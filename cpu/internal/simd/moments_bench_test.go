package simd

import (
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkMoments reads an X of 128 MB as the CPU backend's statistics do, on one core:
// the ranges of a tile of rows, then their deviations, without and with masses. As in
// BenchmarkTile the rates are those of the fastest fiftieth of pieces of 2 MB.
func BenchmarkMoments(b *testing.B) {
	x := make([]float32, (128<<20)/4)
	for i := range x {
		x[i] = float32(uint32(i)*2654435761>>22)/1024 - 0.5
	}
	for _, s := range Sets() {
		for _, cols := range []int{18, 28, 128, 1024, 2000} {
			b.Run(fmt.Sprintf("%v/D=%d", s, cols), func(b *testing.B) {
				defer Use(s)()
				benchmarkMoments(b, x, cols)
			})
		}
	}
}

func benchmarkMoments(b *testing.B, x []float32, cols int) {
	k, tile := Of[float32](), cols*max(16, min(512, (1<<15)/cols)&^15)
	piece := (2 << 20) / 4 / tile * tile
	least, most, nonZero := make([]float32, cols), make([]float32, cols), make([]float64, cols)
	centre, sum, squares := make([]float64, cols), make([]float64, cols), make([]float64, cols)
	mass := make([]float64, tile/cols)
	ways := []struct {
		name string
		run  func(x []float32)
	}{
		{"read-GB/s", func(x []float32) { Read(unsafe.Slice((*uint64)(unsafe.Pointer(&x[0])), len(x)/2)) }},
		{"plain-GB/s", func(x []float32) {
			k.Ranges(x, least, most, nonZero)
			k.Deviations(x, nil, centre, sum, squares)
		}},
		{"both-GB/s", func(x []float32) {
			k.Ranges(x, least, most, nonZero)
			k.Deviations(x, nil, centre, sum, squares)
			k.Deviations(x, mass, centre, sum, squares)
		}},
	}
	took := make([][]time.Duration, len(ways))
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		for at := 0; at+piece <= len(x); at += piece {
			way := at / piece % len(ways)
			start := time.Now()
			for from := at; from < at+piece; from += tile {
				ways[way].run(x[from : from+tile])
			}
			took[way] = append(took[way], time.Since(start))
		}
	}
	for way, d := range took {
		slices.Sort(d)
		b.ReportMetric(float64(4*piece)/1e9/d[len(d)/50].Seconds(), ways[way].name)
	}
	b.ReportMetric(0, "ns/op")
}
