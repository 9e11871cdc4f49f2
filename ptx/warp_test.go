package ptx

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// lanewise runs a body on one warp: %lane is the lane, and %d (b32) is what it gives.
func lanewise(t *testing.T, body string) []uint32 {
	t.Helper()
	got, err := tryLanewise(t, Config{}, 32, body)
	require.NoError(t, err, body)
	return got
}

func tryLanewise(t *testing.T, config Config, threads int, body string) ([]uint32, error) {
	t.Helper()
	v := open(t, config)
	text := program("8.0", "sm_90", 1, `.reg .b32 %lane, %d, %x, %y, %z; .reg .b64 %out, %w; .reg .pred %p, %q; .reg .f32 %f;
mov.u32 %lane, %tid.x;
`+body+`
ld.param.u64 %out, [p0];
mad.wide.u32 %out, %lane, 4, %out;
st.global.u32 [%out], %d;`)
	m, err := v.c.Load("lanewise", []byte(text))
	require.NoError(t, err, body)
	out := v.buffer("out", make([]uint32, threads))
	if err := v.c.Launch(v.function(m, "k"), driver.Grid1(1, threads, 0, nil), driver.PtrArg(out)); err != nil {
		return nil, err
	}
	got := make([]uint32, threads)
	v.read(out, got)
	return got, nil
}

func TestWarp_Shuffles(t *testing.T) {
	for _, c := range []struct {
		text string
		want func(lane int) int // 1000 + lane for a source out of range
	}{
		{"shfl.sync.up.b32 %x|%p, %lane, 3, 0, -1;", func(l int) int {
			if l < 3 {
				return 1000 + l
			}
			return l - 3
		}},
		{"shfl.sync.down.b32 %x|%p, %lane, 5, 31, -1;", func(l int) int {
			if l+5 > 31 {
				return 1000 + l
			}
			return l + 5
		}},
		{"shfl.sync.bfly.b32 %x|%p, %lane, 6, 31, -1;", func(l int) int { return l ^ 6 }},
		{"shfl.sync.idx.b32 %x|%p, %lane, 9, 31, -1;", func(int) int { return 9 }},
		// Segments of eight lanes: c = 0x1800 + 31, or 0x1800 for up.
		{"shfl.sync.idx.b32 %x|%p, %lane, 2, 6175, -1;", func(l int) int { return l&24 + 2 }},
		{"shfl.sync.down.b32 %x|%p, %lane, 3, 6175, -1;", func(l int) int {
			if l&7+3 > 7 {
				return 1000 + l
			}
			return l + 3
		}},
		{"shfl.sync.up.b32 %x|%p, %lane, 3, 6144, -1;", func(l int) int {
			if l&7 < 3 {
				return 1000 + l
			}
			return l - 3
		}},
		{"xor.b32 %y, %lane, 1; shfl.sync.idx.b32 %x|%p, %lane, %y, 31, -1;", func(l int) int { return l ^ 1 }},
	} {
		for l, g := range lanewise(t, c.text+"\nselp.u32 %d, 0, 1000, %p; add.u32 %d, %d, %x;") {
			require.Equal(t, c.want(l), int(g), "%s lane %d", c.text, l)
		}
	}
}

