package ptx

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// What the emulator does not know is an error when the module is loaded, with the
// line, even in a kernel or a branch that would never run.
func TestLoad_Errors(t *testing.T) {
	body := func(lines string) string { return program("7.0", "sm_80", 1, lines) }
	for _, c := range []struct{ text, want string }{
		{"", "line 1: no .version directive"},
		{".version 7.0\n", "line 2: no .target directive"},
		{".version seven\n", `line 1: bad version "seven"`},
		{".version 7.0\n.target volta\n", `line 2: bad target "volta"`},
		{".version 7.0\n.target sm_80\n.address_size 32\n", "address size 32: only 64 is supported"},
		{".version 7.0\n.target sm_80\nhello\n", `line 3: expected a directive, found "hello"`},
		{".version 7.0\n.target sm_80\n.texref t;\n", `line 3: unknown directive ".texref"`},
		{".version 7.0\n.target sm_80\n/* no end", "line 3: comment without an end"},
		{".version 7.0\n.target sm_80\n#\n", `line 3: unexpected character '#'`},
		{body("frobnicate.f32 %x;"), `line 6: "%x" is not a declared or special register`},
		{body(".reg .f32 %x;\nfrobnicate.f32 %x;"), "line 7: unknown instruction frobnicate.f32"},
		{body(".reg .f32 %x;\nadd.rq.f32 %x, %x, %x;"), "line 7: unknown modifier .rq of add.rq.f32"},
		{body(".reg .f32 %x;\nadd.f32 %x, %x;"), "line 7: add.f32 has 2 operands"},
		{body(".reg .f32 %x;\nadd %x, %x, %x;"), "line 7: add has no type"},
		{body(".reg .f32 %x; .reg .f64 %y;\nadd.f32 %x, %x, %y;"), "line 7: 64-bit register where add.f32 wants .f32"},
		{body(".reg .f32 %x; .reg .pred %p;\nadd.f32 %x, %x, %p;"), "line 7: predicate operand"},
		{body(".reg .f32 %x;\nsetp.eq.f32 %x, %x, %x;"), "line 7: setp.eq.f32 gives a predicate"},
		{body(".reg .f32 %x;\n@%x bra A;\nA:"), `line 7: guard "%x" is not a declared predicate`},
		{body("bra NOWHERE;"), `line 6: label "NOWHERE" is not set`},
		{body("A:\nA:"), `label "A" is set twice`},
		{body(".reg .b64 %a;\nmov.u64 %a, nothing;"), `line 7: "nothing" is not declared`},
		{body(".reg .b32 %a;\nld.global.u32 %a, [p0];"), `"p0" is in param memory, not in global`},
		{body(".reg .b32 %a;\nst.param.u32 [p0], %a;"), "cannot be written"},
		{body(".reg .b32 %a;\nmov.u32 %a, %tid.w;"), `"%tid.w" is not a declared or special register`},
		{body("call missing;"), `call of "missing", which this module does not define`},
		{body(".reg .b32 %a;\nld.global.v2.u32 {%a, %a, %a}, [%a];"), "3 registers for 2 elements"},
		{body(".reg .b32 %a;\nvote.ballot.b32 %a, 1;"), "without .sync"},
		{body("barrier.cluster.arrive;"), "clusters are not supported"},
		{body(".reg .b32 %a;\nadd.u32 %a, %a, 1"), `expected , or ; after an operand of add.u32, found "ret"`},
		{body("{"), "has no end"},
		{".version 7.0\n.target sm_75\n.visible .entry k() {\n.reg .b32 %a;\nredux.sync.add.u32 %a, %a, -1;\n}", "line 5: redux.sync.add.u32 needs sm_80 and PTX 7.0"},
		{".version 6.4\n.target sm_75\n.visible .entry k(.param .u64 p) {\n.reg .b32 %a;\nld.param.L1::no_allocate.u32 %a, [p];\n}", "needs sm_70 and PTX 7.4"},
		{body(".reg .b32 %a;\ncvt.sat.s32.s16 %a, 5;"), "unsupported conversion cvt.sat.s32.s16"},
		{".version 7.0\n.target sm_80\n.func f() {\ncall f;\n}\n.visible .entry k() {\ncall f;\n}", `function "f" calls itself`},
		{".version 7.0\n.target sm_80\n.global .u64 p = nowhere;\n", `"nowhere" is not a global variable`},
	} {
		v := open(t, Config{})
		_, err := v.c.Load("m", []byte(c.text))
		require.ErrorIs(t, err, &driver.Error{Code: driver.InvalidPTX}, c.text)
		require.Contains(t, err.Error(), c.want)
		require.NotContains(t, err.Error(), "\n")
		require.Zero(t, v.d.contexts[0].memory.used())
	}
}

