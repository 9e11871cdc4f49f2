//go:build !race

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/kernels"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// emulated opens the backend on an emulated device.
func emulated(t testing.TB, c ptx.Config) (backend.Backend, *ptx.Driver) {
	d := ptx.NewDriver(c)
	b, err := New(EmulatorName, d, 0, backend.Options{})
	require.NoError(t, err)
	return b, d
}

// The parity suite, with every check of the emulator on.
func TestBackend_P5(t *testing.T) {
	t.Parallel()
	b, d := emulated(t, ptx.Config{})
	backendtest.RunAll(t, b, backendtest.Options{
		MaxNumbers: 300,
		Reopen: func(threads int) backend.Backend { // another device, another order
			b, _ := emulated(t, ptx.Config{Multiprocessors: threads, Seed: uint64(threads)})
			return b
		},
	})
	require.NoError(t, b.Close())
	require.Empty(t, d.Live())
}

// The suite again on the older targets, smaller: one source makes all targets.
func TestBackend_P5_OlderTargets(t *testing.T) {
	for _, target := range kernels.Targets[1:] {
		t.Run(target.Name, func(t *testing.T) {
			t.Parallel()
			b, d := emulated(t, ptx.Config{Major: target.Major, Minor: target.Minor, Version: target.Driver, Unchecked: true})
			backendtest.RunAll(t, b, backendtest.Options{MaxNumbers: 70, Seed: uint64(target.Major)})
			require.NoError(t, b.Close())
			require.Empty(t, d.Live())
		})
	}
}
