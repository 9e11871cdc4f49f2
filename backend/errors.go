package backend

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFinite is the kind of every *NotFiniteError.
	ErrNotFinite = errors.New("not finite")

	// ErrUnavailable is the kind of every error of a backend that this machine or
	// this build cannot offer. The message says why.
	ErrUnavailable = errors.New("backend not available")

	// ErrUnsupported is the kind of every error for an operation, storage type or
	// size that the backend does not offer.
	ErrUnsupported = errors.New("not supported by the backend")

	// ErrClosed is returned by calls on a closed Data or Backend.
	ErrClosed = errors.New("use after Close")
)

// NotFiniteError names the first NaN or infinity of X, in row order.
type NotFiniteError struct {
	Row, Col int // from 0
	Value    float64
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("row %d, column %d of X is %v; X must be finite", e.Row, e.Col, e.Value)
}

func (e *NotFiniteError) Unwrap() error { return ErrNotFinite }

// RangeError names the first finite value of X, in row order, that is too large for
// the storage.
type RangeError struct {
	Row, Col int // from 0
	Value    float64
	Storage  Storage
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("row %d, column %d of X is %v, too large for %v; use a wider --dtype", e.Row, e.Col, e.Value, e.Storage)
}

// SourceError names the part of a Source that is malformed and why.
type SourceError struct {
	Part   string // "X", "weight column 2", ...
	Reason string
}

func (e *SourceError) Error() string { return e.Part + " " + e.Reason }

// ModelError is a model that does not fit the Data.
type ModelError struct {
	Model  int
	Reason string
}

func (e *ModelError) Error() string { return fmt.Sprintf("model %d: %s", e.Model, e.Reason) }

// OutOfMemoryError is memory that a device could not give.
type OutOfMemoryError struct {
	Device      string
	Asked, Free int64 // bytes
}

func (e *OutOfMemoryError) Error() string {
	return fmt.Sprintf("%s: out of memory: asked for %d bytes, %d are free; use a narrower --dtype or --backend cpu", e.Device, e.Asked, e.Free)
}

// MemoryLimitError is work that takes more memory than Options.Memory allows.
type MemoryLimitError struct {
	What           string
	Needs, Allowed int64 // bytes
}

func (e *MemoryLimitError) Error() string {
	return fmt.Sprintf("%s needs %d MB of memory for X and %d MB are allowed; raise --max-memory by the difference", e.What, e.Needs/1e6+1, e.Allowed/1e6)
}
