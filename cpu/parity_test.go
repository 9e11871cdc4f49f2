package cpu_test

import (
	"testing"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/cpu"
)

func TestBackend_P5_HoldsTheContract(t *testing.T) {
	open := func(threads int) backend.Backend { return cpu.New(backend.Options{Threads: threads}) }
	backendtest.RunAll(t, open(0), backendtest.Options{Reopen: open})
}
