package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// machine is an instruction set and a number format. Its methods write one
// instruction in the order of the formula, destination first; the last operand may
// be in memory. Products and sums stay two instructions, so that every machine and
// the Go twins round alike.
type machine struct {
	set    string // "AVX512" or "AVX2"
	format string // "32", "64": float32 and float64
}

func (m machine) wide() bool { return m.set == "AVX512" }

// width is the size of a register in bytes.
func (m machine) width() int {
	if m.wide() {
		return 64
	}
	return 32
}

// size is the size of a number in bytes.
func (m machine) size() int {
	if m.format == "64" {
		return 8
	}
	return 4
}

// lanes is how many numbers a register holds.
func (m machine) lanes() int { return m.width() / m.size() }

// scalar is the Go type of a number.
func (m machine) scalar() string { return "float" + m.format }

func (m machine) name(kernel string) string { return kernel + m.format + m.set }

// text opens a function; params use T for the number type and may end in results.
func (m machine) text(kernel, params, doc string) {
	signature := ""
	for _, c := range params {
		if c == 'T' {
			signature += m.scalar()
		} else {
			signature += string(c)
		}
	}
	if !strings.Contains(params, ")") {
		signature += ")"
	}
	TEXT(m.name(kernel), NOSPLIT, "func("+signature)
	Doc(m.name(kernel)+" "+doc, "")
	Pragma("noescape")
}

func (m machine) vec() reg.VecVirtual {
	if m.wide() {
		return ZMM()
	}
	return YMM()
}

func (m machine) vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for i := range v {
		v[i] = m.vec()
	}
	return v
}

type instruction = func(...Op)

// pick is the float32 or the float64 form of an instruction.
func (m machine) pick(ps, pd instruction) instruction {
	if m.format == "64" {
		return pd
	}
	return ps
}

func (m machine) add(d, a, b Op) { m.pick(VADDPS, VADDPD)(b, a, d) }
func (m machine) sub(d, a, b Op) { m.pick(VSUBPS, VSUBPD)(b, a, d) }
func (m machine) mul(d, a, b Op) { m.pick(VMULPS, VMULPD)(b, a, d) }
func (m machine) div(d, a, b Op) { m.pick(VDIVPS, VDIVPD)(b, a, d) }
func (m machine) xor(d, a, b Op) { m.pick(VXORPS, VXORPD)(b, a, d) }
func (m machine) or(d, a, b Op)  { m.pick(VORPS, VORPD)(b, a, d) }
func (m machine) and(d, a, b Op) { m.pick(VANDPS, VANDPD)(b, a, d) }

// max and min give b where a or b is not a number.
func (m machine) max(d, a, b Op) { m.pick(VMAXPS, VMAXPD)(b, a, d) }
func (m machine) min(d, a, b Op) { m.pick(VMINPS, VMINPD)(b, a, d) }

// fma is d += a b in one rounding.
func (m machine) fma(d, a, b Op) { m.pick(VFMADD231PS, VFMADD231PD)(b, a, d) }

// fnma is d -= a b in one rounding.
func (m machine) fnma(d, a, b Op) { m.pick(VFNMADD231PS, VFNMADD231PD)(b, a, d) }

// move copies between register and memory, whatever the alignment.
func (m machine) move(d, s Op) { m.pick(VMOVUPS, VMOVUPD)(s, d) }

func (m machine) broadcast(d, s Op) { m.pick(VBROADCASTSS, VBROADCASTSD)(s, d) }

func (m machine) zero(d reg.VecVirtual) { m.xor(d, d, d) }

// mask chooses the first numbers of a register: a mask register, or a vector whose
// chosen lanes have the top bit set.
type mask struct {
	k reg.OpmaskVirtual
	v reg.VecVirtual
}

// masks returns the masks of consecutive registers of which the first count numbers
// are wanted in all. count is destroyed.
func (m machine) masks(count reg.GPVirtual, registers int) []mask {
	return m.masksFrom(m.maskTable(count), registers)
}

// maskTable is where masksFrom reads the masks of the first count numbers. count is
// destroyed.
func (m machine) maskTable(count reg.GPVirtual) reg.GPVirtual {
	table := GP64()
	LEAQ(firsts(), table)
	SHLQ(U8(log2(m.size())), count)
	SUBQ(count, table)
	return table
}

func (m machine) masksFrom(table reg.GPVirtual, registers int) []mask {
	list := make([]mask, registers)
	for i := range list {
		v := m.vec()
		at := Mem{Base: table, Disp: maxMasked + i*m.width()}
		if m.wide() {
			VMOVDQU32(at, v)
			list[i].k = K()
			if m.format == "64" {
				VPMOVQ2M(v, list[i].k)
			} else {
				VPMOVD2M(v, list[i].k)
			}
		} else {
			VMOVDQU(at, v)
			list[i].v = v
		}
	}
	return list
}

// maxMasked is the largest number of bytes that masks can choose.
const maxMasked = 64

var firstsTable *Mem

// firsts is maxMasked bytes of ones, then as many of zeros: read at maxMasked - n
// bytes it is a mask of n bytes.
func firsts() Mem {
	if firstsTable == nil {
		t := GLOBL("firsts", RODATA|NOPTR)
		for i := 0; i < maxMasked; i += 8 {
			DATA(i, U64(1<<64-1))
		}
		for i := maxMasked; i < 2*maxMasked; i += 8 {
			DATA(i, U64(0))
		}
		firstsTable = &t
	}
	return *firstsTable
}

// load reads the chosen numbers, zeros elsewhere, and touches no other memory.
func (m machine) load(d Op, at Mem, k mask) {
	if m.wide() {
		if m.format == "64" {
			VMOVUPD_Z(at, k.k, d)
		} else {
			VMOVUPS_Z(at, k.k, d)
		}
		return
	}
	if m.format == "64" {
		VMASKMOVPD(at, k.v, d)
	} else {
		VMASKMOVPS(at, k.v, d)
	}
}

// store writes the chosen numbers and touches no other memory.
func (m machine) store(at Mem, s reg.VecVirtual, k mask) {
	switch {
	case m.wide():
		m.pick(VMOVUPS, VMOVUPD)(s, k.k, at)
	case m.format == "64":
		VMASKMOVPD(s, k.v, at)
	default:
		VMASKMOVPS(s, k.v, at)
	}
}

// done ends a function.
func done() {
	VZEROUPPER()
	RET()
}

// loop writes body and repeats it as long as counter, lowered by step after each
// round, is at least step; it is skipped where counter starts below.
func loop(label string, counter reg.GPVirtual, step int, body func()) {
	CMPQ(counter, I32(step))
	JL(LabelRef(label + "_end"))
	Label(label)
	body()
	SUBQ(I32(step), counter)
	CMPQ(counter, I32(step))
	JGE(LabelRef(label))
	Label(label + "_end")
}

func log2(n int) uint64 {
	for i := uint64(0); ; i++ {
		if 1<<i == n {
			return i
		}
	}
}

func param(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

func copyOf(r reg.GPVirtual) reg.GPVirtual {
	c := GP64()
	MOVQ(r, c)
	return c
}

func label(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// address is where a parameter lies.
func address(name string) Mem {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}
