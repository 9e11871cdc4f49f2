package ptx

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Each line was given to ptxas 12.4 (-arch=sm_80) in this frame; what it says is written
// beside it.
func TestLoad_RefusesWhatPtxasRefuses(t *testing.T) {
	const frame = ".reg .pred %p<3>; .reg .b16 %h<3>; .reg .u32 %u<3>; .reg .s32 %s<3>; .reg .b32 %r<3>; " +
		".reg .b64 %d<3>; .reg .u64 %e<3>; .reg .f32 %f<3>; .reg .f64 %g<3>;\n"
	for line, want := range map[string]string{ // "" where ptxas accepts
		"add.u32 %f2, %r1, 1":                    ".f32 destination",
		"add.u32 %r2, %f1, 1":                    ".f32 register where add.u32 wants .u32",
		"add.u32 %s2, %s1, 1":                    "",
		"add.f32 %r2, %f1, %f1":                  "",
		"add.f32 %f2, %u1, %f1":                  ".u32 register",
		"add.u64 %g2, %e1, %e1":                  ".f64 destination",
		"add.u32 %r2, %r1, 1.5":                  "constant of another kind",
		"add.f32 %f2, %f1, 1":                    "constant of another kind",
		"add.f32 %f2, %f1, 0d3FF0000000000000":   "",
		"mov.u32 %r2, %f1":                       ".f32 register",
		"mov.b32 %f2, %u1":                       "",
		"and.b32 %f2, %f1, %f1":                  "",
		"selp.f32 %u2, %u1, %u1, %p1":            ".u32 register",
		"setp.lt.u32 %p2, %f1, %u1":              ".f32 register",
		"shfl.sync.bfly.b32 %f2, %f1, 1, 31, -1": "",
		"ld.global.u32 %f2, [%d1]":               ".f32 destination",
		"ld.global.u8 %f2, [%d1]":                ".f32 destination",
		"ld.global.b32 %f2, [%d1]":               "",
		"ld.global.f32 %r2, [%d1]":               "",
		"ld.global.u32 %r2, [%r1]":               "wants a 64-bit address",
		"ld.global.u32 %r2, [%g1]":               "wants a 64-bit address",
		"ld.shared.u32 %r2, [%r1]":               "",
		"ld.shared.nc.u32 %r2, [%d1]":            ".nc is for ld.global",
		"st.global.f32 [%d1], %u1":               ".u32 register",
		"st.global.nc.u32 [%d1], %r1":            ".nc is for ld.global",
		"atom.global.add.f32 %f2, [%d1], %u1":    ".u32 register",
		"cvt.f32.f64 %f2, %g1":                   "needs a rounding mode",
		"cvt.rn.f32.f64 %f2, %g1":                "",
		"cvt.rzi.f32.f64 %f2, %g1":               "needs a rounding mode",
		"cvt.f64.f32 %g2, %f1":                   "",
		"cvt.rn.f64.f32 %g2, %f1":                "does not take this rounding mode",
		"cvt.f32.f32 %f2, %f1":                   "",
		"cvt.rni.f32.f32 %f2, %f1":               "",
		"cvt.rn.f32.f32 %f2, %f1":                "does not take this rounding mode",
		"cvt.s32.f32 %r2, %f1":                   "needs a rounding mode to integral values",
		"cvt.rzi.s32.f32 %r2, %f1":               "",
		"cvt.f32.s32 %f2, %s1":                   "needs a rounding mode",
		"cvt.rn.f32.s32 %f2, %s1":                "",
		"cvt.rn.u32.u64 %u2, %e1":                "does not take this rounding mode",
		"cvt.f16.f32 %h2, %f1":                   "needs a rounding mode",
		"div.f32 %f2, %f1, %f1":                  "needs a rounding mode",
		"div.full.f32 %f2, %f1, %f1":             "",
		"fma.f64 %g2, %g1, %g1, %g1":             "needs a rounding mode",
		"mad.f32 %f2, %f1, %f1, %f1":             "needs a rounding mode",
		"rcp.f32 %f2, %f1":                       "needs a rounding mode",
		"sqrt.f64 %g2, %g1":                      "needs a rounding mode",
		"add.f32 %f2, %f1, %f1":                  "",
		"min.rn.f32 %f2, %f1, %f1":               "takes no rounding mode",
		"ex2.f32 %f2, %f1":                       "needs .approx",
		"rsqrt.f32 %f2, %f1":                     "needs .approx",
		"membar":                                 "membar needs",
		"bar.sync 16":                            "barriers are numbered 0 to 15",
		"bar.sync 0, 33":                         "whole warps",
		"bar.sync 0, 64":                         "",
		".reg .b32 %r<4>":                        `register "%r" is declared twice`,
	} {
		v := open(t, Config{})
		_, err := v.c.Load("m", []byte(program("7.0", "sm_80", 1, frame+line+";")))
		if want == "" {
			require.NoError(t, err, line)
			continue
		}
		require.ErrorIs(t, err, &driver.Error{Code: driver.InvalidPTX}, line)
		require.ErrorContains(t, err, want, line)
		require.ErrorContains(t, err, "line 7: ", line)
	}
	v := open(t, Config{})
	_, err := v.c.Load("m", []byte(program("7.0", "sm_80", 1, "")+".visible .entry k() { ret; }\n"))
	require.ErrorContains(t, err, `function "k" is defined twice`)
}

// Shared memory ends with its last variable, or with its dynamic part: no byte beyond
// is lent.
func TestFault_EndOfSharedMemory(t *testing.T) {
	const store = ".shared .align 4 .b8 s[20]; .reg .b64 %a;\nmov.u64 %a, s;\nst.shared.u32 [%a+"
	for _, c := range []struct {
		offset, want string
		dynamic      int
	}{
		{"16", "", 0},
		{"20", `0 bytes past the end of "s" (20 bytes)`, 0},
		{"20", `0 bytes past the end of "s" (20 bytes)`, 64},
		{"124", `104 bytes past the end of "s" (20 bytes)`, 64},
		{"4096", "beyond the ", 64},
	} {
		v := open(t, Config{})
		m, err := v.c.Load("m", []byte(program("7.0", "sm_80", 1, store+c.offset+"], 1;")))
		require.NoError(t, err)
		err = v.c.Launch(v.function(m, "k"), driver.Grid1(1, 1, c.dynamic, nil), driver.Uint64(0))
		if c.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "out of bounds in kernel k, line 8")
		require.ErrorContains(t, err, c.want)
	}
}
