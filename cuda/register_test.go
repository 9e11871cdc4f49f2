//go:build !race

package cuda

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

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
		"memory": "4.0 GiB", "compute capability": "9.0", "multiprocessors": "8", "driver": "CUDA 12.4", "ptx target": "sm_80",
	}}}, list)
}

// A device that no target serves is refused with what it would take, and left closed.
func TestNew_TooOld(t *testing.T) {
	for _, c := range []ptx.Config{{Major: 7, Minor: 0}, {Major: 7, Minor: 5, Version: 10000}} {
		d := ptx.NewDriver(c)
		_, err := New(Name, d, 0, backend.Options{})
		require.ErrorIs(t, err, backend.ErrUnavailable)
		require.ErrorIs(t, err, errTooOld)
		require.ErrorContains(t, err, "needs 7.5 and CUDA 10.1")
		require.Empty(t, d.Live())
	}
	_, err := New(Name, ptx.NewDriver(ptx.Config{}), 1, backend.Options{})
	require.ErrorIs(t, err, &driver.Error{Code: driver.InvalidDevice})
}

// unopened is a driver that answers no question.
type unopened struct{ driver.Driver }

var errNoDriver = errors.New("no libcuda.so.1")

func (unopened) Version() (int, error) { return 0, errNoDriver }

func TestUnavailable_SaysWhy(t *testing.T) {
	_, err := New(Name, unopened{}, 0, backend.Options{})
	require.ErrorIs(t, err, backend.ErrUnavailable)
	require.ErrorIs(t, err, errNoDriver)
	_, err = devices(Name, unopened{})
	require.ErrorIs(t, err, backend.ErrUnavailable)
	require.ErrorIs(t, err, errNoDriver)
}

// leaving is a driver whose user leaves at a launch: launch number `at` of it calls leave.
type leaving struct {
	driver.Driver
	at, launches int
	leave        func()
}

func (l *leaving) Open(ordinal int) (driver.Context, error) {
	c, err := l.Driver.Open(ordinal)
	return leavingContext{c, l}, err
}

type leavingContext struct {
	driver.Context
	l *leaving
}

func (c leavingContext) Launch(f driver.Function, l driver.Launch, args ...driver.Arg) error {
	c.l.launches++
	if c.l.launches == c.l.at {
		c.l.leave()
	}
	return c.Context.Launch(f, l, args...)
}

// A context that ends during an operation stops it before the next launch, and the
// backend goes on working.
func TestEval_StopsBetweenLaunches(t *testing.T) {
	cause := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(t.Context())
	emulator := ptx.NewDriver(ptx.Config{})
	d := &leaving{Driver: emulator, leave: func() { cancel(cause) }}
	b, err := New(Name, d, 0, backend.Options{})
	require.NoError(t, err)
	src := &backend.Source{X: tensor.New(tensor.WithShape(3, 1), tensor.WithBacking([]float32{1, 2, 3})), Labels: [][]int32{{0, 1, 0}}}
	x, err := b.Load(ctx, src, backend.Float32)
	require.NoError(t, err)
	models, coef := []backend.Model{backend.Binary()}, []float64{1, 0}
	d.at, d.launches = 1, 0
	require.ErrorIs(t, x.Eval(ctx, models, coef, new(backend.Evaluation)), cause)
	require.Equal(t, 1, d.launches, "launches of the three of an evaluation")
	require.NoError(t, x.Eval(t.Context(), models, coef, new(backend.Evaluation)))
	require.NoError(t, x.Close())
	require.NoError(t, b.Close())
	require.Empty(t, emulator.Live())
}
