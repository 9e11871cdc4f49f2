package cholesky

// subtraction is the work that nearly all of the time goes into, for one tile of G.
// Columns of A are taken height at a time, and one at a time what is left.
type subtraction struct {
	height    int
	tall, one func(g, a, b *float64, n, rows, cols, ldg int)
}

// The fastest that this processor has; nil functions stand for plain Go.
var fastest = subtraction{height: 1}

// subtract takes the products of na columns of a by nb columns of b from g, whose rows
// are ldg apart: those of rows rows of side numbers. With upper, a is b, and what is
// computed below the diagonal of g is scratch.
func (s subtraction) subtract(g []float64, ldg int, a, b []float64, na, nb, rows, side int, upper bool) {
	if na == 0 || nb == 0 || rows == 0 {
		return
	}
	_, _, _ = g[(na-1)*ldg+nb-1], a[(rows-1)*side+na-1], b[(rows-1)*side+nb-1]
	for j := 0; j < na; {
		run, height := s.tall, s.height
		if j+height > na {
			run, height = s.one, 1
		}
		k := 0
		if upper {
			k = j
		}
		if run != nil {
			run(&g[j*ldg+k], &a[j], &b[k], nb-k, rows, side, ldg)
		} else {
			subtractGeneric(g[j*ldg+k:], a[j:], b[k:], nb-k, rows, side)
		}
		j += height
	}
}

// subtractGeneric is the twin for one column of A: four columns of B at a time stay in
// registers.
func subtractGeneric(g, a, b []float64, n, rows, side int) {
	k := 0
	for ; k+4 <= n; k += 4 {
		var s0, s1, s2, s3 float64
		for i := range rows {
			p, q := a[i*side], (*[4]float64)(b[i*side+k:])
			s0 += float64(p * q[0])
			s1 += float64(p * q[1])
			s2 += float64(p * q[2])
			s3 += float64(p * q[3])
		}
		g[k] -= s0
		g[k+1] -= s1
		g[k+2] -= s2
		g[k+3] -= s3
	}
	for ; k < n; k++ {
		s := 0.0
		for i := range rows {
			s += float64(a[i*side] * b[i*side+k])
		}
		g[k] -= s
	}
}
