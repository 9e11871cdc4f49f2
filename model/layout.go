package model

import "bytes"

// perLine is how many numbers or names of an array share a line: few enough that a
// changed coefficient shows in a diff, enough that wide models stay short.
const perLine = 8

// layout breaks compact JSON into lines: one member of an object a line, arrays of
// arrays one a line, and other arrays of more than perLine entries perLine a line.
// The count alone decides, never the width, so that a changed number moves no other.
func layout(compact []byte) []byte {
	l := layouter{in: bytes.TrimSpace(compact)}
	l.out.Grow(len(compact) + len(compact)/perLine)
	l.value("\n")
	l.out.WriteByte('\n')
	return l.out.Bytes()
}

// layouter copies valid JSON from in[at:] to out.
type layouter struct {
	in  []byte
	at  int
	out bytes.Buffer
}

// value copies one value; newline is the line break with the indent around it.
func (l *layouter) value(newline string) {
	switch l.in[l.at] {
	case '{':
		l.object(newline)
	case '[':
		l.array(newline)
	default:
		l.scalar()
	}
}

func (l *layouter) object(newline string) {
	l.copyByte() // {
	if l.in[l.at] == '}' {
		l.copyByte()
		return
	}
	inner := newline + "  "
	for {
		l.out.WriteString(inner)
		l.scalar()
		l.copyByte() // :
		l.out.WriteByte(' ')
		l.value(inner)
		if l.in[l.at] != ',' {
			break
		}
		l.copyByte()
	}
	l.out.WriteString(newline)
	l.copyByte() // }
}

func (l *layouter) array(newline string) {
	l.copyByte() // [
	if l.in[l.at] == ']' {
		l.copyByte()
		return
	}
	inner, step := newline+"  ", perLine
	if c := l.in[l.at]; c == '[' || c == '{' {
		step = 1
	} else if l.short() {
		step = 0 // all on this line
	}
	for i := 0; ; i++ {
		switch {
		case step > 0 && i%step == 0:
			l.out.WriteString(inner)
		case i > 0:
			l.out.WriteByte(' ')
		}
		l.value(inner)
		if l.in[l.at] != ',' {
			break
		}
		l.copyByte()
	}
	if step > 0 {
		l.out.WriteString(newline)
	}
	l.copyByte() // ]
}

// short tells whether the array of scalars that begins here has at most perLine entries.
func (l *layouter) short() bool {
	at := l.at
	defer func() { l.at = at }()
	for range perLine {
		l.at = l.scalarEnd()
		if l.in[l.at] == ']' {
			return true
		}
		l.at++ // ,
	}
	return false
}

func (l *layouter) scalar() {
	end := l.scalarEnd()
	l.out.Write(l.in[l.at:end])
	l.at = end
}

// scalarEnd is the index behind the string, number or word at l.at.
func (l *layouter) scalarEnd() int {
	i := l.at
	if l.in[i] == '"' {
		for i++; l.in[i] != '"'; i++ {
			if l.in[i] == '\\' {
				i++
			}
		}
		return i + 1
	}
	for i < len(l.in) && l.in[i] != ',' && l.in[i] != ']' && l.in[i] != '}' {
		i++
	}
	return i
}

func (l *layouter) copyByte() {
	l.out.WriteByte(l.in[l.at])
	l.at++
}
