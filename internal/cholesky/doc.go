// Package cholesky factorises dense symmetric positive definite matrices in place, on
// several cores, at some ten times the speed of gonum's mat.Cholesky:
//
//	a = U'U
//
//	factor.go    tiles of U, and how they are shared out
//	tile.go      the work on one tile
//	solve.go     systems in U'U, and how near it is to singular
//	subtract.go  G -= A'B, where the time goes: assembly with a Go twin
//
// Everything is float64. The order of the arithmetic is fixed by n: results are the
// same bits for any number of threads, and differ between instruction sets by the
// rounding of products.
package cholesky

//go:generate go -C ../../cpu/internal/simd/_generate run . -kernel subtract -out ../../../../internal/cholesky/subtract_amd64.s -stubs ../../../../internal/cholesky/subtract_amd64.go -pkg cholesky
