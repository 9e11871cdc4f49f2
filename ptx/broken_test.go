package ptx

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Every mistake in testdata/broken.cu is found under every schedule, with the right
// kind, place and memory.
func TestFault_BrokenKernels(t *testing.T) {
	type launch struct {
		kernel        string
		grid, threads int
		args          func(v *device) []driver.Arg
		kind          []Kind // any of these: the order of execution decides which shows
		code          driver.Code
		text          string // part of the message
	}
	x := func(n int) func(v *device) []driver.Arg {
		return func(v *device) []driver.Arg { return []driver.Arg{driver.PtrArg(v.buffer("x", floats(n, iota32)))} }
	}
	with := func(f func(v *device) []driver.Arg, more ...driver.Arg) func(v *device) []driver.Arg {
		return func(v *device) []driver.Arg { return append(f(v), more...) }
	}
	for _, l := range []launch{
		{"out_of_bounds", 2, 32, func(v *device) []driver.Arg {
			return []driver.Arg{driver.PtrArg(v.buffer("x", floats(40, iota32))), driver.PtrArg(v.buffer("y", make([]float32, 1))), driver.Int32(40)}
		}, []Kind{OutOfBounds, Race}, 0, ""},
		{"shared_overrun", 1, 32, x(32), []Kind{OutOfBounds}, driver.IllegalAddress, `shared address 0x80, 0 bytes past the end of "_ZZ14shared_overrunE1a" (128 bytes)`},
		{"unsynchronised", 1, 64, x(64), []Kind{Race, Uninitialised}, driver.LaunchFailed, `of "_ZZ14unsynchronisedE1s"`},
		{"missing_barrier", 1, 64, with(x(64), driver.Int32(3)), []Kind{Race}, driver.LaunchFailed, "unordered with the"},
		{"missing_syncwarp", 1, 32, x(32), []Kind{Race, Uninitialised}, driver.LaunchFailed, `of "_ZZ16missing_syncwarpE1s"`},
		{"block_race", 4, 32, x(1), []Kind{Race}, driver.LaunchFailed, `offset 0 of "x": unordered with the`},
		{"missing_fence", 4, 32, func(v *device) []driver.Arg {
			return []driver.Arg{driver.PtrArg(v.buffer("part", make([]float32, 4))), driver.PtrArg(v.buffer("out", 4)), driver.PtrArg(v.buffer("arrived", make([]uint32, 1)))}
		}, []Kind{Race}, driver.LaunchFailed, `of "part": unordered with the write at line`},
		{"uninitialised_shared", 1, 64, x(64), []Kind{Uninitialised}, driver.LaunchFailed, `"_ZZ20uninitialised_sharedE1s": nothing was written there`},
		{"copy", 1, 32, func(v *device) []driver.Arg {
			return []driver.Arg{driver.PtrArg(v.buffer("source", 128)), driver.PtrArg(v.buffer("target", 128))}
		}, []Kind{Uninitialised}, driver.LaunchFailed, `offset 0 of "source"`},
		{"divergent_barrier", 1, 64, x(64), []Kind{DivergentBarrier}, driver.LaunchFailed, ""},
		{"early_return", 1, 64, with(x(64), driver.Int32(20)), []Kind{DivergentBarrier}, driver.LaunchFailed, "without coming to this barrier"},
		{"early_return", 1, 64, with(x(64), driver.Int32(32)), []Kind{DivergentBarrier}, driver.LaunchFailed, "without coming to this barrier"},
		{"endless", 1, 32, func(v *device) []driver.Arg {
			return []driver.Arg{driver.PtrArg(v.buffer("flag", make([]uint32, 1)))}
		}, []Kind{Budget}, launchTimeout, "an endless loop?"},
		{"misaligned", 1, 32, func(v *device) []driver.Arg {
			return []driver.Arg{driver.PtrArg(v.buffer("x", floats(64, iota32))), driver.PtrArg(v.buffer("y", 128))}
		}, []Kind{Misaligned}, misaligned, `offset 2 of "x"`},
	} {
		t.Run(l.kernel, func(t *testing.T) {
			for seed := uint64(0); seed < 16; seed++ {
				v := open(t, Config{Seed: seed, MaxInstructions: 200000})
				f := v.function(v.load("broken.sm_75.ptx"), l.kernel)
				err := v.c.Launch(f, driver.Grid1(l.grid, l.threads, 0, nil), l.args(v)...)
				var fault *Fault
				require.ErrorAs(t, err, &fault, "seed %d", seed)
				require.Contains(t, l.kind, fault.Kind, "%v", err)
				require.Contains(t, err.Error(), l.text)
				require.Equal(t, l.kernel, fault.Kernel)
				require.Greater(t, fault.Line, 10)
				if l.code != 0 {
					require.ErrorIs(t, err, &driver.Error{Code: l.code})
				}
				// As on a device, the context is lost, and can still be cleaned up.
				require.ErrorIs(t, v.c.Synchronize(), err.(interface{ Unwrap() []error }).Unwrap()[0])
				require.NoError(t, v.c.Close())
				require.Empty(t, v.d.Live())
			}
		})
	}
}