// Version and target are held against the driver and the device.
func TestLoad_VersionAndTarget(t *testing.T) {
	for _, c := range []struct {
		version, target string
		cuda            int
		major, minor    int
		code            driver.Code
	}{
		{"8.4", "sm_90", 12040, 9, 0, 0},
		{"8.5", "sm_90", 12040, 9, 0, driver.UnsupportedPTXVersion},
		{"7.8", "sm_90", 11080, 9, 0, 0},
		{"8.0", "sm_90", 11080, 9, 0, driver.UnsupportedPTXVersion},
		{"6.4", "sm_75", 10020, 7, 5, 0},
		{"7.0", "sm_75", 10020, 7, 5, driver.UnsupportedPTXVersion},
		{"7.0", "sm_80", 12040, 7, 5, noBinaryForGPU},
		{"7.0", "sm_80", 12040, 8, 6, 0},
		{"9.1", "sm_90", 13010, 12, 0, 0},
	} {
		v := open(t, Config{Version: c.cuda, Major: c.major, Minor: c.minor})
		_, err := v.c.Load("m", []byte(program(c.version, c.target, 0, "")))
		if c.code == 0 {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, &driver.Error{Code: c.code})
	}
}

// Names in inner braces hide those outside; labels belong to their braces, so that
// inline assembly may repeat them.
func TestParse_Scopes(t *testing.T) {
	got := lanewise(t, `mov.u32 %d, 1;
{ .reg .b32 %d; mov.u32 %d, 5; }
{ .reg .pred %p; setp.eq.u32 %p, %d, 1; @%p bra DONE; mov.u32 %d, 9; DONE: }
{ .reg .pred %p; setp.eq.u32 %p, %d, 2; @%p bra DONE; add.u32 %d, %d, 2; DONE: add.u32 %d, %d, 10; }
`)
	require.Equal(t, uint32(13), got[0])
}

// Constants in every notation, and module variables with initialisers and addresses.
func TestParse_Constants(t *testing.T) {
	text := `//
.version 7.0
.target sm_80, debug
.address_size 64
.file 1 "x.cu"
.const .align 4 .b32 table[4] = {0x10, 020, 0b101, -1};
.global .align 8 .u64 pointer = table+4;
.global .align 8 .u64 both[2] = {generic(table), 7};
.global .f32 numbers[3] = {1.5, 0f40000000};
.section .debug_str { .b8 1, 2, 3 }
.visible .entry k(.param .u64 .ptr .global .align 4 p0) .maxntid 64, 1, 1 .minnctapersm 2
{
	.loc 1 1 1
	.reg .b32 %r<3>; .reg .b64 %rd<9>; .reg .f32 %f<2>; .reg .f64 %fd<2>;
	ld.param.u64 %rd1, [p0];
	ld.const.u32 %r1, [table+12];
	st.global.u32 [%rd1], %r1;
	ld.global.u64 %rd2, [pointer];
	ld.u32 %r1, [%rd2];
	st.global.u32 [%rd1+4], %r1;
	ld.global.u64 %rd2, [both];
	ld.u32 %r1, [%rd2+8];
	st.global.u32 [%rd1+8], %r1;
	mov.u64 %rd3, numbers+4;
	ld.global.f32 %f1, [%rd3+-4];
	st.global.f32 [%rd1+12], %f1;
	ld.global.f32 %f1, [numbers+8];
	st.global.f32 [%rd1+16], %f1;
	add.f64 %fd1, 0d3FF0000000000000, 0.5;
	st.global.f64 [%rd1+24], %fd1;
	add.f32 %f1, 0f3F800000, -2.5;
	st.global.f32 [%rd1+20], %f1;
	st.global.u32 [%rd1+32], WARP_SZ;
	st.global.u32 [%rd1+36], 42U;
	ret;
}
`
	v := open(t, Config{})
	m, err := v.c.Load("constants", []byte(text))
	require.NoError(t, err)
	out := v.buffer("out", 40)
	require.NoError(t, v.c.Launch(v.function(m, "k"), driver.Grid1(1, 1, 0, nil), driver.PtrArg(out)))
	got := make([]uint32, 10)
	v.read(out, got)
	require.Equal(t, []uint32{0xffffffff, 16, 5, 0x3fc00000, 0, 0xbfc00000, 0, 0x3ff80000, 32, 42}, got)
	f, err := v.function(m, "k").Attributes()
	require.NoError(t, err)
	require.Equal(t, 64, f.MaxThreads)
	require.NoError(t, m.Unload())
	require.Equal(t, int64(40), v.d.contexts[0].memory.used(), "the variables are gone, out is there")

	_, err = v.c.Load("m", []byte(strings.Replace(text, "ld.const.u32 %r1, [table+12];", "st.const.u32 [table], %r1;", 1)))
	require.ErrorContains(t, err, "cannot be written")
}
