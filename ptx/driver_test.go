package ptx

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

const incrementText = `.reg .b64 %a; .reg .b32 %v;
ld.param.u64 %a, [p0];
ld.global.u32 %v, [%a];
add.u32 %v, %v, 1;
st.global.u32 [%a], %v;`

func (v *device) increment() driver.Function {
	m, err := v.c.Load("increment", []byte(program("7.0", "sm_80", 1, incrementText)))
	require.NoError(v.t, err)
	return v.function(m, "k")
}

func TestDriver_Device(t *testing.T) {
	d := NewDriver(Config{DeviceName: "toy", Major: 7, Minor: 5, Memory: 1 << 20, Version: 11040})
	require.Equal(t, "cuda-emu", d.Name())
	version, err := d.Version()
	require.NoError(t, err)
	require.Equal(t, 11040, version)
	list, err := d.Devices()
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "toy", list[0].Name)
	require.Equal(t, 64<<10, list[0].SharedPerBlock)
	_, err = d.Open(1)
	require.ErrorIs(t, err, &driver.Error{Code: driver.InvalidDevice})
}

// Memory is limited, accounted for, and told apart from what is freed or foreign.
func TestDriver_Memory(t *testing.T) {
	v := open(t, Config{Memory: 10000})
	a := v.buffer("a", 6000)
	_, err := v.c.Alloc("b", 5000)
	require.ErrorIs(t, err, &driver.Error{Code: driver.OutOfMemory})
	require.ErrorContains(t, err, `5000 bytes for "b", 4000 are free`)
	free, total, err := v.c.MemInfo()
	require.NoError(t, err)
	require.Equal(t, []int64{4000, 10000}, []int64{free, total})
	require.Zero(t, a%256)
	require.NoError(t, v.c.Free(a))
	b := v.buffer("b", 5000)
	invalid := &driver.Error{Code: driver.InvalidValue}
	require.ErrorIs(t, v.c.Free(a), invalid)
	require.ErrorIs(t, v.c.Free(b+256), invalid)
	require.ErrorIs(t, v.c.CopyIn(b+4096, make([]byte, 1000)), invalid)
	require.ErrorIs(t, v.c.CopyOut(make([]byte, 8), a), invalid)
	_, err = v.c.Alloc("none", 0)
	require.ErrorIs(t, err, invalid)
	require.EqualValues(t, 6000, v.d.MostUsed())

	// What was never written is not read back, unless checks are off.
	require.NoError(t, v.c.Memset(b, 7, 100, nil))
	got := make([]byte, 100)
	require.NoError(t, v.c.CopyOut(got, b))
	require.Equal(t, bytes.Repeat([]byte{7}, 100), got)
	err = v.c.CopyOut(make([]byte, 101), b)
	var f *Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, Uninitialised, f.Kind)
	require.Contains(t, err.Error(), `offset 100 of "b"`)
	require.NoError(t, open(t, Config{Unchecked: true}).readAll())
}

func (v *device) readAll() error {
	return v.c.CopyOut(make([]byte, 10), v.buffer("x", 10))
}