// What the emulator reports for an access depends on where it goes.
func TestFault_Addresses(t *testing.T) {
	load := func(size string) string {
		return program("7.0", "sm_80", 1, ".reg .b64 %a; .reg .b64 %v;\nld.param.u64 %a, [p0];\nld.global."+size+" %v, [%a];")
	}
	for _, c := range []struct {
		name   string
		offset int64
		kind   Kind
		text   string
	}{
		{"behind", 64, OutOfBounds, `0 bytes past the end of "a" (64 bytes)`},
		{"before", -8, OutOfBounds, "below all allocations"},
		{"across", 60, OutOfBounds, `8 bytes at offset 60 of "a" (64 bytes)`},
		{"before the next", 504, OutOfBounds, `8 bytes before "b" (64 bytes)`},
		{"freed", 1024, UseAfterFree, `inside "c", which was freed`},
		{"odd", 4, Misaligned, "8 bytes must start at a multiple of 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := open(t, Config{})
			a := v.buffer("a", make([]byte, 64))
			require.Equal(t, a+512, v.buffer("b", make([]byte, 64)))
			gone := v.buffer("c", make([]byte, 64))
			require.NoError(t, v.c.Free(gone))
			m, err := v.c.Load("load", []byte(load("u64")))
			require.NoError(t, err)
			err = v.c.Launch(v.function(m, "k"), driver.Grid1(1, 1, 0, nil), driver.Uint64(uint64(int64(a)+c.offset)))
			var f *Fault
			require.ErrorAs(t, err, &f)
			require.Equal(t, c.kind, f.Kind)
			require.Contains(t, err.Error(), c.text)
			require.Equal(t, uint64(int64(a)+c.offset), f.Address)
			require.Equal(t, 8, f.Line)
		})
	}
}

// Registers that were never set are found where they are used, not where they are copied.
func TestFault_UninitialisedRegister(t *testing.T) {
	for body, bad := range map[string]bool{
		".reg .b32 %a, %b;\nadd.u32 %b, %a, 1;":                                                                true,
		".reg .b32 %a, %b;\nmov.u32 %b, %a;":                                                                   false,
		".reg .b32 %a, %b;\nmov.u32 %b, %a;\nadd.u32 %a, %b, 1;":                                               true,
		".reg .b32 %a, %b; .reg .pred %p;\nsetp.eq.u32 %p, 1, 1;\nselp.b32 %b, 7, %a, %p;\nadd.u32 %b, %b, 1;": false,
		".reg .b32 %a, %b; .reg .pred %p;\nsetp.eq.u32 %p, 1, 2;\nselp.b32 %b, 7, %a, %p;\nadd.u32 %b, %b, 1;": true,
		".reg .b32 %b; .reg .pred %p;\n@%p mov.u32 %b, 1;":                                                     true,
		// Only some lanes set it.
		".reg .b32 %a, %b; .reg .pred %p;\nmov.u32 %a, %tid.x;\nsetp.lt.u32 %p, %a, 16;\n@%p mov.u32 %b, 1;\nadd.u32 %b, %b, 1;":     true,
		".reg .b32 %a, %b; .reg .pred %p;\nmov.u32 %a, %tid.x;\nsetp.lt.u32 %p, %a, 16;\n@%p mov.u32 %b, 1;\n@%p add.u32 %b, %b, 1;": false,
	} {
		v := open(t, Config{})
		m, err := v.c.Load("m", []byte(program("7.0", "sm_80", 0, body)))
		require.NoError(t, err, body)
		err = v.c.Launch(v.function(m, "k"), driver.Grid1(1, 32, 0, nil))
		if !bad {
			require.NoError(t, err, body)
			continue
		}
		var f *Fault
		require.ErrorAs(t, err, &f, body)
		require.Equal(t, Uninitialised, f.Kind)
	}
}