func TestWarp_VotesAndMatches(t *testing.T) {
	for _, c := range []struct {
		text string
		want func(lane int) uint32
	}{
		{"setp.gt.u32 %p, %lane, 7; vote.sync.ballot.b32 %d, %p, -1;", func(int) uint32 { return 0xffffff00 }},
		{"setp.gt.u32 %p, %lane, 7; vote.sync.ballot.b32 %d, !%p, -1;", func(int) uint32 { return 0xff }},
		{"setp.gt.u32 %p, %lane, 7; vote.sync.any.pred %q, %p, -1; selp.u32 %d, 1, 0, %q;", func(int) uint32 { return 1 }},
		{"setp.gt.u32 %p, %lane, 7; vote.sync.all.pred %q, %p, -1; selp.u32 %d, 1, 0, %q;", func(int) uint32 { return 0 }},
		{"setp.gt.u32 %p, %lane, 70; vote.sync.uni.pred %q, %p, -1; selp.u32 %d, 1, 0, %q;", func(int) uint32 { return 1 }},
		{"and.b32 %x, %lane, 3; match.any.sync.b32 %d, %x, -1;", func(l int) uint32 { return 0x11111111 << (l & 3) }},
		{"match.all.sync.b32 %x|%p, 5, -1; selp.u32 %d, %x, 7, %p;", func(int) uint32 { return 0xffffffff }},
		{"match.all.sync.b32 %x|%p, %lane, -1; selp.u32 %d, 9, %x, %p;", func(int) uint32 { return 0 }},
		{"redux.sync.add.u32 %d, %lane, -1;", func(int) uint32 { return 496 }},
		{"sub.s32 %x, %lane, 10; redux.sync.min.s32 %d, %x, -1;", func(int) uint32 { return 0xfffffff6 }},
		{"redux.sync.max.u32 %d, %lane, -1;", func(int) uint32 { return 31 }},
		{"redux.sync.xor.b32 %d, %lane, -1;", func(int) uint32 { return 0 }},
		{"activemask.b32 %d;", func(int) uint32 { return 0xffffffff }},
		{"elect.sync %x|%p, -1; selp.u32 %d, 100, %x, %p;", func(l int) uint32 {
			if l == 0 {
				return 100
			}
			return 0
		}},
		{"mov.u32 %d, %lanemask_lt;", func(l int) uint32 { return 1<<l - 1 }},
		{"mov.u32 %d, %lanemask_ge;", func(l int) uint32 { return ^uint32(1<<l - 1) }},
		{"mov.u32 %d, %lanemask_gt;", func(l int) uint32 { return ^uint32(2<<l - 1) }},
		{"mov.u32 %d, %lanemask_le;", func(l int) uint32 { return 2<<l - 1 }},
		{"mov.u32 %x, %ntid.x; mov.u32 %y, %nctaid.x; mad.lo.u32 %d, %x, 10, %y;", func(int) uint32 { return 321 }},
	} {
		for l, g := range lanewise(t, c.text) {
			require.Equal(t, c.want(l), g, "%s lane %d", c.text, l)
		}
	}
}

// A shuffle by some lanes only: each side of a branch has its own member mask.
func TestWarp_MaskedShuffle(t *testing.T) {
	body := `setp.lt.u32 %p, %lane, 16;
@%p bra LOW;
shfl.sync.bfly.b32 %d, %lane, 1, 31, 0xffff0000;
bra JOIN;
LOW:
shfl.sync.bfly.b32 %d, %lane, 2, 31, 0x0000ffff;
JOIN:
`
	for seed := uint64(0); seed < 8; seed++ {
		got, err := tryLanewise(t, Config{Seed: seed}, 32, body)
		require.NoError(t, err)
		for l, g := range got {
			want := l ^ 1
			if l < 16 {
				want = l ^ 2
			}
			require.Equal(t, uint32(want), g)
		}
	}
}

// Misused warp-wide operations are found.
func TestWarp_DivergentOperations(t *testing.T) {
	for _, c := range []struct {
		body string
		kind Kind
		text string
	}{
		{"setp.lt.u32 %p, %lane, 16; @%p bra LOW; shfl.sync.bfly.b32 %d, %lane, 1, 31, -1; bra JOIN; LOW: shfl.sync.bfly.b32 %d, %lane, 1, 31, -1; JOIN:", DivergentSync, "came here"},
		{"shfl.sync.bfly.b32 %d, %lane, 1, 31, 0xff;", DivergentSync, "not in its own member mask"},
		{"setp.lt.u32 %p, %lane, 16; mov.u32 %d, 0; @!%p bra OUT; shfl.sync.idx.b32 %d, %lane, 20, 31, 0xffff; add.u32 %d, %d, 1; OUT:", Uninitialised, "a source register"},
		{"shl.b32 %x, 3, %lane; or.b32 %x, %x, 0x1; selp.b32 %x, -1, -1, 1; setp.eq.u32 %p, %lane, 3; selp.b32 %x, 0x7fffffff, %x, %p; vote.sync.ballot.b32 %d, %p, %x;", DivergentSync, "another lane has"},
		{"setp.lt.u32 %p, %lane, 16; mov.u32 %d, 0; @%p bar.sync 0;", DivergentBarrier, "without coming to this barrier"},
		{"setp.lt.u32 %p, %lane, 16; mov.u32 %d, 0; @%p bra LOW; bar.sync 0; bra JOIN; LOW: bar.sync 0; JOIN:", DivergentBarrier, "came here"},
	} {
		_, err := tryLanewise(t, Config{}, 32, c.body)
		var f *Fault
		require.ErrorAs(t, err, &f, c.body)
		require.Equal(t, c.kind, f.Kind, "%v", err)
		require.Contains(t, err.Error(), c.text)
	}
}

