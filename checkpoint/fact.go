package checkpoint

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// Fact is one of the things that the answers in a checkpoint depend on: a fit can be
// resumed only where all of them are the same. Value is for a person to read; a Digest
// stands for what is too long for that.
type Fact struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// longestValue is how much a person is shown.
const longestValue = 60

// Of is the fact that what is called name has this value, as fmt.Sprint says it.
func Of(name string, value any) Fact {
	text := fmt.Sprint(value)
	if len(text) > longestValue {
		return digest(name, sha256.Sum256([]byte(text)))
	}
	return Fact{Name: name, Value: text}
}

func digest(name string, sum [sha256.Size]byte) Fact {
	return Fact{Name: name, Digest: fmt.Sprintf("%x", sum)}
}

// ErrOther is the kind of the error for a checkpoint of another fit.
var ErrOther = errors.New("the checkpoint of another fit")

// MismatchError names the first fact in which a fit differs from the one that made a
// checkpoint. Was and Now are empty where they are too long to show.
type MismatchError struct {
	Path     string
	Fact     string
	Was, Now string
}

func (e *MismatchError) Error() string {
	what := fmt.Sprintf("%s %s, now %s", e.Fact, e.Was, e.Now)
	if e.Was == "" || e.Now == "" {
		what = "other " + e.Fact
	}
	return fmt.Sprintf("%s: made with %s; leave out --resume to start afresh", e.Path, what)
}

func (e *MismatchError) Unwrap() error { return ErrOther }

// compare returns a *MismatchError for the first of now that differs from those in a
// file.
func compare(path string, was, now []Fact) error {
	known := make(map[string]Fact, len(was))
	for _, f := range was {
		known[f.Name] = f
	}
	for _, f := range now {
		if old := known[f.Name]; old != f {
			return &MismatchError{path, f.Name, old.Value, f.Value}
		}
		delete(known, f.Name)
	}
	for _, f := range was {
		if _, left := known[f.Name]; left {
			return &MismatchError{Path: path, Fact: f.Name}
		}
	}
	return nil
}
