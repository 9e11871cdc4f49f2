package cpu_test

import (
	"testing"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/cpu"
)

func TestBackend_P5_HoldsTheContract(t *testing.T) {
	open := func(threads int) backend.Backend { return cpu.New(backend.Options{Threads: threads}) }
	o := backendtest.Options{Reopen: open}
	if testing.Short() { // as under the race detector
		o.MaxCases, o.MaxNumbers = 25, 60000
	}
	backendtest.RunAll(t, open(0), o)
}