// With Unchecked a race goes unseen, but memory is still guarded.
func TestFault_Unchecked(t *testing.T) {
	v := open(t, Config{Unchecked: true})
	m := v.load("broken.sm_75.ptx")
	require.NoError(t, v.c.Launch(v.function(m, "block_race"), driver.Grid1(4, 32, 0, nil), driver.PtrArg(v.buffer("x", make([]float32, 1)))))
	err := v.c.Launch(v.function(m, "misaligned"), driver.Grid1(1, 32, 0, nil), driver.PtrArg(v.buffer("x", floats(64, iota32))), driver.PtrArg(v.buffer("y", 128)))
	require.ErrorIs(t, err, &driver.Error{Code: misaligned})
}

// Warps that wait at different barriers wait for ever.
func TestFault_Deadlock(t *testing.T) {
	body := `.reg .b32 %t; .reg .pred %p;
mov.u32 %t, %tid.x;
setp.lt.u32 %p, %t, 32;
@%p bra A;
bar.sync 1;
bra B;
A:
bar.sync 2;
B:`
	for seed := uint64(0); seed < 8; seed++ {
		v := open(t, Config{Seed: seed})
		m, err := v.c.Load("m", []byte(program("7.0", "sm_80", 0, body)))
		require.NoError(t, err)
		err = v.c.Launch(v.function(m, "k"), driver.Grid1(1, 64, 0, nil))
		var f *Fault
		require.ErrorAs(t, err, &f)
		require.Equal(t, Deadlock, f.Kind)
		require.Contains(t, f.Detail, "waits at line 10")
		require.Contains(t, f.Detail, "waits at line 13")
	}
}

// Many blocks read a number and one of them changes it: a race whoever comes first,
// and the report names the readers when the writer comes last.
func TestFault_ManyReadersOneWriter(t *testing.T) {
	const body = `.reg .b64 %a; .reg .b32 %b, %v; .reg .pred %p;
ld.param.u64 %a, [p0];
mov.u32 %b, %ctaid.x;
ld.global.u32 %v, [%a];
setp.eq.u32 %p, %b, 5;
add.u32 %v, %v, 1;
@%p st.global.u32 [%a], %v;`
	readers := false
	for seed := uint64(0); seed < 32; seed++ {
		v := open(t, Config{Seed: seed})
		m, err := v.c.Load("m", []byte(program("7.0", "sm_80", 1, body)))
		require.NoError(t, err)
		err = v.c.Launch(v.function(m, "k"), driver.Grid1(8, 32, 0, nil), driver.PtrArg(v.buffer("x", make([]uint32, 1))))
		var f *Fault
		require.ErrorAs(t, err, &f, "seed %d", seed)
		require.Equal(t, Race, f.Kind)
		if strings.Contains(f.Detail, "threads of several blocks") {
			require.Equal(t, 12, f.Line)
			require.Contains(t, f.Detail, "unordered with the read at line 9")
			readers = true
		}
	}
	require.True(t, readers, "in no schedule came the writer after two readers")
}
