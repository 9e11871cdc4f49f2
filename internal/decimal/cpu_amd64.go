package decimal

import "github.com/klauspost/cpuid/v2"

func init() {
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.BMI1, cpuid.BMI2, cpuid.POPCNT) {
		ends, parse32, parse64 = endsAVX2, parse32AVX2, parse64AVX2
	}
}
