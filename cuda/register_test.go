package cuda

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

func TestOpen_EmulatorByName(t *testing.T) {
	b, passed, err := backend.Open(EmulatorName, backend.Options{})
	require.NoError(t, err)
	require.Empty(t, passed)
	require.Equal(t, EmulatorName, b.Name())
	require.NoError(t, b.Close())
	require.ErrorIs(t, b.Close(), backend.ErrClosed)
}

func TestDevices_OfTheEmulator(t *testing.T) {
	list, err := devices(EmulatorName, ptx.NewDriver(ptx.Config{}))
	require.NoError(t, err)
	require.Equal(t, []backend.Device{{Backend: EmulatorName, Name: "PTX emulator", Details: map[string]string{
		"memory": "4.0 GiB", "compute capability": "9.0", "multiprocessors": "8", "driver": "CUDA 12.4", "ptx target": "sm_90",
	}}}, list)
}

// A device that no target serves is refused with what it would take, and left closed.
func TestNew_TooOld(t *testing.T) {
	for _, c := range []ptx.Config{{Major: 7, Minor: 0}, {Major: 7, Minor: 5, Version: 10000}} {
		d := ptx.NewDriver(c)
		_, err := New(Name, d, 0)
		require.ErrorIs(t, err, backend.ErrUnavailable)
		require.ErrorIs(t, err, errTooOld)
		require.ErrorContains(t, err, "needs 7.5 and CUDA 10.1")
		require.Empty(t, d.Live())
	}
	_, err := New(Name, ptx.NewDriver(ptx.Config{}), 1)
	require.ErrorIs(t, err, &driver.Error{Code: driver.InvalidDevice})
}

// unopened is a driver that answers no question.
type unopened struct{ driver.Driver }

var errNoDriver = errors.New("no libcuda.so.1")

func (unopened) Version() (int, error) { return 0, errNoDriver }

func TestUnavailable_SaysWhy(t *testing.T) {
	_, err := New(Name, unopened{}, 0)
	require.ErrorIs(t, err, backend.ErrUnavailable)
	require.ErrorIs(t, err, errNoDriver)
	_, err = devices(Name, unopened{})
	require.ErrorIs(t, err, backend.ErrUnavailable)
	require.ErrorIs(t, err, errNoDriver)
}
