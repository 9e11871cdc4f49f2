// Package decimal reads cells of decimal numbers in text several times as fast as number
// by number, on processors that have AVX2, in two steps:
//
//	Ends    where cells end, 64 bytes at a time
//	Parse   the numbers between, none of which has to wait for the one before
//
// It takes the numbers that most files are made of, up to 16 digits with a point among
// them and no exponent, and stops at everything else, which is the caller's to read. The
// numbers are bit-equal to strconv.ParseFloat's: digits up to 2^53 and powers of ten up to
// 10^22 are exact in float64, and their quotient is rounded once (Clinger 1990).
package decimal

//go:generate go -C ../../cpu/internal/simd/_generate run . -kernel ends -out ../../../../internal/decimal/ends_amd64.s -stubs ../../../../internal/decimal/ends_amd64.go -pkg decimal
//go:generate go -C ../../cpu/internal/simd/_generate run . -kernel parse -out ../../../../internal/decimal/parse_amd64.s -stubs ../../../../internal/decimal/parse_amd64.go -pkg decimal
