package arrow

import "fmt"

// Error is a file that cannot be read.
type Error struct {
	Column  string // may be empty
	Problem string
	Advice  string
	Err     error // the cause, if another package reported it
}

func (e *Error) Error() string {
	text := e.Problem + "; " + e.Advice
	if e.Column != "" {
		text = fmt.Sprintf("column %q: %s", e.Column, text)
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// damage is a contradiction in the file.
func damage(format string, args ...any) error {
	return &Error{Problem: "the Arrow data make no sense: " + fmt.Sprintf(format, args...), Advice: "the file is damaged"}
}

// early is a file that ends too early.
func early(format string, args ...any) error {
	return &Error{Problem: fmt.Sprintf(format, args...), Advice: "the file is damaged or incomplete"}
}

// unknown is a file that uses what is not read here.
func unknown(what, advice string) error {
	return &Error{Problem: "the Arrow data " + what, Advice: advice}
}

// in names the column that an error is about.
func in(column string, err error) error {
	if e, ok := err.(*Error); ok && e.Column == "" {
		named := *e
		named.Column = column
		return &named
	}
	return err
}
