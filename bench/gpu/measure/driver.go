package main

import (
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver/cubinding"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// openDriver is the CUDA driver under a backend, nil for a backend without one.
func openDriver(backendName string) (driver.Driver, error) {
	switch backendName {
	case "cuda":
		return cubinding.New()
	case "cuda-emu":
		return ptx.NewDriver(ptx.Config{}), nil
	}
	return nil, nil
}
