package simd

// Number is a format that arithmetic is done in.
type Number interface{ float32 | float64 }

// Kernels are the inner loops of a number format. Matrices are row-major and packed.
type Kernels[T Number] struct {
	// Dots sets z[i] = x_i . w + b for the len(z) rows x_i of x, len(w) numbers each.
	// The result for a row does not depend on the other rows.
	Dots func(x, w []T, b T, z []T)

	// Products is Dots for several w at once: z_o[i] = x_i . w_o + b[o], with the bits of
	// Dots. w holds rows of cols numbers and z runs of len(z)/len(b), one an output.
	Products func(x, w, b []T, cols int, z []T)

	// Entries is Dots for the len(z) rows of sparse X whose columns and values begin with col
	// and val: row i has the next start[i+1] - start[i] of them. A nil val is all ones. No
	// column may be len(w) or more: assembly does not look.
	Entries func(start []int64, col []uint32, val, w []T, b T, z []T)

	// EntriesOuter adds r[i] x_i to g for len(r) rows as Entries has them, one after the other:
	// a row may have a column twice. No column may be len(g) or more.
	EntriesOuter func(start []int64, col []uint32, val, r []T, g []float64)

	// Outer adds sum_i r[i] x_i to g, for the len(r) rows x_i of x, len(g) numbers
	// each. The sum of one call is taken in T, in the order of the rows, and then
	// widened: call it with some hundred rows at most.
	Outer func(x, r []T, g []float64)

	// Outers is Outer for several r at once, with the bits of Outer: r holds runs of rows
	// numbers, and the sums of run o, cols numbers, begin at g[o*ldg].
	Outers func(x, r []T, rows, cols int, g []float64, ldg int)

	// Gram adds A'B to the upper triangle of G: the products of the columns of rows
	// of cols numbers, a first. Row j of G begins at g[j*ldg]. Some numbers below the
	// diagonal change too. Sums are taken as by Outer; with A = diag(d) X and B = X
	// this is X' diag(d) X.
	Gram func(a, b []T, cols int, g []float64, ldg int)

	// Cross is Gram for na columns of A by nb of B, in rows rows of stride numbers: all of
	// G, or of a B = A the upper triangle.
	Cross func(a []T, na int, b []T, nb, rows, stride int, g []float64, ldg int, upper bool)

	// Scale writes d[i] x_i to the rows of scaled, for the len(d) rows x_i of x, cols numbers
	// each.
	Scale func(scaled, x, d []T, cols int)

	// Deviations adds sum_i m[i] (x_i - centre) to sum and sum_i m[i] (x_i - centre)^2
	// to squares, for rows x_i of len(centre) numbers each. A nil mass is all ones. The
	// sums of one call are taken in float64, in the order of the rows. Squares keep
	// their digits where centre is near the mean.
	Deviations func(x []T, mass, centre, sum, squares []float64)

	// Ranges lowers least and raises most to the numbers of each column of x, rows of
	// len(least) numbers each, and adds the count of those that are not zero to
	// nonZero. It counts in T: call it with at most 2^24 rows. No number of x may be
	// not-a-number.
	Ranges func(x, least, most []T, nonZero []float64)

	// Link replaces z by the residual of each row and writes its loss: with t = -z
	// where label is class and t = z elsewhere, loss = log(1 + e^t), and residual =
	// sigmoid(t) with the sign of dt/dz. Neither subtracts nearly equal numbers.
	Link func(label []int32, class int32, z, loss []T)

	// Sigmoid writes p = 1 / (1 + exp(-a[i])) to dst[i], and Curvature p (1 - p). dst may
	// be a.
	Sigmoid, Curvature func(dst, a []T)

	// Softmax replaces the logits of several classes by residuals, softmax(z) less one for
	// the label's class, and writes losses. z_c begins at z[c*ld]. No residual is the
	// difference of nearly equal numbers.
	Softmax func(label []int32, classes int, z []T, ld int, loss []T)

	// Shares replaces the logits of n rows, laid out as in Softmax, by softmax(z).
	Shares func(n, classes int, z []T, ld int)

	// Losses returns the sums of mass times loss of the rows that w keeps and of those it
	// leaves out, in float64. A row of mass 0 adds nothing, whatever its loss is.
	Losses func(loss []T, w Weights) (kept, held float64)

	// Weigh multiplies each residual by mass/unit and returns the sum of the new ones, in
	// float64. A row of mass 0 or left out gets residual 0, whatever it was.
	Weigh func(residual []T, w Weights) (sum float64)

	// Eval is Dots, Link, Losses, Weigh and Outer of the len(label) rows of x, with their
	// bits: it adds the gradient to g and returns the sum of the losses and of the weighted
	// residuals. weights leave out no fold; scratch is EvalScratch.
	Eval func(x, w []T, b T, label []int32, class int32, weights Weights, g []float64, scratch []T) (loss, residual float64)

	// ExpNeg writes exp(-a[i]) to dst[i] for a[i] >= 0, within 2 ulp. dst may be a.
	ExpNeg func(dst, a []T)

	// Log1p writes log(1 + e[i]) to dst[i] for e[i] in [0, 1], within 2 ulp. dst may
	// be e.
	Log1p func(dst, e []T)
}

// Weights are what the rows of a tile count.
type Weights struct {
	Mass []float64 // nil is all ones, and then Unit is 1
	Unit float64

	Fold []int32 // nil: no row is left out
	Left int32   // the fold of those that are
}

// fits tells whether there are weights for n rows.
func (w Weights) fits(n int) bool {
	return (w.Mass == nil || len(w.Mass) >= n) && (w.Fold == nil || len(w.Fold) >= n)
}

// of is the mass of row i and whether it is left out.
func (w Weights) of(i int) (mass float64, left bool) {
	mass = 1
	if w.Mass != nil {
		mass = w.Mass[i]
	}
	return mass, w.Fold != nil && w.Fold[i] == w.Left
}

// Of returns the kernels of T in the instruction set in use.
func Of[T Number]() Kernels[T] {
	var k any
	switch any(T(0)).(type) {
	case float32:
		k = kernels32[Using()]
	case float64:
		k = kernels64[Using()]
	}
	return k.(Kernels[T])
}

// The tables have one row a Set; those of assembly are added by the architecture.
var (
	kernels32 = map[Set]Kernels[float32]{Generic: generic[float32]()}
	kernels64 = map[Set]Kernels[float64]{Generic: generic[float64]()}
)

func generic[T Number]() Kernels[T] {
	return Kernels[T]{
		Dots: DotsGeneric[T], Entries: EntriesGeneric[T], EntriesOuter: EntriesOuterGeneric[T], Outer: OuterGeneric[T], Gram: GramGeneric[T], Scale: ScaleGeneric[T], Cross: CrossGeneric[T],
		Products: ProductsGeneric[T], Outers: OutersGeneric[T],
		Deviations: DeviationsGeneric[T], Ranges: RangesGeneric[T],
		Link: LinkGeneric[T], Sigmoid: SigmoidGeneric[T], Curvature: CurvatureGeneric[T],
		Softmax: SoftmaxGeneric[T], Shares: SharesGeneric[T],
		Losses: LossesGeneric[T], Weigh: WeighGeneric[T], Eval: EvalGeneric[T],
		ExpNeg: ExpNegGeneric[T], Log1p: Log1pGeneric[T],
	}
}

// check panics where a caller's slices do not fit each other.
func check(fits bool) {
	if !fits {
		panic("simd: slice too short")
	}
}
