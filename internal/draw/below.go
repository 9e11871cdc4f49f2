package draw

import "math"

// Pair is the numbers of rows 2k (the lower half) and 2k+1 in units of 2^-32: SplitMix64
// (Steele, Lea, Flood 2014) in its k-th step.
func Pair(seed uint64, k int) uint64 {
	z := seed + uint64(k)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Number is that of row i. Rows rarer than 2^-32 are never drawn.
func Number(seed uint64, i int) uint64 {
	half := uint(i&1) * 32
	return Pair(seed, i/2) >> half & math.MaxUint32
}

// Limit is a rate in units of 2^-32: numbers below it are drawn.
func Limit(rate float64) uint64 { return uint64(min(1, rate) * 0x1p32) }

// Limits are those of the rows of one class and of all others.
type Limits struct {
	Class       int32
	Own, Others uint64
}

// batch is how many rows are looked at between appends, and lanes how many the assembly
// takes together.
const (
	batch = 512
	lanes = 16
)

// assembly writes the rows from first on, which is even, whose numbers are below the
// limits of their labels, of which there are n, a multiple of lanes, to found, and up to
// lanes numbers more. Limits are inclusive there. nil: there is none for this processor.
var assembly func(found *int, labels *int32, n, first int, seed uint64, class int32, own, others uint32) (count int)

// Below appends the rows from first on, which is even, whose numbers are below the limits of
// their labels.
func Below(rows []int, seed uint64, first int, labels []int32, l Limits) []int {
	if assembly == nil || l.Own == 0 || l.Others == 0 {
		return BelowGeneric(rows, seed, first, labels, l)
	}
	var found [batch + lanes]int
	for len(labels) >= lanes {
		n := min(batch, len(labels)&^(lanes-1))
		count := assembly(&found[0], &labels[0], n, first, seed, l.Class, uint32(l.Own-1), uint32(l.Others-1))
		rows = append(rows, found[:count]...)
		first, labels = first+n, labels[n:]
	}
	return BelowGeneric(rows, seed, first, labels, l)
}

// BelowGeneric has no branches, which chance would make costly.
func BelowGeneric(rows []int, seed uint64, first int, labels []int32, l Limits) []int {
	var found [batch + 2]int
	for len(labels) > 0 {
		count, n := 0, min(batch, len(labels))
		for i := 0; i < n; i += 2 {
			pair := Pair(seed, (first+i)/2)
			found[count] = first + i
			count += Less(pair&math.MaxUint32, l.of(labels[i]))
			if i+1 < n {
				found[count] = first + i + 1
				count += Less(pair>>32, l.of(labels[i+1]))
			}
		}
		rows = append(rows, found[:count]...)
		first, labels = first+n, labels[n:]
	}
	return rows
}

func (l Limits) of(label int32) uint64 {
	limit := l.Others
	if label == l.Class {
		limit = l.Own
	}
	return limit
}

// Less is 1 where a < b, else 0: as a < b is, it has no branch.
func Less(a, b uint64) int { return int((a - b) >> 63) }
