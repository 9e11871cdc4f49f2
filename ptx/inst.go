package ptx

// lanes is one virtual register of a warp: a 64-bit cell for each of 32 threads,
// the value in its low bits and zeros above.
type lanes [32]uint64

// inst is one decoded instruction. Operands are slots of the warp's register file;
// constants and special registers have slots of their own, so an instruction
// never asks what kind of operand it has.
type inst struct {
	// run executes it for the lanes m and returns those whose destinations are now
	// defined: m, but for warp-wide operations that wait or are joined by others.
	run   func(w *warp, in *inst, m uint32) uint32
	guard int32 // predicate slot, -1: none
	not   bool  // of the guard
	line  int32

	d, a, b, c int32 // register slots
	p, q       int32 // predicate slots, -1: none
	pa, pb     int32 // predicate sources
	target     int   // of a branch or call
	imm        int64
	f1         func(a uint64) uint64
	f2         func(a, b uint64) uint64
	f3         func(a, b, c uint64) uint64
	cmp        func(a, b uint64) bool
	mem        *memOp
	regs       []int32 // of instructions with many operands, as mma
	dsts       []int32

	reads, preads   []int32 // slots that must be defined
	writes, pwrites []int32 // slots that are defined afterwards
	text            string  // as written, for messages
}

// kernel is an entry, decoded: its code with that of all functions it calls, which
// stand before their callers (see warp.reconverge for why).
type kernel struct {
	name   string
	source *function
	code   []inst
	entry  int

	numRegs, numPreds int
	consts            []constant
	pconsts           []pconstant
	specials          []special

	params     []*variable
	paramBytes int
	shared     []*variable
	sharedSize int // with red zones: what the emulator reserves
	sharedReal int // without: what the hardware would
	dynamic    int // offset of dynamic shared memory
	localSize  int // a thread
	fences     bool
	registers  int // estimate for FunctionAttributes

	maxDynamic int // set by SetMaxDynamicShared

	spare      []*block // of earlier launches, their registers allocated
	spareShape [2]int   // threads and dynamic shared memory of those
}

type constant struct {
	slot  int32
	value uint64
}

type pconstant struct {
	slot  int32
	value bool
}

type special struct {
	slot int32
	name string
}
