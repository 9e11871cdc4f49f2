package dataset

import "github.com/logreg-gpu/logreg-gpu/internal/decimal"

// runBytesOfText is how much text is looked at ahead of the numbers for where its cells
// end: little enough that the first cache still holds it when they are parsed.
const runBytesOfText = 8 << 10

// columnRuns are, for each column, how many from there on are numbers to be tried first,
// all of them features that are neighbours in X too.
func (t *text) columnRuns() []int {
	runs := make([]int, len(t.role))
	for col := len(t.role) - 1; col >= 0; col-- {
		if t.plain[col] && t.role[col] >= 0 {
			runs[col] = 1
			if col+1 < len(t.role) && t.role[col+1] == t.role[col]+1 {
				runs[col] += runs[col+1]
			}
		}
	}
	return runs
}

// runReader parses runs of cells of a block, as far as they are the decimal numbers that
// most are. One that mostly meets others gives up.
type runReader struct {
	positions []uint32
	ends      []uint32 // of the cells that are known, some of them passed
	known     int      // how far the text has been looked at

	taken, left int // cells, since the last look
	off         bool
}

// begin starts on another block.
func (r *runReader) begin() {
	if r.positions == nil {
		r.positions = make([]uint32, decimal.MaxEnds(runBytesOfText))
	}
	*r = runReader{positions: r.positions, off: !decimal.Fast()}
}

// parseRun reads cells from pos on to x, which ends a row or not, and returns how many, and
// where the next cell is.
func parseRun[T float32 | float64](r *runReader, b *block, pos int, x []T, delimiter byte, endsRow bool) (n, next int) {
	if r.off {
		return 0, pos
	}
	last := delimiter
	for next = pos; n < len(x); {
		for len(r.ends) > 0 && int(r.ends[0]) < next {
			r.ends = r.ends[1:]
		}
		if len(r.ends) < len(x)-n && r.known < b.n {
			r.known = min(next+runBytesOfText, b.n)
			r.ends = r.positions[:decimal.Ends(r.positions, b.buf, next, r.known, delimiter)]
		}
		part := x[n:min(len(x), n+len(r.ends))]
		if endsRow && n+len(part) == len(x) {
			last = '\n'
		}
		k := decimal.Parse(part, b.buf, next, r.ends, delimiter, last)
		if n += k; k > 0 {
			next = int(r.ends[k-1]) + 1
			r.ends = r.ends[k:]
		}
		if k < len(part) || k == 0 {
			break
		}
	}
	r.taken += n
	if n < len(x) {
		r.left++
	}
	if r.left == 1000 {
		r.off = r.taken < 2*r.left
		r.taken, r.left = 0, 0
	}
	return n, next
}
