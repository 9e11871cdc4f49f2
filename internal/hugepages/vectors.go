package hugepages

// leastBytes is the size of an array in which there is a huge page wherever it begins.
const leastBytes = 4 << 20

// Vectors returns count vectors of n zeros. Where together they are long enough for huge
// pages they lie in one array: the first touch of a page of 4 KB costs as much as several
// sweeps over it.
func Vectors(n, count int) [][]float64 {
	v := make([][]float64, count)
	if 8*n*count < leastBytes {
		for i := range v {
			v[i] = make([]float64, n)
		}
		return v
	}
	all := make([]float64, n*count)
	Want(all)
	for i := range v {
		v[i] = all[i*n : (i+1)*n : (i+1)*n]
	}
	return v
}
