//go:build !race

package cuda

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// emulated opens the backend on an emulated device.
func emulated(t testing.TB, c ptx.Config) (backend.Backend, *ptx.Driver) {
	d := ptx.NewDriver(c)
	b, err := New(EmulatorName, d, 0)
	require.NoError(t, err)
	return b, d
}

func TestBackend_P5_AllTargets(t *testing.T) {
	b, _ := emulated(t, ptx.Config{})
	backendtest.RunAll(t, b, backendtest.Options{MaxNumbers: 300})
	require.NoError(t, b.Close())
}