// Diverged lanes meet again: code after a branch runs once a warp, whatever the
// schedule, apart from the time slices in which paths are shuffled on purpose.
func TestWarp_Reconvergence(t *testing.T) {
	body := "mov.u32 %d, 0; and.b32 %x, %lane, 1; setp.eq.u32 %p, %x, 0;\n@%p bra EVEN;\nadd.u32 %d, %d, 1;\nbra JOIN;\nEVEN:\nadd.u32 %d, %d, 2;\nJOIN:\n"
	for range 200 {
		body += "add.u32 %d, %d, 1;\n"
	}
	total := uint64(0)
	const runs = 16
	for seed := uint64(0); seed < runs; seed++ {
		v := open(t, Config{Seed: seed})
		m, err := v.c.Load("m", []byte(program("7.8", "sm_90", 0, ".reg .b32 %lane, %d, %x; .reg .pred %p;\nmov.u32 %lane, %tid.x;\n"+body)))
		require.NoError(t, err)
		require.NoError(t, v.c.Launch(v.function(m, "k"), driver.Grid1(1, 32, 0, nil)))
		total += v.d.Counters()["k"].Instructions
	}
	require.Less(t, total, uint64(runs*300), "without reconvergence each run takes more than 400")
}

// Loops with different trip counts, nested branches, a branch table and calls, all
// diverging, give each lane its own result.
func TestWarp_Divergence(t *testing.T) {
	for _, c := range []struct {
		body string
		want func(l int) int
	}{
		{`mov.u32 %d, 0; mov.u32 %x, 0;
LOOP: setp.ge.u32 %p, %x, %lane; @%p bra DONE;
and.b32 %y, %x, 1; setp.eq.u32 %q, %y, 1; @%q bra ODD;
add.u32 %d, %d, 10; bra NEXT;
ODD: add.u32 %d, %d, 1;
NEXT: add.u32 %x, %x, 1; bra LOOP;
DONE:`, func(l int) int { return (l+1)/2*10 + l/2 }},
		{`rem.u32 %x, %lane, 4;
T: .branchtargets A, B, C, D;
brx.idx %x, T;
A: mov.u32 %d, 5; bra J;
B: mov.u32 %d, 6; bra J;
C: mov.u32 %d, 7; bra J;
D: mov.u32 %d, 8;
J:`, func(l int) int { return 5 + l%4 }},
		{"mov.u32 %d, 1; setp.gt.u32 %p, %lane, 20; @%p mov.u32 %d, 2; @!%p add.u32 %d, %d, 9;", func(l int) int {
			if l > 20 {
				return 2
			}
			return 10
		}},
	} {
		for seed := uint64(0); seed < 6; seed++ {
			got, err := tryLanewise(t, Config{Seed: seed}, 32, c.body)
			require.NoError(t, err)
			for l, g := range got {
				require.Equal(t, c.want(l), int(g), "lane %d of %s", l, c.body)
			}
		}
	}
}

// Device functions: parameters by value and in memory, calls from diverged code,
// calls of calls, different returns.
func TestWarp_Calls(t *testing.T) {
	text := `.version 7.0
.target sm_80
.address_size 64
.func (.param .b32 r) twice(.param .b32 a)
{
.reg .b32 %x; .reg .pred %p;
ld.param.u32 %x, [a];
setp.gt.u32 %p, %x, 100;
@%p bra BIG;
add.u32 %x, %x, %x;
st.param.b32 [r], %x;
ret;
BIG:
st.param.b32 [r+0], 7;
ret;
}
.func (.param .b32 r) sum(.param .align 8 .b8 v[16])
{
.reg .b32 %x, %y; .reg .b64 %z;
ld.param.b32 %x, [v];
ld.param.b64 %z, [v+8];
cvt.u32.u64 %y, %z;
{
.param .b32 t;
.param .b32 back;
st.param.b32 [t], %y;
call (back), twice, (t);
ld.param.b32 %y, [back];
}
add.u32 %x, %x, %y;
st.param.b32 [r], %x;
}
.visible .entry k(.param .u64 p0)
{
.reg .b32 %lane, %d, %x; .reg .b64 %out, %w; .reg .pred %p;
mov.u32 %lane, %tid.x;
mul.lo.u32 %x, %lane, 10;
cvt.u64.u32 %w, %x;
and.b32 %d, %lane, 1;
setp.eq.u32 %p, %d, 0;
@%p bra EVEN;
{
.param .align 8 .b8 v[16];
.param .b32 back;
st.param.b32 [v+0], %lane;
st.param.b64 [v+8], %w;
call.uni (back), sum, (v);
ld.param.b32 %d, [back+0];
}
bra JOIN;
EVEN:
{
.param .b32 v;
.param .b32 back;
st.param.b32 [v], %x;
call.uni (back), twice, (v);
ld.param.b32 %d, [back];
}
JOIN:
ld.param.u64 %out, [p0];
mad.wide.u32 %out, %lane, 4, %out;
st.global.u32 [%out], %d;
}
`
	for seed := uint64(0); seed < 8; seed++ {
		v := open(t, Config{Seed: seed})
		m, err := v.c.Load("calls", []byte(text))
		require.NoError(t, err)
		out := v.buffer("out", 64*4)
		require.NoError(t, v.c.Launch(v.function(m, "k"), driver.Grid1(1, 64, 0, nil), driver.PtrArg(out)))
		got := make([]uint32, 64)
		v.read(out, got)
		for l, g := range got {
			want := 20 * l
			if 10*l > 100 {
				want = 7
			}
			if l&1 == 1 {
				want += l
			}
			require.Equal(t, want, int(g), "lane %d", l)
		}
	}
}

