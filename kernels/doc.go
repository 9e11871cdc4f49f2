// Package kernels holds the CUDA kernels: their sources, the PTX built from them for
// each target, and the index by which the cuda backend finds them.
//
//	*.cu, include/*.h --(build.sh: clang-19)--> ptx/<target>/<file>[.<storage>].ptx
//	                  --(_pack: zstd)--> <target>.tar.zst --(go:embed)--> PTX
//
// One .cu file is one concept; where it depends on the storage of X it is compiled once
// for each. Each file opens with its formula, shapes, launch bounds, shared memory,
// determinism and the bytes it moves; docs/kernels.md puts them side by side.
//
// The host code that launches them is package cuda; the emulator that runs them in
// tests is package ptx. This package imports neither.
package kernels
