package dataset

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// parse reads the rows of b into p.
func (s *svm[T]) parse(b *block, p *svmPart[T]) error {
	buf, labels := b.buf, s.labels[p.worker]
	n := 0 // entries
	for pos, line := 0, b.line; pos < b.n; pos, line = pos+1, line+1 {
		pos = skipBlanks(buf, pos)
		if c := buf[pos]; c == '\n' {
			continue
		} else if c == '#' {
			pos += bytes.IndexByte(buf[pos:b.n], '\n')
			continue
		}
		end := wordEnd(buf, pos)
		word := buf[pos:end]
		if s.hasLabel {
			if err := s.checkLabel(word, line); err != nil {
				return err
			}
			code, err := labels.code(word, line, s.text)
			if err != nil {
				return err
			}
			p.labels = append(p.labels, code)
			pos = skipBlanks(buf, end)
		} else if bytes.IndexByte(word, ':') < 0 {
			pos = skipBlanks(buf, end)
		}
		if bytes.HasPrefix(buf[pos:], []byte("qid:")) {
			pos = skipBlanks(buf, wordEnd(buf, pos))
		}
		last := int64(-1)
		for buf[pos] != '\n' {
			if buf[pos] == '#' {
				pos += bytes.IndexByte(buf[pos:b.n], '\n')
				break
			}
			start := pos
			index, k := digits(buf, pos)
			pos += k
			if k == 8 {
				var more uint64
				more, k = digits(buf, pos)
				index = index*uintPow10[k] + more
				pos += k
			}
			if buf[pos] != ':' || pos == start || index > math.MaxUint32 {
				return s.indexError(buf[start:wordEnd(buf, start)], line)
			}
			if int64(index) <= last {
				return orderError(int64(index), last, line)
			}
			last = int64(index)
			v, end := parseDecimal(buf, pos+1)
			if end < 0 || !blankOrEnd(buf[end]) {
				end = wordEnd(buf, pos+1)
				var err error
				if v, err = svmValue(buf[pos+1:end], index, line); err != nil {
					return err
				}
			}
			pos = skipBlanks(buf, end)
			f := T(v)
			if f-f != 0 {
				return &ReadError{Line: line, Column: strconv.FormatUint(index, 10), Value: fmt.Sprint(v),
					Problem: fmt.Sprintf("%v is too large for float32", v), Advice: "read the table as float64"}
			}
			p.col[n], p.val[n] = uint32(index)-1, f
			n++
			p.notOne = p.notOne || f != 1
			if index == 0 && p.zero == 0 {
				p.zero = line
			}
		}
		if last > p.high {
			p.high, p.highLine = last, line
		}
		p.ends = append(p.ends, n)
	}
	p.n, p.rows = n, len(p.ends)
	return nil
}

// skipBlanks passes blanks within a line.
func skipBlanks(b []byte, p int) int {
	for b[p] == ' ' || b[p] == '\t' || b[p] == '\r' {
		p++
	}
	return p
}

func blankOrEnd(c byte) bool {
	return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '#'
}

// wordEnd is the end of the word at b[p:].
func wordEnd(b []byte, p int) int {
	for !blankOrEnd(b[p]) {
		p++
	}
	return p
}

// checkLabel refuses a first word that cannot be a label.
func (s *text) checkLabel(word []byte, line int) error {
	e := &ReadError{Line: line, Column: s.label, Value: string(word)}
	switch {
	case bytes.IndexByte(word, ':') >= 0:
		e.Problem, e.Advice = "there is no label before "+quote(e.Value), "a row begins with its label"
	case bytes.IndexByte(word, ',') >= 0:
		e.Problem, e.Advice = "the row has several labels: "+quote(e.Value), "a row has one class; train one model a label"
	default:
		return nil
	}
	return e
}

// indexError says why a word is no entry.
func (s *text) indexError(word []byte, line int) error {
	index, _, found := bytes.Cut(word, []byte{':'})
	e := &ReadError{Line: line, Value: string(word)}
	digits := bytes.TrimLeft(index, "+-")
	number := len(digits) > 0 && len(bytes.Trim(digits, "0123456789")) == 0
	switch {
	case !found:
		e.Problem, e.Advice = "cannot read "+quote(e.Value)+" as index:value", "after the label come only entries"
	case number && len(digits) < len(index):
		e.Problem, e.Advice = "the index "+quote(string(index))+" has a sign", "indices count from 0 or 1"
	case number:
		e.Problem, e.Advice = "the index "+quote(string(index))+" is too large", fmt.Sprintf("at most %d features are supported", backend.MaxSparseCols)
	case string(index) == "qid":
		e.Problem, e.Advice = quote(e.Value)+" stands behind an entry", "a qid follows the label"
	default:
		e.Problem, e.Advice = "cannot read "+quote(string(index))+" as an index", "indices are whole numbers"
	}
	return e
}

func orderError(index, last int64, line int) error {
	e := &ReadError{Line: line, Column: strconv.FormatInt(index, 10), Value: strconv.FormatInt(index, 10)}
	if index == last {
		e.Problem, e.Advice = "the index occurs twice in the row", "drop one of them"
	} else {
		e.Problem, e.Advice = fmt.Sprintf("the index stands behind %d", last), "sort the entries of each row by index"
	}
	return e
}

// svmValue reads a value that is not plain.
func svmValue(text []byte, index uint64, line int) (float64, error) {
	v, ok := parseNumber(text)
	if ok && !math.IsInf(v, 0) {
		return v, nil
	}
	e := &ReadError{Line: line, Column: strconv.FormatUint(index, 10), Value: string(text)}
	switch {
	case len(text) == 0:
		e.Problem, e.Advice = "there is no value", "write index:value without a blank"
	case ok:
		e.Problem, e.Advice = quote(e.Value)+" is too large for float64", "rescale the feature"
	case infinite(text) || missingMark(text):
		e.Problem, e.Advice = quote(e.Value)+" is not finite", "fill in a number or drop the row"
	default:
		e.Problem, e.Advice = "cannot read "+quote(e.Value)+" as a number", "values are numbers"
	}
	return 0, e
}
