package ptx

import "fmt"

// A parsed PTX file. Parse builds it; load (load.go) decodes its functions into
// executable form.
type source struct {
	major, minor int    // .version
	target       string // first word of .target: sm_80
	arch         int    // 80
	vars         []*variable
	funcs        []*function
	scope        *scope
}

// variable is a declared piece of memory in some state space, or a parameter.
type variable struct {
	name   string
	space  Space
	typ    Type
	align  int
	bytes  int
	unsize bool // extern .shared x[]: dynamic shared memory
	init   []byte
	relocs []relocation
	line   int

	offset int // within the function's local, param or shared area, set by layout
	addr   uint64
}

// relocation asks for the address of a variable inside another's initialiser.
type relocation struct {
	offset, size int
	symbol       string
	addend       int64
	line         int
}

// function is an .entry or .func, its registers and its statements.
type function struct {
	name    string
	entry   bool
	declare bool // a declaration without a body
	line    int
	params  []*variable
	retVars []*variable
	vars    []*variable // .local, .shared and .param of the body
	regs    []Type      // by register number of the function
	body    []statement
	lists   map[string][]string // .branchtargets
	maxTID  int                 // .maxntid or .reqntid product, 0: not given
	reqTID  [3]int
	scope   *scope
}

// statement is one instruction as written.
type statement struct {
	line     int
	guard    int // predicate register, -1: none
	guardNot bool
	op       string
	mods     []string
	args     []operand
}

func (s *statement) String() string {
	t := s.op
	for _, m := range s.mods {
		t += "." + m
	}
	return t
}

// operandKind tells what an operand is.
type operandKind uint8

const (
	opReg     operandKind = iota // %r1, !%p1, %p1|%p2
	opImm                        // 42, 0f3F800000
	opSpecial                    // %tid.x
	opSym                        // a variable, label or function
	opAddr                       // [reg+imm], [sym+imm], [imm]
	opVec                        // {a, b}
	opList                       // (a, b)
	opSink                       // _
)

// operand is one argument of a statement.
type operand struct {
	kind   operandKind
	reg    int // register number, -1: none
	pair   int // second of a destination pair, -1: none
	not    bool
	float  bool // the immediate was written as a float ...
	single bool // ... in single precision bits
	imm    uint64
	sym    string // also the name of a special register, with its component
	scope  *scope
	elems  []operand
}

// scope is a nest of braces: its names hide those outside.
type scope struct {
	parent *scope
	vars   map[string]*variable
	regs   map[string]int
	banks  map[string]registerBank
	labels map[string]int
}

// registerBank is `.reg .f32 %f<10>`.
type registerBank struct {
	typ   Type
	count int
}

func newScope(parent *scope) *scope {
	return &scope{parent, map[string]*variable{}, map[string]int{}, map[string]registerBank{}, map[string]int{}}
}

func (s *scope) variable(name string) *variable {
	for ; s != nil; s = s.parent {
		if v := s.vars[name]; v != nil {
			return v
		}
	}
	return nil
}

func (s *scope) label(name string) (int, bool) {
	for ; s != nil; s = s.parent {
		if at, ok := s.labels[name]; ok {
			return at, true
		}
	}
	return 0, false
}

// register finds a declared register and gives it a number in f when it is first
// used, so that `.reg .b32 %r<10000>` costs nothing.
func (s *scope) register(f *function, name string) (int, bool) {
	digits := len(name)
	for digits > 0 && name[digits-1] >= '0' && name[digits-1] <= '9' {
		digits--
	}
	number := -1
	if digits < len(name) && len(name)-digits < 9 {
		fmt.Sscanf(name[digits:], "%d", &number)
	}
	for ; s != nil; s = s.parent {
		if n, ok := s.regs[name]; ok {
			return n, true
		}
		if b, ok := s.banks[name[:digits]]; ok && number >= 0 && number < b.count {
			n := len(f.regs)
			f.regs = append(f.regs, b.typ)
			s.regs[name] = n
			return n, true
		}
	}
	return 0, false
}
