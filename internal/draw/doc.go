// Package draw gives every row a uniform number of its own, a function of a seed and the
// row's place alone, and finds the rows whose numbers are below a limit: those of a
// sample. Samples of the same seed are nested, and no thread waits for another's random
// numbers.
package draw

//go:generate go -C ../../cpu/internal/simd/_generate run . -kernel below -out ../../../../internal/draw/below_amd64.s -stubs ../../../../internal/draw/below_amd64.go -pkg draw
