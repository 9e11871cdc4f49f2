package lrb

import (
	"errors"
	"fmt"
)

var (
	// ErrNotLRB is the kind of a file that is something else.
	ErrNotLRB = errors.New("this is no lrb file")

	// ErrDamaged is the kind of a file with parts missing, contradictory or changed.
	ErrDamaged = errors.New("the file is damaged or incomplete")

	// ErrNewer is the kind of a file that this program is too old for.
	ErrNewer = errors.New("written by a newer logreg-gpu")

	// ErrChanged is the kind of a file that is no longer what it was when it was opened.
	ErrChanged = errors.New("the file has been changed since it was opened")

	// ErrBigEndian is returned on machines whose numbers are not those of the file.
	ErrBigEndian = errors.New("lrb files need a little-endian machine")
)

// Error is a file that cannot be read.
type Error struct {
	File   string
	Kind   error // one of the above, or the file system's error
	Reason string
}

func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("%s: %v", e.File, e.Kind)
	}
	return fmt.Sprintf("%s: %v: %s", e.File, e.Kind, e.Reason)
}

func (e *Error) Unwrap() error { return e.Kind }
