package dataset

import (
	"fmt"
	"strings"
)

// ReadError is a table that cannot be read: where, what is wrong and what to do.
//
//	heart.csv:42: column "age": cannot read "n/a" as a number; use --missing mean or --missing drop
type ReadError struct {
	File    string // Dataset.Name
	Line    int    // physical line, from 1; 0 where the error is of the whole file
	Column  string // the column's name, or its index where there is no header; may be empty
	Value   string // the offending text, if there is one
	Problem string
	Advice  string // may be empty
	Err     error  // the cause, if another package reported it

	row int // of the table, from 1, where Problem is that of a row; 0: of none
}

// rowError is a problem of a row of the table, counted from 0. It lacks the file's name.
func rowError(column string, row int, problem, advice string) *ReadError {
	return &ReadError{Column: column, Problem: problem, Advice: advice, row: row + 1}
}

func (e *ReadError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Column != "" {
		fmt.Fprintf(&b, "column %q: ", e.Column)
	}
	if e.row > 0 {
		fmt.Fprintf(&b, "row %d: ", e.row-1)
	}
	b.WriteString(e.Problem)
	if e.Advice != "" {
		b.WriteString("; ")
		b.WriteString(e.Advice)
	}
	return b.String()
}

func (e *ReadError) Unwrap() error { return e.Err }

// quote is the text in quotes, cut to a length that leaves the message readable.
func quote(text string) string {
	const most = 40
	if len(text) > most {
		return fmt.Sprintf("%q...", text[:most])
	}
	return fmt.Sprintf("%q", text)
}

// listNames is a few of the names, for messages.
func listNames(names []string) string {
	const most = 8
	quoted := make([]string, 0, most+1)
	for i, n := range names {
		if i == most {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		quoted = append(quoted, quote(n))
	}
	return strings.Join(quoted, ", ")
}
