package dataset

import "bytes"

// A scanner of text tables sees blocks that end in a newline outside quotes, with
// numberPad readable bytes after it.

// nextCell returns the cell of block b that starts at p: its text without
// surrounding blanks, quotes and doubled quotes, and the position of the delimiter
// or newline that ends it. problem is empty, or says why the quotes make no sense.
func nextCell(b []byte, p int, delimiter byte) (text []byte, end int, problem string) {
	for b[p] == ' ' {
		p++
	}
	if b[p] == '"' {
		return quotedCell(b, p+1, delimiter)
	}
	for end = p; b[end] != delimiter && b[end] != '\n'; end++ {
		if b[end] == '"' {
			return b[p:end], end, "there is a quote inside an unquoted cell"
		}
	}
	return bytes.Trim(b[p:end], " \t\r"), end, ""
}

// quotedCell is nextCell after the opening quote.
func quotedCell(b []byte, p int, delimiter byte) (text []byte, end int, problem string) {
	doubled := false
	for end = p; ; end += 2 {
		i := bytes.IndexByte(b[end:], '"')
		if i < 0 {
			return nil, end, "a quoted cell is not closed"
		}
		end += i
		if b[end+1] != '"' {
			break
		}
		doubled = true
	}
	text = b[p:end]
	if doubled {
		text = bytes.ReplaceAll(text, []byte(`""`), []byte(`"`))
	}
	end++
	for (b[end] == ' ' || b[end] == '\t' || b[end] == '\r') && b[end] != delimiter {
		end++
	}
	if b[end] != delimiter && b[end] != '\n' {
		return text, end, "there is text after the closing quote"
	}
	return text, end, ""
}

// skipBlank returns the start of the first line at or after p that is not blank,
// and the number of lines passed. n is the length of the block.
func skipBlank(b []byte, p, n int) (start, lines int) {
	for start = p; p < n; p++ {
		switch b[p] {
		case '\n':
			start = p + 1
			lines++
		case ' ', '\r':
		default:
			return start, lines
		}
	}
	return n, lines
}

// nextRow splits the row of b that starts at p; end is the start of the next.
func nextRow(b []byte, p int, delimiter byte) (cells [][]byte, end int, problem string) {
	for {
		var text []byte
		text, end, problem = nextCell(b, p, delimiter)
		cells = append(cells, text)
		if problem != "" {
			return cells, end, problem
		}
		p = end + 1
		if b[end] == '\n' {
			return cells, p, ""
		}
	}
}

// rowsEnd returns the length of the leading part of b that holds whole rows: up to
// the last newline outside quotes; 0 if there is none. b starts at a row's start.
func rowsEnd(b []byte) int {
	end, p := 0, 0
	for {
		i := bytes.IndexByte(b[p:], '"')
		open := i >= 0
		if !open {
			i = len(b) - p
		}
		if nl := bytes.LastIndexByte(b[p:p+i], '\n'); nl >= 0 {
			end = p + nl + 1
		}
		if !open {
			return end
		}
		p += i + 1
		if i = bytes.IndexByte(b[p:], '"'); i < 0 {
			return end
		}
		p += i + 1
	}
}

// missingMark tells whether the text is how programs write a missing value.
func missingMark(text []byte) bool {
	switch string(bytes.ToLower(text)) {
	case "", "na", "n/a", "#n/a", "nan", "+nan", "-nan", "null", "none", "nil", "?", "-", ".":
		return true
	}
	return false
}

// infinite tells whether the text is a word for infinity.
func infinite(text []byte) bool {
	switch string(bytes.ToLower(bytes.TrimLeft(text, "+-"))) {
	case "inf", "infinity":
		return true
	}
	return false
}
