package dataset

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"gorgonia.org/tensor"
)

const (
	// defaultBlock is a compromise: a block and its numbers stay in a core's cache,
	// and handing it over costs nothing beside parsing it.
	defaultBlock = 256 << 10

	// headBytes is how much of the beginning is looked at to find the delimiter and
	// the header.
	headBytes = 64 << 10

	// delimiterRows is how many rows must agree on the delimiter.
	delimiterRows = 20
)

// maxRowBytes bounds the text of one row, so that a quote left open does not pull a
// whole file into memory.
var maxRowBytes = 256 << 20

// readCSV reads RFC 4180 text as people write it: LF or CRLF, any of three
// delimiters, blank lines and blanks around cells skipped, a byte order mark
// dropped, the last newline optional. Quoted cells may hold delimiters, doubled
// quotes and newlines. There are no comment lines.
//
// Numbers are decimal and bit-equal to strconv.ParseFloat(text, 64), and to its
// conversion by float32() where X is float32.
func readCSV(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error) {
	return readText(ctx, in, o, o.Delimiter)
}

// readTSV is readCSV with tabs.
func readTSV(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error) {
	return readText(ctx, in, o, '\t')
}

func readText(ctx context.Context, in *input, o *ReadOptions, delimiter byte) (*Dataset, error) {
	if !usableDelimiter(delimiter) {
		return nil, &ReadError{File: in.name, Problem: "cannot use " + quote(string(rune(delimiter))) + " as the delimiter", Advice: "use a tab or a punctuation mark that numbers and quotes do not need"}
	}
	t, err := openText(in, o, delimiter)
	if err != nil {
		return nil, withFile(err, in.name)
	}
	var d *Dataset
	switch {
	case t.outgrows() && t.anyCells:
		err = errTooLargeToEncode()
	case t.outgrows() && o.Float == tensor.Float32:
		d, err = spillText[float32](ctx, t)
	case t.outgrows():
		d, err = spillText[float64](ctx, t)
	case o.Float == tensor.Float32 && !t.anyCells:
		d, err = parseText[float32](ctx, t)
	default:
		d, err = parseText[float64](ctx, t)
	}
	return d, withFile(err, in.name)
}

func usableDelimiter(d byte) bool {
	switch {
	case d == 0 || d == '\t':
		return true
	case d <= ' ' || d >= 0x7f || d == '"' || d == '+' || d == '-' || d == '.':
		return false
	}
	return !('0' <= d && d <= '9' || 'a' <= d|0x20 && d|0x20 <= 'z')
}

// withFile completes a *ReadError by the name of the file, where it has none yet.
func withFile(err error, name string) error {
	if r, ok := err.(*ReadError); ok && r != nil && r.File == "" {
		r.File = name
	}
	return err
}

// text is an open text table whose beginning has been understood.
type text struct {
	*columns
	o         *ReadOptions
	delimiter byte
	body      io.Reader // from the first row of data on
	line      int       // physical line at which body starts
	estimate  int       // of the rows; 0 where nothing is known
	guess     int       // the same of compressed text, whose beginning alone has been seen
	workers   int

	plain    []bool // columns that are tried as numbers first
	anyCells bool   // features may be text or missing: see csv_cells.go
}

// openText reads the head of the table: delimiter, header and columns.
func openText(in *input, o *ReadOptions, delimiter byte) (*text, error) {
	head, eof, err := readHead(in)
	if err != nil {
		return nil, err
	}
	bom := 0
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		bom = 3
	}
	n := len(head)
	if !eof {
		n = bom + rowsEnd(head[bom:])
	}
	if err := checkText(head[:n]); err != nil {
		return nil, err
	}
	rows := padded(head[bom:n])
	if delimiter == 0 {
		delimiter = findDelimiter(rows, len(rows)-numberPad)
	}
	start, lines := skipBlank(rows, 0, len(rows)-numberPad)
	t := &text{o: o, delimiter: delimiter, line: 1 + lines, workers: o.workers()}
	if start == len(rows)-numberPad {
		return nil, &ReadError{Problem: "there are only blank lines", Advice: "a table needs at least one row"}
	}
	first, end, problem := nextRow(rows, start, delimiter)
	if problem != "" {
		return nil, quotesError(t.line+newlines(rows[start:end]), "", problem)
	}
	var second [][]byte
	if next, _ := skipBlank(rows, end, len(rows)-numberPad); next < len(rows)-numberPad {
		second, _, _ = nextRow(rows, next, delimiter)
	}
	var names []string
	if o.Header == HeaderPresent || o.Header == HeaderAuto && isHeader(first, second, o) {
		for _, cell := range first {
			if !utf8.Valid(cell) {
				return nil, &ReadError{Line: t.line, Value: string(cell), Problem: "the header " + quote(string(cell)) + " is not UTF-8", Advice: "convert the file to UTF-8"}
			}
			if len(cell) == 0 { // as the row numbers that pandas writes: called by its index, as where no column has a name
				cell = strconv.AppendInt(nil, int64(len(names)), 10)
			}
			names = append(names, string(cell))
		}
		t.line += newlines(rows[start:end])
		start = end
	}
	if t.columns, err = chooseColumns(names, len(first), o); err != nil {
		return nil, err
	}
	t.chooseKinds(rows[start:], len(rows)-numberPad-start)
	rest := head[min(bom+start, len(head)):]
	t.body = io.MultiReader(bytes.NewReader(rest), in.Reader)
	if eof {
		t.estimate = 1 + newlines(rest)
	} else if in.file != nil {
		t.estimate = estimate(in, '\n')
	} else {
		t.guess = guess(in, rest, '\n')
	}
	return t, nil
}