// Barriers: named ones with thread counts, arrive and sync, and the reductions.
func TestBarrier_Forms(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       func(i int) uint32
	}{
		{"popc", "setp.lt.u32 %p, %lane, 40; bar.red.popc.u32 %d, 0, %p;", func(int) uint32 { return 40 }},
		{"and", "setp.lt.u32 %p, %lane, 40; bar.red.and.pred %q, 0, %p; selp.u32 %d, 1, 0, %q;", func(int) uint32 { return 0 }},
		{"or", "setp.lt.u32 %p, %lane, 40; bar.red.or.pred %q, 1, 64, !%p; selp.u32 %d, 1, 0, %q;", func(int) uint32 { return 1 }},
		// Warp 0 produces, warp 1 consumes.
		{"arrive", `.shared .align 4 .b32 s[32];
and.b32 %x, %lane, 31; shl.b32 %x, %x, 2; mov.u32 %y, s; add.u32 %x, %x, %y; mov.u32 %d, 0;
setp.lt.u32 %p, %lane, 32; @!%p bra CONSUMER;
st.shared.u32 [%x], %lane; bar.arrive 3, 64; bra JOIN;
CONSUMER: bar.sync 3, 64; ld.shared.u32 %d, [%x];
JOIN:`, func(i int) uint32 {
			if i < 32 {
				return 0
			}
			return uint32(i - 32)
		}},
		// Each warp has a barrier of its own.
		{"own", `.shared .align 4 .b32 s[64];
shr.u32 %z, %lane, 5; shl.b32 %x, %lane, 2; mov.u32 %y, s; add.u32 %x, %x, %y;
st.shared.u32 [%x], %lane; bar.sync %z, 32; xor.b32 %x, %x, 4; ld.shared.u32 %d, [%x];`, func(i int) uint32 { return uint32(i ^ 1) }},
		{"warp", `.shared .align 4 .b32 s[64];
shl.b32 %x, %lane, 2; mov.u32 %y, s; add.u32 %x, %x, %y;
st.shared.u32 [%x], %lane; bar.warp.sync -1; xor.b32 %x, %x, 4; ld.shared.u32 %d, [%x];
bar.warp.sync -1; st.shared.u32 [%x], %d; bar.warp.sync -1; ld.shared.u32 %d, [%x];`, func(i int) uint32 { return uint32(i ^ 1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := uint64(0); seed < 16; seed++ {
				got, err := tryLanewise(t, Config{Seed: seed}, 64, c.body)
				require.NoError(t, err)
				for i, g := range got {
					require.Equal(t, c.want(i), g, "thread %d", i)
				}
			}
		})
	}
}