func TestDriver_LaunchLimits(t *testing.T) {
	v := open(t, Config{Major: 7, Minor: 5})
	m, err := v.c.Load("limits", []byte(`.version 6.4
.target sm_75
.address_size 64
.extern .shared .align 16 .b8 dyn[];
.visible .entry bounded() .maxntid 64, 1, 1 { ret; }
.visible .entry exact() .reqntid 32, 2, 1 { ret; }
.visible .entry shared() { .shared .align 4 .b8 s[40000]; .reg .b32 %a; mov.u32 %a, s; mov.u32 %a, dyn; ret; }
.visible .entry args(.param .u64 a, .param .u32 b, .param .f64 c) { ret; }
`))
	require.NoError(t, err)
	grid := func(g, b [3]uint32, shared uint32) driver.Launch {
		return driver.Launch{Grid: g, Block: b, Shared: shared}
	}
	one := [3]uint32{1, 1, 1}
	for _, c := range []struct {
		kernel string
		l      driver.Launch
		args   []driver.Arg
		want   string // "" for none
	}{
		{"bounded", grid(one, [3]uint32{64, 1, 1}, 0), nil, ""},
		{"bounded", grid(one, [3]uint32{65, 1, 1}, 0), nil, "65 threads, the kernel was compiled for at most 64"},
		{"exact", grid(one, [3]uint32{32, 2, 1}, 0), nil, ""},
		{"exact", grid(one, [3]uint32{64, 1, 1}, 0), nil, "the kernel requires [32 2 1]"},
		{"shared", grid(one, one, 9152), nil, ""},
		{"shared", grid(one, one, 9153), nil, "9153 bytes of dynamic and 40000 of static shared memory"},
		{"args", grid([3]uint32{0, 1, 1}, one, 0), nil, "is empty"},
		{"args", grid([3]uint32{1, 70000, 1}, one, 0), nil, "is larger than"},
		{"args", grid(one, [3]uint32{1025, 1, 1}, 0), nil, "more than 1024 threads"},
		{"args", grid(one, [3]uint32{1, 1, 65}, 0), nil, "more than 64 in z"},
		{"args", grid(one, one, 0), nil, "0 arguments, the kernel has 3 parameters"},
		{"args", grid(one, one, 0), []driver.Arg{driver.Uint64(1), driver.Uint64(1), driver.Float64(1)}, `argument 1 has 8 bytes, parameter "b" has 4`},
		{"args", grid(one, one, 0), []driver.Arg{driver.Uint64(1), driver.Int32(-1), driver.Float64(1)}, ""},
	} {
		err := v.c.Launch(v.function(m, c.kernel), c.l, c.args...)
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, &driver.Error{Code: driver.InvalidValue})
		require.ErrorContains(t, err, c.want)
	}
	f := v.function(m, "shared")
	require.ErrorContains(t, f.SetMaxDynamicShared(30000), "70000 bytes of shared memory, a block can have 65536")
	require.NoError(t, f.SetMaxDynamicShared(25000))
	require.NoError(t, v.c.Launch(f, grid(one, one, 25000)))
	_, err = m.Function("nothing")
	require.ErrorIs(t, err, &driver.Error{Code: driver.NotFound})
	require.NoError(t, m.Unload())
	require.ErrorIs(t, v.c.Launch(f, grid(one, one, 0)), &driver.Error{Code: driver.InvalidValue})
}

// An injected failure hits its call and only that; all works afterwards.
func TestDriver_Injection(t *testing.T) {
	steps := func(v *device) error {
		f := v.increment()
		p, err := v.c.Alloc("p", 4)
		if err != nil {
			return err
		}
		defer v.c.Free(p)
		if err := v.c.CopyIn(p, []byte{1, 0, 0, 0}); err != nil {
			return err
		}
		if err := v.c.Launch(f, driver.Grid1(1, 1, 0, nil), driver.PtrArg(p)); err != nil {
			return err
		}
		b := make([]byte, 4)
		if err := v.c.CopyOut(b, p); err != nil {
			return err
		}
		require.Equal(t, byte(2), b[0])
		return nil
	}
	for _, c := range []Injection{{"alloc", 1, driver.OutOfMemory}, {"copy", 1, driver.LaunchFailed}, {"copy", 2, driver.IllegalAddress}, {"launch", 1, driver.LaunchOutOfResources}} {
		v := open(t, Config{Faults: []Injection{c}})
		err := steps(v)
		require.ErrorIs(t, err, &driver.Error{Code: c.Code})
		require.ErrorContains(t, err, "injected at "+c.Call)
		require.NoError(t, steps(v))
		require.Empty(t, v.d.Live())
		require.GreaterOrEqual(t, v.d.Calls(c.Call), c.N)
	}
	v := open(t, Config{})
	v.d.Inject(Injection{"load", 2, driver.InvalidPTX})
	v.increment()
	_, err := v.c.Load("again", []byte(program("7.0", "sm_80", 0, "")))
	require.ErrorIs(t, err, &driver.Error{Code: driver.InvalidPTX})
}

