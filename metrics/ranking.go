package metrics

// tie is a group of rows of equal score: the weight of its positive and negative rows.
type tie struct{ positive, negative float64 }

// ties groups the rows of two classes by score, highest score first. Within a group
// weights are added in row order.
func ties(y []int32, score, w []float64) []tie {
	rows := byScore(score, w)
	out := make([]tie, 0, len(rows))
	last := uint64(0)
	for r, row := range rows {
		if r == 0 || row.key != last {
			out = append(out, tie{})
		}
		last = row.key
		i := row.row
		g := &out[len(out)-1]
		if y[i] == 1 {
			g.positive += weightOf(w, i)
		} else {
			g.negative += weightOf(w, i)
		}
	}
	return out
}

// ovr is the plain mean over the classes of a metric of one class against the rest.
func ovr(y []int32, p []float64, k int, w []float64, metric func(y []int32, score, w []float64) float64) float64 {
	sum := 0.0
	for c := range k {
		sum += metric(isClass(y, int32(c)), column(p, k, c), w)
	}
	return sum / float64(k)
}
