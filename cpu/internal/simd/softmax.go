package simd

import "math"

// SoftmaxGeneric is Kernels.Softmax. With e_c = exp(z_top - z_c), loss = z_top - z_label
// + log(1 + the sum of e but that of the top), and the label's residual is minus the
// sum of e but the label's, over the whole. The sums are compensated: a thousand classes
// that are as likely would leave float32 a digit less, in every row the same way.
func SoftmaxGeneric[T Number](label []int32, classes int, z []T, ld int, loss []T) {
	var scratch struct {
		high         [linkRows]T
		others, rest totals[T]
		top          [linkRows]int32
	}
	rows := len(label)
	checkSoftmax(rows, classes, z, ld)
	check(len(loss) >= rows)
	for first := 0; first < rows; first += linkRows {
		n := min(linkRows, rows-first)
		label, loss := label[first:first+n], loss[first:first+n]
		high, top := scratch.high[:n], scratch.top[:n]
		scratch.others, scratch.rest = totals[T]{}, totals[T]{}
		clear(top)
		largest(high, top, classes, z[first:], ld)
		for i, y := range label {
			loss[i] = high[i] - z[int(y)*ld+first+i]
		}
		for c := range classes {
			zc := z[c*ld+first:][:n]
			lacks(zc, high)
			for i, e := range zc {
				scratch.others.add(i, unless(int32(c) == top[i], e))
				scratch.rest.add(i, unless(int32(c) == label[i], e))
			}
		}
		others, rest := scratch.others.sum[:n], scratch.rest.sum[:n]
		for i, l := range logSums(others, high) {
			loss[i] += l
			others[i] = 1 / (1 + others[i])
		}
		for c := range classes {
			zc := z[c*ld+first:][:n]
			for i, e := range zc {
				if int32(c) == label[i] {
					e = -rest[i]
				}
				zc[i] = e * others[i]
			}
		}
	}
}

// SharesGeneric is Kernels.Shares.
func SharesGeneric[T Number](rows, classes int, z []T, ld int) {
	var scratch struct {
		high [linkRows]T
		all  totals[T]
	}
	checkSoftmax(rows, classes, z, ld)
	for first := 0; first < rows; first += linkRows {
		n := min(linkRows, rows-first)
		high, sum := scratch.high[:n], scratch.all.sum[:n]
		scratch.all = totals[T]{}
		largest(high, nil, classes, z[first:], ld)
		for c := range classes {
			zc := z[c*ld+first:][:n]
			lacks(zc, high)
			for i, e := range zc {
				scratch.all.add(i, e)
			}
		}
		for i, s := range sum {
			sum[i] = 1 / s
		}
		for c := range classes {
			zc := z[c*ld+first:][:n]
			for i, e := range zc {
				zc[i] = e * sum[i]
			}
		}
	}
}

// totals are compensated sums, one a row (Kahan 1965): what rounding has added to sum, lost
// has to give back.
type totals[T Number] struct{ sum, lost [linkRows]T }

func (t *totals[T]) add(i int, v T) {
	v -= t.lost[i]
	s := t.sum[i] + v
	t.lost[i] = (s - t.sum[i]) - v
	t.sum[i] = s
}

// unless is v, or 0 where that is told: adding it gives back what was lost all the same.
func unless[T Number](told bool, v T) T {
	if told {
		return 0
	}
	return v
}

func checkSoftmax[T Number](rows, classes int, z []T, ld int) {
	check(classes > 0 && ld >= rows && len(z) >= (classes-1)*ld+rows)
}

// largest writes the largest logit of each row to high, and the first class that has it
// to top, zeros before, unless that is nil.
func largest[T Number](high []T, top []int32, classes int, z []T, ld int) {
	copy(high, z)
	for c := 1; c < classes; c++ {
		for i, v := range z[c*ld:][:len(high)] {
			if v > high[i] {
				high[i] = v
				if top != nil {
					top[i] = int32(c)
				}
			}
		}
	}
}

// lacks replaces z by exp(z - high).
func lacks[T Number](z, high []T) {
	for i, v := range z {
		z[i] = high[i] - v
	}
	ExpNegGeneric(z, z)
}

// logSums returns log(1 + e) for any e >= 0, in scratch: with 1 + e = 2^n (1 + f), that
// is n ln 2 + log(1 + f), and f = e where n is zero.
func logSums[T Number](e, scratch []T) []T {
	var exponent [linkRows]T
	f := scratch[:len(e)]
	for i, v := range e {
		n, m := split(1 + v)
		f[i] = v
		if n >= 1 {
			f[i] = m - 1
		}
		exponent[i] = n
	}
	Log1pGeneric(f, f)
	for i := range f {
		f[i] += T(exponent[i] * T(math.Ln2))
	}
	return f
}

// split returns n and m in [1, 2) with v = 2^n m, for a normal v > 0.
func split[T Number](v T) (n, m T) {
	switch v := any(v).(type) {
	case float32:
		b := math.Float32bits(v)
		return T(int32(b>>23) - 127), T(math.Float32frombits(b&(1<<23-1) | 127<<23))
	case float64:
		b := math.Float64bits(v)
		return T(int64(b>>52) - 1023), T(math.Float64frombits(b&(1<<52-1) | 1023<<52))
	}
	panic("simd: no such number")
}
