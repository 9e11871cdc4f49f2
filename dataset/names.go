package dataset

import "strconv"

// autoNames are x and n numbers from first on: what features are called that have no
// names. A sparse table may have millions of them; they share one text.
func autoNames(first, n int) []string {
	names := make([]string, n)
	text := make([]byte, 0, 8*n)
	ends := make([]int, n)
	for j := range names {
		text = strconv.AppendInt(append(text, 'x'), int64(first+j), 10)
		ends[j] = len(text)
	}
	all, from := string(text), 0
	for j, end := range ends {
		names[j] = all[from:end]
		from = end
	}
	return names
}

// autoNamed tells whether the names are autoNames from first on.
func autoNamed(names []string, first int) bool {
	var name [24]byte
	for j, n := range names {
		if string(strconv.AppendInt(append(name[:0], 'x'), int64(first+j), 10)) != n {
			return false
		}
	}
	return true
}

// AutoNamed tells whether the names are those of a table without a header: x0, x1, ...
func AutoNamed(features []string) bool { return autoNamed(features, 0) }
