package dataset

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// svmIndices is what was seen of the indices of a file.
type svmIndices struct {
	entries  int64
	ones     bool  // all values are 1
	zero     int   // the line of the first index 0; 0: none
	high     int64 // the largest index; -1: none
	highLine int

	zeroFile, highFile string // of several
}

// join adds what was seen in another file, which comes after.
func (s *svmIndices) join(of *svmIndices, file string) {
	s.entries += of.entries
	s.ones = s.ones && of.ones
	if s.zero == 0 {
		s.zero, s.zeroFile = of.zero, file
	}
	if of.high > s.high {
		s.high, s.highLine, s.highFile = of.high, of.highLine, file
	}
}

// svmColumns is how indices become columns.
type svmColumns struct {
	first int // the index of column 0
	cols  int
	names []string

	// to is the feature that each column becomes, -1 where it is left out; nil where they
	// are the features.
	to []int32
}

// chooseIndices finds out from where the indices count, and how many columns there are.
func chooseIndices(found *svmIndices, o *ReadOptions) (*svmColumns, error) {
	c := &svmColumns{}
	listed := -1 // the features' own indices, where they are names such as x7
	base := o.IndexBase
	if o.Features != nil {
		switch {
		case autoNamed(o.Features, 0):
			base = baseOr(base, IndexFromZero)
		case autoNamed(o.Features, 1):
			base = baseOr(base, IndexFromOne)
		default:
			listed = highestListed(o.Features)
		}
	}
	switch {
	case base == IndexFromOne && found.zero > 0:
		e := &ReadError{File: found.zeroFile, Line: found.zero, Column: "0", Problem: "there is an index 0 where indices count from 1", Advice: "--zero-based true reads it"}
		if o.IndexBase == IndexAuto {
			e.Problem += ", as in the model's training data"
		}
		return nil, e
	case base == IndexFromOne || base == IndexAuto && found.zero == 0:
		c.first = 1
	}
	high := found.high - int64(c.first) // from 0
	switch {
	case listed >= 0:
		c.first, c.cols, c.names = 0, int(found.high)+1, o.Features
		c.to = slices.Repeat([]int32{-1}, listed+1)
		for k, name := range o.Features {
			index, _ := listedIndex(name)
			c.to[index] = int32(k)
		}
		return c, nil
	case o.Features != nil:
		c.cols, c.names = len(o.Features), o.Features
	case o.Cols > 0:
		c.cols = o.Cols
	case high >= backend.MaxSparseCols:
		return nil, indexTooLarge(found.highFile, found.highLine, found.high)
	default:
		c.cols = max(int(high)+1, 1)
		if err := checkImpliedCols(c.cols, found.entries); err != nil {
			err.File, err.Line = found.highFile, found.highLine
			return nil, err
		}
	}
	if high >= int64(c.cols) {
		return nil, c.beyond(found, o)
	}
	if c.names == nil {
		c.names = autoNames(c.first, c.cols)
		return c, c.ignore(o.Ignore)
	}
	return c, nil
}

func indexTooLarge(file string, line int, index int64) error {
	return &ReadError{File: file, Line: line, Column: strconv.FormatInt(index, 10), Problem: "the index is too large", Advice: fmt.Sprintf("at most %d features are supported", backend.MaxSparseCols)}
}

func baseOr(given, implied IndexBase) IndexBase {
	if given == IndexAuto {
		return implied
	}
	return given
}

const (
	// maxImpliedCols and impliedColsPerEntry bound the columns that a file may have without
	// anybody asking for them: memory is needed for each, in names and coefficients, and a
	// wrong index must not take all there is.
	maxImpliedCols      = 1 << 22
	impliedColsPerEntry = 16
)

// checkImpliedCols refuses a matrix that is much wider than its entries suggest.
func checkImpliedCols(cols int, entries int64) *ReadError {
	if int64(cols) <= max(maxImpliedCols, impliedColsPerEntry*entries) {
		return nil
	}
	return &ReadError{
		Problem: fmt.Sprintf("there would be %d features for %d entries", cols, entries),
		Advice:  fmt.Sprintf("is an index wrong? If not, --features %d reads it", cols),
	}
}

// beyond is the error for an index that is too large for the columns there are.
func (c *svmColumns) beyond(found *svmIndices, o *ReadOptions) error {
	e := &ReadError{File: found.highFile, Line: found.highLine, Column: strconv.FormatInt(found.high, 10)}
	e.Problem = fmt.Sprintf("the index is beyond the %d features", c.cols)
	e.Advice = "--features says how many there are"
	switch {
	case o.Features != nil && c.first == 0 && found.zero == 0 && found.high == int64(c.cols):
		e.Problem += " of the model, counted from 0"
		e.Advice = "does the file count from 1? --zero-based false reads it so"
	case o.Features != nil:
		e.Problem += " of the model"
		e.Advice = "train with --features and the largest number of any file, or drop the entry"
	}
	return e
}

// listedIndex is the index k of a feature called xk.
func listedIndex(name string) (int, bool) {
	if len(name) < 2 || name[0] != 'x' {
		return 0, false
	}
	k, err := strconv.ParseUint(name[1:], 10, 31)
	return int(k), err == nil && strconv.FormatUint(k, 10) == name[1:]
}

// highestListed is the largest index among features that are all called x and an index:
// what is left of a LibSVM file's where some were ignored. -1 where others are among them.
func highestListed(features []string) int {
	high := -1
	for _, name := range features {
		k, ok := listedIndex(name)
		if !ok {
			return -1
		}
		high = max(high, k)
	}
	return high
}

// ignore leaves columns out, by name or by position.
func (c *svmColumns) ignore(specs []string) error {
	if len(specs) == 0 {
		return nil
	}
	left := make([]bool, c.cols)
	for _, spec := range specs {
		k, ok := listedIndex(spec)
		k -= c.first
		if !ok {
			var err error
			if k, err = strconv.Atoi(spec); err == nil && k < 0 {
				k += c.cols
			}
			ok = err == nil
		}
		if !ok || k < 0 || k >= c.cols {
			return &ReadError{Value: spec, Problem: "there is no feature " + quote(spec), Advice: fmt.Sprintf("the features are %s to %s", c.names[0], c.names[c.cols-1])}
		}
		left[k] = true
	}
	c.to = make([]int32, c.cols)
	var names []string
	for k, name := range c.names {
		c.to[k] = -1
		if !left[k] {
			c.to[k] = int32(len(names))
			names = append(names, name)
		}
	}
	if names == nil {
		return &ReadError{Problem: "all features are ignored", Advice: "a table needs at least one"}
	}
	c.names = names
	return nil
}
