// Package simd is where the CPU backend's time goes: the inner loops over a tile of
// rows, in AVX-512, in AVX2 with FMA, and in plain Go.
//
//	dots.go    z = X w               Kernels.Dots, Kernels.Products
//	entries.go the same of sparse X  Kernels.Entries
//	link.go    z to loss, residual   Kernels.Link, Kernels.Sigmoid
//	softmax.go the same by classes   Kernels.Softmax, Kernels.Shares
//	weigh.go   what a row counts     Kernels.Losses, Kernels.Weigh
//	outer.go   g += X' r             Kernels.Outer, Kernels.Outers
//	entriesouter.go the same of sparse X  Kernels.EntriesOuter
//	eval.go    all of these          Kernels.Eval, a small group of rows at a time
//	gram.go    G += A' B             Kernels.Gram
//	scale.go   diag(d) X             Kernels.Scale
//	moments.go  sums over columns    Kernels.Deviations, Kernels.Ranges
//	exp.go     exp(-a), log(1+e)     Kernels.ExpNeg, Kernels.Log1p
//	widen.go   16 bits to float32    BFloat16, Float16
//	read.go    a plain read          Read
//
// Each function has a twin in Go, of the same name with Generic. Twin and assembly
// take the same sums in the same order, product and sum rounded one by one, so that
// all instruction sets give the same bits: a fit on one machine can be repeated on
// another. Only Gram is different: it is bound by arithmetic and uses fused
// multiply-add where there is one; its results differ between instruction sets by
// the rounding of its products.
//
// The assembly is written by the generator in _generate, a module of its own.
// Slices must have the lengths that the functions name; they panic otherwise. Nothing
// outside the slices is read or written, and they need no alignment.
package simd

//go:generate go -C _generate run . -kernel dots -out ../dots_amd64.s -stubs ../dots_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel entries -out ../entries_amd64.s -stubs ../entries_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel entriesOuter -out ../entriesouter_amd64.s -stubs ../entriesouter_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel products -out ../products_amd64.s -stubs ../products_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel link -out ../link_amd64.s -stubs ../link_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel sigmoid -out ../sigmoid_amd64.s -stubs ../sigmoid_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel softmax -out ../softmax_amd64.s -stubs ../softmax_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel weigh -out ../weigh_amd64.s -stubs ../weigh_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel outer -out ../outer_amd64.s -stubs ../outer_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel outers -out ../outers_amd64.s -stubs ../outers_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel eval -out ../eval_amd64.s -stubs ../eval_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel gram -out ../gram_amd64.s -stubs ../gram_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel scale -out ../scale_amd64.s -stubs ../scale_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel moments -out ../moments_amd64.s -stubs ../moments_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel exp -out ../exp_amd64.s -stubs ../exp_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel widen -out ../widen_amd64.s -stubs ../widen_amd64.go -pkg simd
//go:generate go -C _generate run . -kernel read -out ../read_amd64.s -stubs ../read_amd64.go -pkg simd
