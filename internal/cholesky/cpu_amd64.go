package cholesky

import "github.com/klauspost/cpuid/v2"

func init() { fastest = sets()[0] }

// sets are the forms of the subtraction that this processor has, the fastest first.
func sets() (s []subtraction) {
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX2) {
		s = append(s, subtraction{8, subtract8x64AVX512, subtract1x64AVX512})
	}
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		s = append(s, subtraction{4, subtract4x64AVX2, subtract1x64AVX2})
	}
	return append(s, subtraction{height: 1})
}
