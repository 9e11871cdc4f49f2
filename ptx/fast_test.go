package ptx

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The loops for whole warps give what the general execution gives. A row of the test
// harness is a thread, so a guard that leaves out one lane of each warp takes all
// others the general way.
func TestFast_SameAsGeneral(t *testing.T) {
	for _, c := range []struct {
		text  string
		types []Type
	}{
		{"and.b32 %d, %a, %b;", []Type{B32, B32, B32}}, {"and.b64 %d, %a, %b;", []Type{B64, B64, B64}},
		{"or.b32 %d, %a, %b;", []Type{B32, B32, B32}}, {"or.b64 %d, %a, %b;", []Type{B64, B64, B64}},
		{"shl.b32 %d, %a, %b;", []Type{B32, B32, B32}}, {"shl.b64 %d, %a, %b;", []Type{B64, B64, B32}},
		{"shr.u32 %d, %a, %b;", []Type{B32, B32, B32}}, {"shr.b64 %d, %a, %b;", []Type{B64, B64, B32}},
		{"shr.s32 %d, %a, %b;", []Type{B32, B32, B32}},
		{"mul.lo.s32 %d, %a, %b;", []Type{S32, S32, S32}}, {"mul.lo.u64 %d, %a, %b;", []Type{U64, U64, U64}},
		{"mad.lo.s32 %d, %a, %b, %c;", []Type{S32, S32, S32, S32}}, {"mad.hi.s32 %d, %a, %b, %c;", []Type{S32, S32, S32, S32}},
		{"mul.wide.u32 %d, %a, %b;", []Type{U64, U32, U32}}, {"mul.wide.s32 %d, %a, %b;", []Type{S64, S32, S32}}, {"mul.wide.s16 %d, %a, %b;", []Type{S32, S16, S16}},
		{"add.s32 %d, %a, %b;", []Type{S32, S32, S32}}, {"add.s64 %d, %a, %b;", []Type{S64, S64, S64}},
		{"add.f32 %d, %a, %b;", []Type{F32, F32, F32}}, {"mul.f32 %d, %a, %b;", []Type{F32, F32, F32}}, {"fma.rn.f32 %d, %a, %b, %c;", []Type{F32, F32, F32, F32}},
		{"add.f64 %d, %a, %b;", []Type{F64, F64, F64}}, {"mul.f64 %d, %a, %b;", []Type{F64, F64, F64}}, {"fma.rn.f64 %d, %a, %b, %c;", []Type{F64, F64, F64, F64}},
		{"setp.lt.s32 %d, %a, %b;", []Type{Pred, S32, S32}}, {"setp.ge.u32 %d, %a, %b;", []Type{Pred, U32, U32}},
		{"setp.le.s64 %d, %a, %b;", []Type{Pred, S64, S64}}, {"setp.gt.u64 %d, %a, %b;", []Type{Pred, U64, U64}}, {"setp.ne.b32 %d, %a, %b;", []Type{Pred, B32, B32}},
	} {
		var lists [][]uint64
		for _, ty := range c.types[1:] {
			lists = append(lists, valuesOf(ty))
		}
		rows := combinations(640, lists...)
		whole := instruction(t, c.text, c.types, rows)
		clear := "mov.b32 %d, 0;"
		switch c.types[0].Bits() {
		case 64:
			clear = "mov.b64 %d, 0;"
		case 8:
			clear = "mov.pred %d, 0;"
		}
		for _, lane := range []string{"0", "31"} {
			guarded := "{.reg .b32 %l; .reg .pred %g; mov.u32 %l, %laneid; setp.ne.u32 %g, %l, " + lane + "; " + clear + " @%g " + c.text + "}"
			part := instruction(t, guarded, c.types, rows)
			for i := range rows {
				skipped := i%32 == map[string]int{"0": 0, "31": 31}[lane]
				if skipped {
					require.Zero(t, part[i])
					continue
				}
				require.Equal(t, part[i], whole[i], "%s %#x", strings.TrimSpace(c.text), rows[i])
			}
		}
	}
}
