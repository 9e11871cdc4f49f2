package cpu_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

func TestOpen_ByNameAndByRank(t *testing.T) {
	for asked, want := range map[string]string{cpu.Name: cpu.Name, reference.Name: reference.Name, backend.AutoName: cpu.Name} {
		b, passed, err := backend.Open(asked, backend.Options{Threads: 1})
		require.NoError(t, err)
		require.Empty(t, passed)
		require.Equal(t, want, b.Name())
		require.NoError(t, b.Close())
	}
	for _, d := range backend.Drivers() {
		devices, err := d.Devices()
		require.NoError(t, err)
		require.Equal(t, d.Name, devices[0].Backend)
	}
}