// Live names what was not released.
func TestDriver_Leaks(t *testing.T) {
	v := open(t, Config{})
	p := v.buffer("weights", 100)
	h, err := v.c.AllocHost(50)
	require.NoError(t, err)
	v.increment()
	_, err = v.c.NewStream()
	require.NoError(t, err)
	e, err := v.c.NewEvent()
	require.NoError(t, err)
	live := v.d.Live()
	require.Len(t, live, 2)
	require.Equal(t, "weights: 100 bytes", live[0].String())
	require.Equal(t, "pinned host memory: 50 bytes", live[1].String())
	modules, streams, events := v.d.LiveObjects()
	require.Equal(t, []int{1, 1, 1}, []int{modules, streams, events})
	require.NoError(t, v.c.Free(p))
	require.NoError(t, v.c.FreeHost(h))
	require.Error(t, v.c.FreeHost(h))
	require.NoError(t, e.Destroy())
	require.Error(t, e.Destroy())
	require.Empty(t, v.d.Live())
	require.NoError(t, v.c.Close())
	require.ErrorIs(t, v.c.Close(), &driver.Error{Code: invalidContext})
	require.ErrorIs(t, v.c.Synchronize(), &driver.Error{Code: contextGone})
	modules, streams, events = v.d.LiveObjects()
	require.Equal(t, []int{0, 0, 0}, []int{modules, streams, events})
}

// With Late nothing happens before somebody waits: a result read too early is the
// old one, and a buffer that is changed too early changes the copy.
func TestDriver_Late(t *testing.T) {
	v := open(t, Config{Late: true})
	f := v.increment()
	s, err := v.c.NewStream()
	require.NoError(t, err)
	other, err := v.c.NewStream()
	require.NoError(t, err)
	h, err := v.c.AllocHost(4)
	require.NoError(t, err)
	p := v.buffer("p", []uint32{100})
	read := func() byte {
		b := make([]byte, 4)
		require.NoError(t, v.c.CopyOut(b, p))
		return b[0]
	}
	copy(h.Bytes, []byte{1, 0, 0, 0})
	require.NoError(t, v.c.CopyInAsync(p, h, 4, s))
	require.NoError(t, v.c.Launch(f, driver.Grid1(1, 1, 0, s), driver.PtrArg(p)))
	require.Equal(t, byte(100), read(), "the stream was not waited for")
	h.Bytes[0] = 50 // too early
	require.NoError(t, s.Synchronize())
	require.Equal(t, byte(51), read())

	// Another stream waits through an event, and so does the host.
	e, err := v.c.NewEvent()
	require.NoError(t, err)
	require.NoError(t, v.c.Launch(f, driver.Grid1(1, 1, 0, s), driver.PtrArg(p)))
	require.NoError(t, s.Record(e))
	require.NoError(t, v.c.Launch(f, driver.Grid1(1, 1, 0, s), driver.PtrArg(p)))
	require.NoError(t, other.Wait(e))
	require.NoError(t, v.c.CopyOutAsync(h, p, 4, other))
	require.NoError(t, other.Synchronize())
	require.Equal(t, byte(52), h.Bytes[0])
	require.Equal(t, byte(52), read())
	require.NoError(t, e.Synchronize())
	require.NoError(t, v.c.Synchronize())
	require.Equal(t, byte(53), read())

	// An error comes out where the work is waited for.
	require.NoError(t, v.c.Launch(f, driver.Grid1(1, 1, 0, s), driver.Uint64(16)))
	err = s.Synchronize()
	require.ErrorIs(t, err, &driver.Error{Code: driver.IllegalAddress})
	require.ErrorIs(t, v.c.Free(p), &driver.Error{Code: driver.IllegalAddress}, "as on a device, the context is lost")
	require.NoError(t, v.c.Close())
	require.Empty(t, v.d.Live())
}

