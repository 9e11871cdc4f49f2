//go:build !linux || !amd64 || !cgo || cpu

package cubinding

import (
	"errors"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// New says why this binary has no binding to the CUDA driver.
func New() (driver.Driver, error) { return nil, errors.New(reason) }