// checkText reports what is no text table at all.
func checkText(head []byte) error {
	cr := bytes.IndexByte(head, '\r')
	switch nul := bytes.IndexByte(head, 0); {
	case len(head) == 0:
		return &ReadError{Problem: "the file is empty", Advice: "a table needs at least one row"}
	case bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")):
		return &ReadError{Line: 1, Problem: "the text is UTF-16", Advice: "save it as UTF-8"}
	case nul >= 0:
		return nulByte(1 + newlines(head[:nul]))
	case cr >= 0 && cr+1 < len(head) && newlines(head) == 0:
		return &ReadError{Line: 1, Problem: "lines end in a carriage return alone", Advice: "convert the file to LF or CRLF line ends"}
	}
	return nil
}

// readHead reads at least headBytes, or as many as it takes to hold two rows.
func readHead(in *input) (head []byte, eof bool, err error) {
	for size := headBytes; ; size *= 2 {
		have := len(head)
		head = slices.Grow(head, size-have)[:size]
		n, eof, err := fill(in, head[have:])
		if err != nil {
			return nil, false, streamError(in.name, err)
		}
		head = head[:have+n]
		if eof {
			return head, true, nil
		}
		if end := rowsEnd(head); end > 0 && rowsEnd(head[:end-1]) > 0 {
			return head, false, nil
		}
		if size > maxRowBytes {
			return nil, false, rowTooLong(1)
		}
	}
}

// estimate guesses how often c stands in a file, a little high, from samples spread over
// it.
func estimate(in *input, c byte) int {
	const samples = 16
	buf := make([]byte, headBytes)
	read, found := 0, 0
	for i := range int64(samples) {
		n, _ := in.file.ReadAt(buf, i*(max(in.size-headBytes, 0))/(samples-1))
		read += n
		found += bytes.Count(buf[:n], []byte{c})
	}
	if read == 0 {
		return 0
	}
	return int(float64(found)/float64(read)*float64(in.size)*1.02) + 64
}

// guess is estimate for compressed text that begins with head.
func guess(in *input, head []byte, c byte) int {
	if len(head) == 0 {
		return 0
	}
	return int(float64(bytes.Count(head, []byte{c})) / float64(len(head)) * float64(in.unpacked) * 1.02)
}

// padded copies whole rows into a block as scanners want it.
func padded(rows []byte) []byte {
	b := make([]byte, 0, len(rows)+1+numberPad)
	b = append(b, rows...)
	if len(b) > 0 && b[len(b)-1] != '\n' {
		b = append(b, '\n')
	}
	return b[:len(b)+numberPad]
}

// findDelimiter chooses the delimiter that cuts the first rows into equally many
// cells, the most of them; a comma if none does.
func findDelimiter(b []byte, n int) byte {
	best, bestCells := byte(','), 1
	for _, d := range []byte{'\t', ';', ','} {
		cells, p := 0, 0
		for range delimiterRows {
			if p, _ = skipBlank(b, p, n); p >= n {
				break
			}
			row, end, problem := nextRow(b, p, d)
			if problem != "" || cells > 0 && len(row) != cells {
				cells = 0
				break
			}
			cells, p = len(row), end
		}
		if cells > bestCells {
			best, bestCells = d, cells
		}
	}
	return best
}

// isHeader is HeaderAuto's rule.
func isHeader(first, second [][]byte, o *ReadOptions) bool {
	n := len(first)
	c := columns{role: slices.Repeat([]int{roleUnset}, n)}
	for i, spec := range append([]string{o.Label, o.Weight, o.Offset}, o.Ignore...) {
		if spec == "" {
			continue
		}
		col, err := c.find(spec)
		switch {
		case err != nil && slices.ContainsFunc(first, func(cell []byte) bool { return string(cell) == spec }):
			return true
		case err == nil:
			c.role[col] = []int{roleLabel, roleWeight, roleOffset, roleIgnored}[min(i, 3)]
		}
	}
	label := slices.Index(c.role, roleLabel)
	if label < 0 && (!o.NoLabel || o.Features != nil && n > len(o.Features)) {
		label = c.lastUnset()
	}
	if o.Features != nil && !AutoNamed(o.Features) && !slices.ContainsFunc(o.Features, func(f string) bool {
		return !slices.ContainsFunc(first, func(cell []byte) bool { return string(cell) == f })
	}) {
		return true
	}
	isNumber := func(cell []byte) bool { _, number := parseNumber(cell); return number }
	isText := func(cell []byte) bool { return !isNumber(cell) && !missingMark(cell) && !infinite(cell) }
	texts, numbers := 0, 0
	for col, cell := range first {
		switch {
		case col == label || c.role[col] == roleIgnored:
		case isNumber(cell):
			numbers++
		case isText(cell):
			if len(second) == n && !isText(second[col]) {
				return true
			}
			texts++
		}
	}
	if texts > 0 {
		return numbers == 0
	}
	return label >= 0 && len(second) == n && isText(first[label]) && !isText(second[label]) && !missingMark(second[label])
}

func quotesError(line int, column, problem string) *ReadError {
	return &ReadError{Line: line, Column: column, Problem: problem, Advice: "write the cell in quotes and double the quotes inside"}
}

func nulByte(line int) *ReadError {
	return &ReadError{Line: line, Problem: "there is a NUL byte", Advice: "this is no text table; is it a binary file?"}
}

func rowTooLong(line int) *ReadError {
	return &ReadError{Line: line, Problem: "the row that starts here has more than " + strconv.Itoa(maxRowBytes) + " bytes", Advice: "is a quote left open?"}
}
