package simd

// Number is a format that arithmetic is done in.
type Number interface{ float32 | float64 }

// Kernels are the inner loops of a number format. Matrices are row-major and packed.
type Kernels[T Number] struct {
	// Dots sets z[i] = x_i . w + b for the len(z) rows x_i of x, len(w) numbers each.
	// The result for a row does not depend on the other rows.
	Dots func(x, w []T, b T, z []T)

	// Outer adds sum_i r[i] x_i to g, for the len(r) rows x_i of x, len(g) numbers
	// each. The sum of one call is taken in T, in the order of the rows, and then
	// widened: call it with some hundred rows at most.
	Outer func(x, r []T, g []float64)

	// Gram adds A'B to the upper triangle of G: the products of the columns of rows
	// of cols numbers, a first. Row j of G begins at g[j*ldg]. Some numbers below the
	// diagonal change too. Sums are taken as by Outer; with A = diag(d) X and B = X
	// this is X' diag(d) X.
	Gram func(a, b []T, cols int, g []float64, ldg int)

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

	// Weigh multiplies each residual by mass/unit and returns sum mass loss and the
	// sum of the new residuals, in float64. A row of mass 0 gets residual 0 and adds
	// nothing, whatever its loss and residual are. A nil mass is all ones, and unit 1.
	Weigh func(loss, residual []T, mass []float64, unit float64) (sumLoss, sumResidual float64)

	// ExpNeg writes exp(-a[i]) to dst[i] for a[i] >= 0, within 2 ulp. dst may be a.
	ExpNeg func(dst, a []T)

	// Log1p writes log(1 + e[i]) to dst[i] for e[i] in [0, 1], within 2 ulp. dst may
	// be e.
	Log1p func(dst, e []T)
}

// Of returns the kernels of T in the instruction set in use.
func Of[T Number]() Kernels[T] {
	var k any
	switch any(T(0)).(type) {
	case float32:
		k = kernels32[using()]
	case float64:
		k = kernels64[using()]
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
		Dots: DotsGeneric[T], Outer: OuterGeneric[T], Gram: GramGeneric[T],
		Deviations: DeviationsGeneric[T], Ranges: RangesGeneric[T],
		Link: LinkGeneric[T], Weigh: WeighGeneric[T],
		ExpNeg: ExpNegGeneric[T], Log1p: Log1pGeneric[T],
	}
}

// check panics where a caller's slices do not fit each other.
func check(fits bool) {
	if !fits {
		panic("simd: slice too short")
	}
}
