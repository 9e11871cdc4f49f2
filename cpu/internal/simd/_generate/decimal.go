package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// ends finds where cells end: 64 bytes become 64 bits, whose ones are written as positions,
// 8 at a time whether there are so many or not, so that there is little to foretell.
func ends(m machine) {
	TEXT(m.name("ends"), NOSPLIT, "func(positions *uint32, x *byte, n int, first uint32, delimiter byte) int")
	Doc(m.name("ends")+" writes first + i for every x[i] that is the delimiter or a newline, for n bytes, a multiple of 64, and returns how many those are. Up to 15 numbers behind them are overwritten.", "")
	Pragma("noescape")
	start, x, n := param("positions"), param("x"), param("n")
	first := Load(Param("first"), GP32()).(reg.GPVirtual)
	to := copyOf(start)
	delimiter, newline := m.vec(), m.vec()
	VPBROADCASTB(address("delimiter"), delimiter)
	ten := GP32()
	MOVL(U32('\n'), ten)
	VMOVD(ten, newline.AsX())
	VPBROADCASTB(newline.AsX(), newline)
	a, b, c := m.vec(), m.vec(), m.vec()
	low, bits, count := GP64(), GP64(), GP64()
	at := GP32()
	loop("words", n, 64, func() {
		for i, mask := range []reg.GPVirtual{low, bits} {
			VMOVDQU(Mem{Base: x, Disp: 32 * i}, a)
			VPCMPEQB(a, delimiter, b)
			VPCMPEQB(a, newline, c)
			VPOR(b, c, b)
			VPMOVMSKB(b, mask.As32())
		}
		SHLQ(U8(32), bits)
		ORQ(low, bits)
		POPCNTQ(bits, count)
		p := copyOf(to)
		LEAQ(Mem{Base: to, Index: count, Scale: 4}, to)
		Label("eight")
		for i := range 8 {
			TZCNTQ(bits, low)
			LEAL(Mem{Base: low, Index: first, Scale: 1}, at)
			MOVL(at, Mem{Base: p, Disp: 4 * i})
			BLSRQ(bits, bits)
		}
		ADDQ(I32(32), p)
		TESTQ(bits, bits)
		JNE(LabelRef("eight"))
		ADDQ(I32(64), x)
		ADDL(I32(64), first)
	})
	SUBQ(start, to)
	SHRQ(U8(2), to)
	Store(to, ReturnIndex(0))
	done()
}

// parse turns cells of at most 16 bytes into numbers, each by the same few instructions
// whatever its digits: the 16 bytes that end with the cell are taken, what is before it
// becomes zeros, the digits before the point move over it, and pairs of neighbours are
// joined to 2, 4, 8 and 16 digits. A cell starts where the one before it ended, which is
// known beforehand: cells need not wait for each other.
func parse(m machine) {
	TEXT(m.name("parse"), NOSPLIT, "func(numbers *"+m.scalar()+", text *byte, start int, ends *uint32, n int, delimiter, last byte, tables *byte) int")
	Doc(m.name("parse")+" reads the n cells of which the first starts at text[start] and each ends at text[ends[i]], with the delimiter, the last of them with last. It returns how many it read: fewer where one is no decimal number of at most 16 bytes after its sign, ends otherwise, or within the first 16 bytes of the text.", "")
	Pragma("noescape")
	numbers, text, start, ends, n, tables := param("numbers"), param("text"), param("start"), param("ends"), param("n"), param("tables")
	delimiter, last := GP64(), GP64()
	Load(Param("delimiter"), delimiter.As8())
	Load(Param("last"), last.As8())
	first := copyOf(ends)
	// The tables: see decimal.go.
	table := func(at int) Mem { return Mem{Base: tables, Disp: at} }
	nines, zeros, points, tens, hundreds, myriads := XMM(), XMM(), XMM(), XMM(), XMM(), XMM()
	for i, c := range []reg.VecVirtual{zeros, points, nines, tens, hundreds, myriads} {
		VMOVDQU(table(16*i), c)
	}
	const keep, move, power = 16 * 6, 16 * (6 + 17), 16 * (6 + 2*17)

	end, length, minus, bits, back, t := GP64(), GP64(), GP64(), GP64(), GP64(), GP64()
	v, w := XMM(), XMM()
	TESTQ(n, n)
	JE(LabelRef("stop"))
	Label("cell")
	MOVL(Mem{Base: ends}, end.As32())
	CMPQ(n, I8(1))
	CMOVQEQ(last, delimiter)
	CMPB(delimiter.As8(), Mem{Base: text, Index: end, Scale: 1})
	JNE(LabelRef("stop"))
	XORL(minus.As32(), minus.As32())
	CMPB(Mem{Base: text, Index: start, Scale: 1}, I8('-'))
	SETEQ(minus.As8())
	MOVQ(end, length)
	SUBQ(start, length)
	SUBQ(minus, length)
	LEAQ(Mem{Base: length, Disp: -1}, t)
	CMPQ(t, I8(15))
	JHI(LabelRef("stop"))
	CMPQ(end, I8(16))
	JCS(LabelRef("stop"))

	VMOVDQU(Mem{Base: text, Index: end, Scale: 1, Disp: -16}, v)
	VPCMPEQB(v, points, w)
	VPMOVMSKB(w, bits.As32())
	VPSUBB(zeros, v, v)
	// back is how far from the end the point is, 0 without one.
	MOVL(U32(16), back.As32())
	SUBL(length.As32(), back.As32())
	SHRXQ(back, bits, bits)
	BTSQ(length, bits)
	TZCNTQ(bits, bits)
	MOVQ(length, back)
	SUBQ(bits, back)
	LEAQ(Mem{Base: back, Disp: -1}, bits)
	ORQ(t, bits)
	JE(LabelRef("stop")) // a point alone
	SHLQ(U8(4), length)
	VPAND(Mem{Base: tables, Index: length, Scale: 1, Disp: keep}, v, v)
	MOVQ(back, t)
	SHLQ(U8(4), t)
	VPSHUFB(Mem{Base: tables, Index: t, Scale: 1, Disp: move}, v, v)
	VPSUBUSB(nines, v, w)
	VPTEST(w, w)
	JNE(LabelRef("stop")) // something else than digits
	VPMADDUBSW(tens, v, v)
	VPMADDWD(hundreds, v, v)
	VPACKUSDW(v, v, v)
	VPMADDWD(myriads, v, v)
	VMOVQ(v, bits)
	MOVL(bits.As32(), t.As32())
	IMUL3Q(I32(100_000_000), t, t)
	SHRQ(U8(32), bits)
	ADDQ(t, bits)
	MOVQ(bits, t)
	SHRQ(U8(53), t)
	JNE(LabelRef("stop")) // perhaps not exact
	VPXOR(v, v, v)
	VCVTSI2SDQ(bits, v, v)
	VDIVSD(Mem{Base: tables, Index: back, Scale: 8, Disp: power}, v, v)
	SHLQ(U8(63), minus)
	VMOVQ(minus, w)
	VPOR(w, v, v)
	if m.format == "32" {
		VCVTSD2SS(v, v, v)
		VMOVSS(v, Mem{Base: numbers})
	} else {
		VMOVSD(v, Mem{Base: numbers})
	}
	LEAQ(Mem{Base: end, Disp: 1}, start)
	ADDQ(I8(int8(m.size())), numbers)
	ADDQ(I8(4), ends)
	DECQ(n)
	JNE(LabelRef("cell"))
	Label("stop")
	SUBQ(first, ends)
	SHRQ(U8(2), ends)
	Store(ends, ReturnIndex(0))
	done()
}
