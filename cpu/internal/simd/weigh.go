package simd

// weighLanes is the number of float64 sums that Losses and Weigh keep: row i goes to
// sum i mod weighLanes. Then they are added up, and the rows beyond the last full set,
// in order, are added to that.
const weighLanes = 8

// LossesGeneric is Kernels.Losses.
func LossesGeneric[T Number](loss []T, w Weights) (kept, held float64) {
	check(w.fits(len(loss)))
	var sums [2 * weighLanes]float64
	n := len(loss) &^ (weighLanes - 1)
	for i, l := range loss[:n] {
		mass, left := w.of(i)
		if mass == 0 {
			continue
		}
		lane := i % weighLanes
		if left {
			lane += weighLanes
		}
		sums[lane] += float64(float64(l) * mass)
	}
	return lossesAfter(sumLanes(sums[:weighLanes]), sumLanes(sums[weighLanes:]), loss, n, w)
}

// lossesAfter adds the losses from n on.
func lossesAfter[T Number](kept, held float64, loss []T, n int, w Weights) (float64, float64) {
	for i := n; i < len(loss); i++ {
		mass, left := w.of(i)
		switch {
		case mass == 0:
		case left:
			held += float64(float64(loss[i]) * mass)
		default:
			kept += float64(float64(loss[i]) * mass)
		}
	}
	return kept, held
}

// WeighGeneric is Kernels.Weigh.
func WeighGeneric[T Number](residual []T, w Weights) (sum float64) {
	check(w.fits(len(residual)))
	var sums [weighLanes]float64
	n := len(residual) &^ (weighLanes - 1)
	for i := range residual[:n] {
		sums[i%weighLanes] += float64(weighOne(residual, i, w))
	}
	return weighAfter(sumLanes(sums[:]), residual, n, w)
}

// weighAfter weighs the residuals from n on and adds them.
func weighAfter[T Number](sum float64, residual []T, n int, w Weights) float64 {
	for i := n; i < len(residual); i++ {
		sum += float64(weighOne(residual, i, w))
	}
	return sum
}

func weighOne[T Number](residual []T, i int, w Weights) T {
	mass, left := w.of(i)
	switch {
	case mass == 0 || left:
		residual[i] = 0
	case w.Mass != nil:
		residual[i] = T(float64(residual[i]) * float64(mass*(1/w.Unit)))
	}
	return residual[i]
}

func sumLanes(s []float64) float64 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}