// At once, without Late; events measure time.
func TestDriver_StreamsAndEvents(t *testing.T) {
	v := open(t, Config{})
	f := v.increment()
	s, err := v.c.NewStream()
	require.NoError(t, err)
	a, err := v.c.NewEvent()
	require.NoError(t, err)
	b, err := v.c.NewEvent()
	require.NoError(t, err)
	_, err = b.Since(a)
	require.ErrorIs(t, err, &driver.Error{Code: driver.InvalidValue})
	p := v.buffer("p", []uint32{1})
	require.NoError(t, s.Record(a))
	require.NoError(t, v.c.Launch(f, driver.Grid1(1, 1, 0, s), driver.PtrArg(p)))
	require.NoError(t, s.Record(b))
	ms, err := b.Since(a)
	require.NoError(t, err)
	require.GreaterOrEqual(t, ms, float32(0))
	require.NoError(t, s.Destroy())
	require.Error(t, s.Synchronize())
	require.Error(t, v.c.Launch(f, driver.Grid1(1, 1, 0, s), driver.PtrArg(p)))
	h := driver.HostBuffer{Bytes: make([]byte, 4)}
	require.ErrorContains(t, v.c.CopyInAsync(p, h, 4, nil), "not pinned memory")
}

// Counters by kernel, space and allocation.
func TestDriver_Counters(t *testing.T) {
	v := open(t, Config{})
	m := v.load("basic.sm_75.ptx")
	x, y := v.buffer("x", floats(512, iota32)), v.buffer("y", floats(512, iota32))
	v.d.TraceReads(x)
	for range 3 {
		require.NoError(t, v.c.Launch(v.function(m, "rotate"), driver.Grid1(4, 128, 0, nil), driver.PtrArg(x), driver.Int32(2)))
	}
	c := v.d.Counters()["rotate"]
	require.Equal(t, 3, c.Launches)
	require.Equal(t, uint64(3*4*512), c.Loaded[Global])
	require.Equal(t, uint64(3*4*512), c.Stored[Global])
	require.Equal(t, uint64(3*4*512*2), c.Loaded[Shared])
	require.Equal(t, uint64(3*4*512*2), c.Stored[Shared])
	require.Greater(t, c.LaneInstructions(), c.Instructions*25)
	require.Equal(t, uint64(3*4*512), v.d.Allocations("x")[0].Loaded)
	require.Equal(t, uint64(0), v.d.Allocations("y")[0].Loaded)
	require.Equal(t, uint32(3), v.d.Reads(x)[7])
	require.Nil(t, v.d.Reads(y))
	v.d.ResetCounters()
	require.Empty(t, v.d.Counters())
	require.Zero(t, v.d.Reads(x)[7])
	require.Zero(t, v.d.Allocations("x")[0].Loaded)
}

// With OneThread a call from a foreign thread fails.
func TestDriver_OneThread(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("threads are told apart on Linux only")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	v := open(t, Config{OneThread: true})
	require.NoError(t, v.c.Synchronize())
	result := make(chan error)
	go func() { result <- v.c.Synchronize() }() // this thread is locked: it runs on another
	require.ErrorIs(t, <-result, &driver.Error{Code: invalidContext})
}

// Freed memory is remembered for reports, but not for ever.
func TestDriver_ForgetsOldFreedMemory(t *testing.T) {
	v := open(t, Config{})
	keep := v.buffer("keep", []byte{1, 2, 3})
	for range 10 * graveyard {
		p, err := v.c.Alloc("short", 8)
		require.NoError(t, err)
		require.NoError(t, v.c.Free(p))
	}
	require.LessOrEqual(t, len(v.d.contexts[0].memory.regions), 4*graveyard+1)
	got := make([]byte, 3)
	v.read(keep, got)
	require.Equal(t, []byte{1, 2, 3}, got)
}
