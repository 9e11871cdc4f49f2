// Package reference is the backend "cpu-reference": every operation of the
// contract in float64 and plain loops, one row at a time, one thread. It is meant
// to be read, and to be what faster backends are compared with; it is not meant to
// be fast.
//
// Each operation has the same shape: for every row, for every model that counts
// the row, the logits z (row.go), then their loss, residual or curvature (link.go),
// then a sum over x.
package reference
