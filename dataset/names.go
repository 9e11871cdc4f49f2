package dataset

import "strconv"

// autoNames are x0, x1, ...: what features are called that have no names. A sparse
// table may have millions of them; they share one text.
func autoNames(n int) []string {
	names := make([]string, n)
	text := make([]byte, 0, 8*n)
	ends := make([]int, n)
	for j := range names {
		text = strconv.AppendInt(append(text, 'x'), int64(j), 10)
		ends[j] = len(text)
	}
	all, from := string(text), 0
	for j, end := range ends {
		names[j] = all[from:end]
		from = end
	}
	return names
}
