package ptx

// Type is a PTX fundamental type: what `.f32` in an instruction or a declaration
// stands for.
type Type uint8

// The types. Untyped bits come first, so that a Type's zero value is no type.
const (
	NoType Type = iota
	B8
	B16
	B32
	B64
	B128
	U8
	U16
	U32
	U64
	S8
	S16
	S32
	S64
	F16
	F16x2
	BF16
	BF16x2
	TF32
	F32
	F64
	Pred
)

var typeInfo = [...]struct {
	name  string
	bytes int
}{
	NoType: {"", 0},
	B8:     {"b8", 1}, B16: {"b16", 2}, B32: {"b32", 4}, B64: {"b64", 8}, B128: {"b128", 16},
	U8: {"u8", 1}, U16: {"u16", 2}, U32: {"u32", 4}, U64: {"u64", 8},
	S8: {"s8", 1}, S16: {"s16", 2}, S32: {"s32", 4}, S64: {"s64", 8},
	F16: {"f16", 2}, F16x2: {"f16x2", 4}, BF16: {"bf16", 2}, BF16x2: {"bf16x2", 4},
	TF32: {"tf32", 4}, F32: {"f32", 4}, F64: {"f64", 8}, Pred: {"pred", 1},
}

var typeByName = func() map[string]Type {
	m := make(map[string]Type)
	for t, i := range typeInfo {
		if i.name != "" {
			m[i.name] = Type(t)
		}
	}
	return m
}()

// Bytes is the type's size in memory.
func (t Type) Bytes() int { return typeInfo[t].bytes }

// Bits is the type's width.
func (t Type) Bits() int { return 8 * typeInfo[t].bytes }

func (t Type) String() string { return "." + typeInfo[t].name }

// Signed tells whether t is a signed integer.
func (t Type) Signed() bool { return t >= S8 && t <= S64 }

// Float tells whether t is a floating-point type.
func (t Type) Float() bool { return t >= F16 && t <= F64 }

// Integer tells whether t is a signed or unsigned integer or untyped bits.
func (t Type) Integer() bool { return t >= B8 && t <= S64 }

// mask covers the type's bits in a 64-bit register cell.
func (t Type) mask() uint64 {
	if t.Bits() >= 64 {
		return ^uint64(0)
	}
	return 1<<t.Bits() - 1
}

// extend widens the low bits of v to the 64-bit value they have as a t.
func (t Type) extend(v uint64) uint64 {
	switch t {
	case S8:
		return uint64(int64(int8(v)))
	case S16:
		return uint64(int64(int16(v)))
	case S32:
		return uint64(int64(int32(v)))
	}
	return v & t.mask()
}

// Space is a PTX state space.
type Space uint8

// The state spaces. Generic stands for an address that names its own space.
const (
	Generic Space = iota
	Global
	Shared
	Local
	Const
	Param
	numSpaces
)

var spaceNames = [numSpaces]string{"generic", "global", "shared", "local", "const", "param"}

func (s Space) String() string { return spaceNames[s] }

var spaceByName = map[string]Space{
	"global": Global, "shared": Shared, "shared::cta": Shared, "local": Local,
	"const": Const, "param": Param, "param::entry": Param, "param::func": Param,
}
