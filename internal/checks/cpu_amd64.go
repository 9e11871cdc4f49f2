package checks

import "github.com/klauspost/cpuid/v2"

func init() {
	if cpuid.CPU.Supports(cpuid.AVX2) {
		highest = highestAVX2
	}
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.AVX512VL, cpuid.VPCLMULQDQ, cpuid.SSE42) {
		fold = crc32cAVX512
	}
}