// Atomics of every operation, in global and shared memory, each thread once: the sum
// of the operations is right whatever their order.
func TestAtomic_Operations(t *testing.T) {
	for _, c := range []struct {
		op, ty      string
		start, want uint64
	}{
		{"add", "u32", 5, 5 + 2016}, {"add", "u64", 5, 5 + 2016}, {"add", "s32", 0xffffffff, 2015},
		{"min", "s32", 0xfffffff0, 0xfffffff0}, {"min", "u32", 0xfffffff0, 0}, {"max", "s32", 0xfffffff0, 63},
		{"max", "u64", 9, 63}, {"min", "s64", 9, 0}, {"and", "b32", 0xff, 0}, {"or", "b32", 0x100, 0x13f},
		{"xor", "b64", 0, 0}, {"inc", "u32", 0, 0}, {"dec", "u32", 0, 0},
		{"add", "f32", uint64(0x3f800000), bits32(2017)}, {"add", "f64", 0x3ff0000000000000, bits64(2017)},
		{"exch", "b32", 77, 77},
	} {
		for _, space := range []string{"global", "shared"} {
			width := typeByName[c.ty].Bits()
			load := fmt.Sprintf("cvt.u%d.u32 %%v, %%t;", width)
			switch c.ty {
			case "f32", "f64":
				load = fmt.Sprintf("cvt.rn.%s.u32 %%v, %%t;", c.ty)
			}
			if c.op == "inc" || c.op == "dec" {
				load = "mov.u32 %v, 63;" // 64 steps around a ring of 64
			}
			prologue, epilogue := "mov.u64 %a, %g;", ""
			if space == "shared" {
				prologue = fmt.Sprintf("mov.u64 %%a, s; setp.ne.u32 %%p, %%t, 0; @!%%p ld.global.b%d %%o, [%%g]; @!%%p st.shared.b%d [%%a], %%o; bar.sync 0;", width, width)
				epilogue = fmt.Sprintf("bar.sync 0; @!%%p ld.shared.b%d %%o, [%%a]; @!%%p st.global.b%d [%%g], %%o;", width, width)
			}
			op := fmt.Sprintf("atom.%s.%s.%s %%o, [%%a], %%v;", space, c.op, c.ty)
			if c.op == "exch" { // put back what was there
				op += fmt.Sprintf("bar.sync 0; setp.eq.u32 %%q, %%o, 77; @%%q atom.%s.exch.b32 %%o, [%%a], 77;", space)
			}
			text := program("7.8", "sm_90", 1, fmt.Sprintf(".shared .align 8 .b64 s[1]; .reg .b64 %%a, %%g; .reg .b32 %%t; .reg .b%d %%v, %%o; .reg .pred %%p, %%q;\nld.param.u64 %%g, [p0]; mov.u32 %%t, %%tid.x;\n%s\n%s\n%s\n%s", width, prologue, load, op, epilogue))
			v := open(t, Config{Seed: 3})
			m, err := v.c.Load("atomics", []byte(text))
			require.NoError(t, err, text)
			cell := v.buffer("cell", []uint64{c.start})
			require.NoError(t, v.c.Launch(v.function(m, "k"), driver.Grid1(1, 64, 0, nil), driver.PtrArg(cell)), text)
			got := make([]uint64, 1)
			v.read(cell, got)
			require.Equal(t, c.want, got[0], "%s.%s %s: got %#x", c.op, c.ty, space, got[0])
		}
	}
}

// Global float32 atomics flush subnormals, shared ones do not (PTX ISA, atom).
func TestAtomic_Subnormals(t *testing.T) {
	text := program("7.8", "sm_90", 1, `.shared .align 4 .b32 s; .reg .b64 %g; .reg .b32 %a; .reg .f32 %o;
ld.param.u64 %g, [p0];
mov.u32 %a, s;
st.shared.u32 [%a], 0;
atom.shared.add.f32 %o, [%a], 0f00000001;
ld.shared.f32 %o, [%a];
st.global.f32 [%g+4], %o;
red.global.add.f32 [%g], 0f00000001;`)
	v := open(t, Config{})
	m, err := v.c.Load("m", []byte(text))
	require.NoError(t, err)
	out := v.buffer("out", make([]uint32, 2))
	require.NoError(t, v.c.Launch(v.function(m, "k"), driver.Grid1(1, 1, 0, nil), driver.PtrArg(out)))
	got := make([]uint32, 2)
	v.read(out, got)
	require.Equal(t, []uint32{0, 1}, got)
}

func TestAtomic_CompareAndSwap(t *testing.T) {
	got := lanewise(t, `.shared .align 4 .b32 s;
mov.u32 %x, s; setp.eq.u32 %p, %lane, 0; @%p st.shared.u32 [%x], 0; bar.warp.sync -1;
add.u32 %y, %lane, 1;
LOOP: atom.shared.cas.b32 %z, [%x], %lane, %y; setp.ne.u32 %p, %z, %lane; @%p bra LOOP;
ld.volatile.shared.u32 %d, [%x]; max.u32 %d, %d, %y;`)
	// Each lane waits for its turn, so each adds one.
	require.Len(t, got, 32)
	for l, g := range got {
		require.GreaterOrEqual(t, g, uint32(l+1))
		require.LessOrEqual(t, g, uint32(32))
	}
	require.Equal(t, uint32(32), got[31])
}
