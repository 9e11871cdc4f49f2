//go:build linux && amd64 && cgo && !cpu

package cubinding

import (
	"debug/elf"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/cu"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// A process has one libcuda.so.1, so every test runs its body in a child of its own:
// the test binary itself, limited to that test, with the library path and the
// behaviour of testdata/fakecuda.c in its environment.
const childOf = "CUBINDING_TEST_CHILD"

func inChild(t *testing.T, env []string, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(childOf) == t.Name() {
		runtime.LockOSThread()
		body(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v")
	cmd.Env = append(append(os.Environ(), childOf+"="+t.Name()), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name(), "the child did not run the test")
}

// fakeDriver builds the fake library and returns the environment to find it by.
func fakeDriver(t *testing.T, env ...string) []string {
	t.Helper()
	if os.Getenv(childOf) != "" {
		return nil
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("needs gcc to build the fake driver")
	}
	dir := t.TempDir()
	build := exec.Command(gcc, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC",
		"-o", filepath.Join(dir, "libcuda.so.1"), "testdata/fakecuda.c")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return append(env, "LD_LIBRARY_PATH="+dir, "FAKE_CUDA_TRACE="+filepath.Join(dir, "trace"))
}

// noDriver is a library path with no driver on it. A machine that has one in its
// system path cannot hide it, so there the test is left out.
func noDriver(t *testing.T) []string {
	t.Helper()
	for _, dir := range []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib"} {
		if _, err := os.Stat(filepath.Join(dir, "libcuda.so.1")); err == nil {
			t.Skip("needs a machine without an NVIDIA driver; this one has " + dir + "/libcuda.so.1")
		}
	}
	return []string{"LD_LIBRARY_PATH=" + t.TempDir()}
}

func traced(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(os.Getenv("FAKE_CUDA_TRACE"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func open(t *testing.T) driver.Context {
	t.Helper()
	d, err := New()
	require.NoError(t, err)
	ctx, err := d.Open(0)
	require.NoError(t, err)
	return ctx
}

// driverError asserts that err is one line and a *driver.Error, and returns it.
func driverError(t *testing.T, err error) *driver.Error {
	t.Helper()
	var e *driver.Error
	require.ErrorAs(t, err, &e)
	require.NotContains(t, e.Error(), "\n")
	return e
}

func TestBinary_NeedsNoLibcuda(t *testing.T) {
	f, err := elf.Open(os.Args[0])
	require.NoError(t, err)
	defer f.Close()
	needed, err := f.ImportedLibraries()
	require.NoError(t, err)
	for _, lib := range needed {
		require.NotContains(t, lib, "cuda")
	}
	// Nor may the trampolines be seen by the true library, whose own calls would
	// then land in them.
	exported, err := f.DynamicSymbols()
	require.NoError(t, err)
	for _, s := range exported {
		require.NotRegexp(t, "^(cu[A-Z]|libcuda)", s.Name)
	}
}

func TestStart_TouchesNoDriver(t *testing.T) {
	inChild(t, fakeDriver(t), func(t *testing.T) {
		d, err := New()
		require.NoError(t, err)
		require.Equal(t, "cuda", d.Name())
		require.Empty(t, traced(t))
		_, err = cu.NumDevices() // an empty slot: CUDA_ERROR_NOT_INITIALIZED
		require.EqualError(t, err, cu.NotInitialized.Error())
	})
}

func TestNoDriver_IsTheReason(t *testing.T) {
	inChild(t, noDriver(t), func(t *testing.T) {
		d, err := New()
		require.NoError(t, err)
		for range 2 { // the answer stays
			_, err = d.Devices()
			e := driverError(t, err)
			require.Equal(t, driver.NoDevice, e.Code)
			require.Contains(t, e.Text, "no NVIDIA driver: libcuda.so.1: cannot open")
		}
		_, err = d.Version()
		require.ErrorIs(t, err, &driver.Error{Code: driver.NoDevice})
		_, err = d.Open(0)
		require.ErrorIs(t, err, &driver.Error{Code: driver.NoDevice})
	})
}

func TestInitFailure_IsTheReason(t *testing.T) {
	for _, c := range []struct {
		code driver.Code
		text string
	}{
		{803, "cuInit: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803): system has unsupported display driver / cuda driver combination"},
		{999, "cuInit: CUDA_ERROR_UNKNOWN (999): unknown error"},
		{888, "cuInit: CUresult 888 (888)"}, // a code newer than the driver's own list
	} {
		t.Run(fmt.Sprint(c.code), func(t *testing.T) {
			inChild(t, fakeDriver(t, fmt.Sprintf("FAKE_CUDA_INIT=%d", c.code)), func(t *testing.T) {
				d, err := New()
				require.NoError(t, err)
				_, err = d.Devices()
				require.EqualError(t, err, c.text)
				_, err = d.Open(0)
				require.ErrorIs(t, err, &driver.Error{Code: c.code})
				require.Equal(t, []string{"cuInit 0"}, traced(t), "initialised once, and nothing after that")
			})
		})
	}
}

func TestDevices_AreDescribed(t *testing.T) {
	inChild(t, fakeDriver(t), func(t *testing.T) {
		d, err := New()
		require.NoError(t, err)
		version, err := d.Version()
		require.NoError(t, err)
		require.Equal(t, 12040, version)

		infos, err := d.Devices()
		require.NoError(t, err)
		require.Len(t, infos, 2)
		// The fake's attributes are 1000 + the attribute's number in cuda.h.
		require.Equal(t, driver.DeviceInfo{
			Ordinal: 1, Name: "Fake GPU 1", Memory: 80 << 30, PCIBusID: "00000000:31:00.0",
			Major: 9, Minor: 0, Multiprocessors: 1016, SharedPerBlock: 1097, SharedPerSM: 1081,
			RegistersPerSM: 1082, L2: 1038, ClockKHz: 1013, MemoryClockKHz: 1036,
			MemoryBusBits: 1037, MaxThreadsPerSM: 1039, UnifiedAddresses: true,
		}, infos[1])

		_, err = d.Open(2)
		require.Equal(t, driver.InvalidDevice, driverError(t, err).Code)
	})
}

func TestCalls_AreForwarded(t *testing.T) {
	inChild(t, fakeDriver(t), func(t *testing.T) {
		ctx := open(t)
		require.Equal(t, "Fake GPU 0", ctx.Info().Name)
		free, total, err := ctx.MemInfo()
		require.NoError(t, err)
		require.Equal(t, []int64{79 << 30, 80 << 30}, []int64{free, total})

		p, err := ctx.Alloc("x", 6)
		require.NoError(t, err)
		require.NoError(t, ctx.CopyIn(p, []byte("abcdef")))
		require.NoError(t, ctx.Memset(p, 'z', 2, nil))

		s, err := ctx.NewStream()
		require.NoError(t, err)
		host, err := ctx.AllocHost(6)
		require.NoError(t, err)
		require.NoError(t, ctx.CopyOutAsync(host, p, 6, s))
		require.NoError(t, s.Synchronize())
		require.Equal(t, "zzcdef", string(host.Bytes))
		copy(host.Bytes, "qr")
		require.NoError(t, ctx.CopyInAsync(p, host, 2, s))
		require.NoError(t, ctx.Memset(p, 'm', 1, s))

		begin, err := ctx.NewEvent()
		require.NoError(t, err)
		end, err := ctx.NewEvent()
		require.NoError(t, err)
		require.NoError(t, s.Record(end))
		require.NoError(t, s.Wait(end))
		require.NoError(t, end.Synchronize())
		ms, err := end.Since(begin)
		require.NoError(t, err)
		require.Equal(t, float32(1.5), ms)

		out := make([]byte, 6)
		require.NoError(t, ctx.CopyOut(out, p))
		require.Equal(t, "mrcdef", string(out))
		require.NoError(t, ctx.CopyOut(nil, p))

		require.NoError(t, begin.Destroy())
		require.NoError(t, s.Destroy())
		require.NoError(t, ctx.Synchronize())
		require.NoError(t, ctx.Free(p))
		_, err = ctx.AllocHost(8) // left to Close
		require.NoError(t, err)
		require.NoError(t, ctx.FreeHost(host))
		require.NoError(t, ctx.Close())

		require.Equal(t, []string{
			"cuInit 0",
			"cuCtxCreate_v2 0 0",
			"cuMemAlloc_v2 6",
			"cuMemcpyHtoD_v2 6 default",
			"cuMemsetD8Async 122 2 default",
			"cuStreamCreate 0",
			"cuMemHostAlloc 6 0",
			"cuMemcpyDtoHAsync_v2 6 stream",
			"cuStreamSynchronize stream",
			"cuMemcpyHtoDAsync_v2 2 stream",
			"cuMemsetD8Async 109 1 stream",
			"cuEventCreate 0",
			"cuEventCreate 0",
			"cuEventRecord event 2 stream",
			"cuStreamWaitEvent stream event 2 0",
			"cuEventSynchronize event 2",
			"cuEventElapsedTime event 1 to event 2",
			"cuMemcpyDtoH_v2 6 default",
			"cuMemcpyDtoH_v2 0 default",
			"cuEventDestroy_v2 event 1",
			"cuStreamDestroy_v2 stream",
			"cuCtxSynchronize",
			"cuMemFree_v2",
			"cuMemHostAlloc 8 0",
			"cuMemFreeHost",
			"cuMemFreeHost",
			"cuCtxDestroy_v2 current",
		}, traced(t))
	})
}

// The checks of -race and -d=checkptr look on: cu's own Launch does not pass them.
func TestLaunch_ParametersArriveIntact(t *testing.T) {
	inChild(t, fakeDriver(t), func(t *testing.T) {
		ctx := open(t)
		m, err := ctx.Load("echo.ptx", []byte(".version 7.0\n.target sm_80\n"))
		require.NoError(t, err)
		f, err := m.Function("echo")
		require.NoError(t, err)
		require.Equal(t, "echo", f.Name())
		require.NoError(t, f.SetMaxDynamicShared(100_000))
		a, err := f.Attributes()
		require.NoError(t, err)
		require.Equal(t, driver.FunctionAttributes{Registers: 104, SharedBytes: 101, LocalBytes: 103, MaxThreads: 100}, a)

		out, err := ctx.Alloc("out", 48)
		require.NoError(t, err)
		s, err := ctx.NewStream()
		require.NoError(t, err)
		launch := driver.Launch{Grid: [3]uint32{2, 3, 4}, Block: [3]uint32{32, 2, 1}, Shared: 99_000, Stream: s}
		require.NoError(t, ctx.Launch(f, launch, driver.PtrArg(out), driver.Uint32(math.MaxUint32), driver.Int32(-7),
			driver.Float32(0.1), driver.Float64(-math.Pi), driver.Uint64(math.MaxUint64-1)))

		got := make([]byte, 48)
		require.NoError(t, ctx.CopyOut(got, out))
		want := []uint64{uint64(out), math.MaxUint32, uint64(uint32(0xfffffff9)), uint64(math.Float32bits(0.1)),
			math.Float64bits(-math.Pi), math.MaxUint64 - 1}
		for i, w := range want {
			require.Equal(t, w, le64(got[8*i:]), "parameter %d", i)
		}
		require.Contains(t, traced(t), "cuLaunchKernel echo grid 2 3 4 block 32 2 1 shared 99000 stream ")

		err = ctx.Launch(f, driver.Grid1(1, 2048, 0, nil), driver.PtrArg(out))
		require.EqualError(t, err, "cuLaunchKernel: CUDA_ERROR_INVALID_VALUE (1): invalid argument: echo")
		err = ctx.Launch(f, driver.Grid1(1, 32, 0, nil), slices.Repeat([]driver.Arg{driver.Uint32(1)}, 65)...)
		require.Equal(t, driver.InvalidValue, driverError(t, err).Code, "more parameters than there are cells")
		require.NoError(t, m.Unload())
		require.NoError(t, ctx.Close())
	})
}

func le64(b []byte) (v uint64) {
	for i := range 8 {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}

func TestLoad_CarriesTheLogOfTheJIT(t *testing.T) {
	inChild(t, fakeDriver(t, "FAKE_CUDA_PTX=8"), func(t *testing.T) {
		ctx := open(t)
		ptx := []byte("garbage\n")
		_, err := ctx.Load("a.sm_80.ptx", ptx[:7])
		require.Equal(t, byte('\n'), ptx[7], "the caller's bytes stay")
		e := driverError(t, err)
		require.Equal(t, driver.InvalidPTX, e.Code)
		require.Equal(t, "a.sm_80.ptx: ptxas application ptx input, line 1; fatal : Missing .version directive; "+
			"ptxas fatal : Ptx assembly aborted due to errors", e.Log)

		_, err = ctx.Load("a.sm_90.ptx", []byte(".version 9.1\n"))
		require.ErrorIs(t, err, &driver.Error{Code: driver.UnsupportedPTXVersion})
		require.EqualError(t, err, "cuModuleLoadDataEx: CUDA_ERROR_UNSUPPORTED_PTX_VERSION (222): "+
			"the provided PTX was compiled with an unsupported toolchain.: "+
			"a.sm_90.ptx: ptxas application ptx input, line 1; fatal : Unsupported .version 9.1; current version is '8.4'")

		m, err := ctx.Load("a.sm_80.ptx", []byte(".version 8.4\n"))
		require.NoError(t, err)
		_, err = m.Function("gram")
		e = driverError(t, err)
		require.Equal(t, driver.NotFound, e.Code)
		require.Equal(t, "a.sm_80.ptx has no kernel gram", e.Log)
	})
}

func TestErrors_OfTheDriverKeepTheirCode(t *testing.T) {
	inChild(t, fakeDriver(t), func(t *testing.T) {
		d, err := New()
		require.NoError(t, err)
		ctx := open(t)
		_, err = ctx.Alloc("x", 2<<30)
		require.EqualError(t, err, "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory")

		_, err = d.Open(1)
		require.EqualError(t, err, "cuCtxCreate: CUDA_ERROR_CONTEXT_ALREADY_CURRENT (202): context already current")

		require.NoError(t, ctx.Close())
		_, err = ctx.Alloc("x", 1)
		require.Equal(t, driver.Code(201), driverError(t, err).Code, "a closed context is not current")

		ctx, err = d.Open(1) // the thread is free again
		require.NoError(t, err)
		require.Equal(t, 1, ctx.Info().Ordinal)
		require.NoError(t, ctx.Close())

		// The fake is a driver too old to have this one.
		_, err = cu.CurrentFlags()
		require.EqualError(t, err, cu.NotFound.Error())
	})
}
