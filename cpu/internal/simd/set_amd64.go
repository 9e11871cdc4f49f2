package simd

import "github.com/klauspost/cpuid/v2"

// best is the best set of this processor that the operating system saves registers for.
func best() Set {
	switch {
	case cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX2, cpuid.FMA3, cpuid.F16C):
		return AVX512
	case cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C):
		return AVX2
	}
	return Generic
}

func init() {
	kernels32[AVX512] = assembly[float32]{
		dots: dots32AVX512, entries: entries32AVX512, entriesOuter: entriesOuter32AVX512, products: products32AVX512, outer: outer32AVX512, link: link32AVX512,
		softmax: softmax32AVX512, shares: shares32AVX512, losses: losses32AVX512, weigh: weigh32AVX512,
		scale: scale32AVX512, deviations: deviations32AVX512, ranges: ranges32AVX512,
		sigmoid: sigmoid32AVX512, curvature: curvature32AVX512, expNeg: expNeg32AVX512, log1p: log1p32AVX512, constants: constants32, lanes: 16,
		eval: []evalRows[float32]{
			{16, 32, eval16x32AVX512}, {20, 32, eval20x32AVX512}, {24, 32, eval24x32AVX512},
			{32, 32, eval32x32AVX512}, {48, 16, eval48x32AVX512}, {64, 16, eval64x32AVX512}, {0, 16, eval32AVX512},
		},
		outers: []outersTile[float32]{{8, outers8x32AVX512}, {4, outers4x32AVX512}, {2, outers2x32AVX512}},
		gram:   []gramTile[float32]{{8, gram8x32AVX512}, {4, gram4x32AVX512}, {2, gram2x32AVX512}, {1, gram1x32AVX512}},
	}.kernels()
	kernels64[AVX512] = assembly[float64]{
		dots: dots64AVX512, entries: entries64AVX512, entriesOuter: entriesOuter64AVX512, products: products64AVX512, outer: outer64AVX512, link: link64AVX512,
		softmax: softmax64AVX512, shares: shares64AVX512, losses: losses64AVX512, weigh: weigh64AVX512,
		scale: scale64AVX512, deviations: deviations64AVX512, ranges: ranges64AVX512,
		sigmoid: sigmoid64AVX512, curvature: curvature64AVX512, expNeg: expNeg64AVX512, log1p: log1p64AVX512, constants: constants64, lanes: 8,
		eval: []evalRows[float64]{
			{8, 16, eval8x64AVX512}, {10, 16, eval10x64AVX512}, {12, 16, eval12x64AVX512},
			{16, 16, eval16x64AVX512}, {24, 16, eval24x64AVX512}, {32, 16, eval32x64AVX512}, {0, 16, eval64AVX512},
		},
		outers: []outersTile[float64]{{8, outers8x64AVX512}, {4, outers4x64AVX512}, {2, outers2x64AVX512}},
		gram:   []gramTile[float64]{{8, gram8x64AVX512}, {4, gram4x64AVX512}, {2, gram2x64AVX512}, {1, gram1x64AVX512}},
	}.kernels()
	kernels32[AVX2] = assembly[float32]{
		dots: dots32AVX2, entries: entries32AVX2, entriesOuter: entriesOuter32AVX2, products: products32AVX2, outer: outer32AVX2, link: link32AVX2,
		softmax: softmax32AVX2, shares: shares32AVX2, losses: losses32AVX2, weigh: weigh32AVX2,
		scale: scale32AVX2, deviations: deviations32AVX2, ranges: ranges32AVX2,
		sigmoid: sigmoid32AVX2, curvature: curvature32AVX2, expNeg: expNeg32AVX2, log1p: log1p32AVX2, constants: constants32, lanes: 8,
		eval:   []evalRows[float32]{{0, 16, eval32AVX2}},
		outers: []outersTile[float32]{{4, outers4x32AVX2}, {2, outers2x32AVX2}},
		gram:   []gramTile[float32]{{4, gram4x32AVX2}, {2, gram2x32AVX2}, {1, gram1x32AVX2}},
	}.kernels()
	kernels64[AVX2] = assembly[float64]{
		dots: dots64AVX2, entries: entries64AVX2, entriesOuter: entriesOuter64AVX2, products: products64AVX2, outer: outer64AVX2, link: link64AVX2,
		softmax: softmax64AVX2, shares: shares64AVX2, losses: losses64AVX2, weigh: weigh64AVX2,
		scale: scale64AVX2, deviations: deviations64AVX2, ranges: ranges64AVX2,
		sigmoid: sigmoid64AVX2, curvature: curvature64AVX2, expNeg: expNeg64AVX2, log1p: log1p64AVX2, constants: constants64, lanes: 4,
		eval:   []evalRows[float64]{{0, 16, eval64AVX2}},
		outers: []outersTile[float64]{{4, outers4x64AVX2}, {2, outers2x64AVX2}},
		gram:   []gramTile[float64]{{4, gram4x64AVX2}, {2, gram2x64AVX2}, {1, gram1x64AVX2}},
	}.kernels()
	widenBF16[AVX512], widenBF16[AVX2] = widenBF16AVX512, widenBF16AVX2
	widenF16[AVX512], widenF16[AVX2] = widenF16AVX512, widenF16AVX2
	reads[AVX512], reads[AVX2] = readAVX512, readAVX2
}
