package ptx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parser reads tokens into a source. Errors are raised as *ParseError panics and
// caught in parse: the grammar is deep and every level would only pass them on.
type parser struct {
	toks []token
	pos  int
	src  *source
	fn   *function
	sc   *scope
}

// parse reads one PTX file.
func parse(text string) (src *source, err error) {
	toks, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{toks: toks, src: &source{scope: newScope(nil)}}
	p.sc = p.src.scope
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*ParseError)
			if !ok {
				panic(r)
			}
			src, err = nil, e
		}
	}()
	p.file()
	return p.src, nil
}

func (p *parser) fail(format string, args ...any) {
	panic(&ParseError{p.peek().line, fmt.Sprintf(format, args...)})
}

func (p *parser) peek() *token { return &p.toks[p.pos] }

func (p *parser) next() token {
	t := p.toks[p.pos]
	if t.kind != tokEOF {
		p.pos++
	}
	return t
}

// punct tells whether the next token is the punctuation c.
func (p *parser) punct(c string) bool {
	t := p.peek()
	return t.kind == tokPunct && t.text == c
}

// accept eats the punctuation c if it comes next.
func (p *parser) accept(c string) bool {
	if p.punct(c) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expect(c string) {
	if !p.accept(c) {
		p.fail("expected %q, found %q", c, p.peek())
	}
}

// dot eats the directive .name if it comes next.
func (p *parser) dot(name string) bool {
	if t := p.peek(); t.kind == tokDot && t.text == name {
		p.pos++
		return true
	}
	return false
}

func (p *parser) ident() string {
	t := p.peek()
	if t.kind != tokIdent {
		p.fail("expected a name, found %q", t)
	}
	p.pos++
	return t.text
}

func (p *parser) integer() int {
	neg := p.accept("-")
	t := p.peek()
	if t.kind != tokInt {
		p.fail("expected an integer, found %q", t)
	}
	p.pos++
	if neg {
		return -int(t.value)
	}
	return int(t.value)
}

func (p *parser) file() {
	for p.peek().kind != tokEOF {
		t := p.peek()
		if t.kind != tokDot {
			p.fail("expected a directive, found %q", t)
		}
		switch t.text {
		case "version":
			p.pos++
			p.version()
		case "target":
			p.pos++
			p.target()
		case "address_size":
			p.pos++
			if n := p.integer(); n != 64 {
				p.fail("address size %d: only 64 is supported", n)
			}
		case "file", "loc", "pragma":
			p.skipDirective()
		case "section":
			for !p.accept("{") {
				p.next()
			}
			for !p.accept("}") {
				if p.next().kind == tokEOF {
					p.fail("section without an end")
				}
			}
		case "visible", "extern", "weak", "common":
			p.pos++
		case "entry", "func":
			p.function()
		case "global", "const", "shared":
			p.variables(true)
		default:
			p.fail("unknown directive %q", t)
		}
	}
	if p.src.major == 0 {
		p.fail("no .version directive")
	}
	if p.src.target == "" {
		p.fail("no .target directive")
	}
}

func (p *parser) version() {
	t := p.next()
	major, minor, ok := strings.Cut(t.text, ".")
	var err1, err2 error
	p.src.major, err1 = strconv.Atoi(major)
	p.src.minor, err2 = strconv.Atoi(minor)
	if t.kind != tokFloat || !ok || err1 != nil || err2 != nil {
		p.pos--
		p.fail("bad version %q", t)
	}
}

func (p *parser) target() {
	p.src.target = p.ident()
	digits := strings.TrimRight(strings.TrimPrefix(p.src.target, "sm_"), "af")
	n, err := strconv.Atoi(digits)
	if err != nil || !strings.HasPrefix(p.src.target, "sm_") {
		p.pos--
		p.fail("bad target %q", p.src.target)
	}
	p.src.arch = n
	for p.accept(",") {
		p.ident()
	}
}

// skipDirective skips a directive that tells only debuggers something; it ends
// with its line or with a semicolon.
func (p *parser) skipDirective() {
	line := p.peek().line
	for t := p.peek(); t.kind != tokEOF && t.line == line; t = p.peek() {
		p.pos++
	}
}

// variables reads one declaration, as `.shared .align 4 .b8 a[64], b[64];`, into
// the current scope.
func (p *parser) variables(module bool) {
	for {
		v := p.variable()
		if p.sc.vars[v.name] != nil && !v.unsize {
			p.fail("%q is declared twice", v.name)
		}
		p.sc.vars[v.name] = v
		if module {
			p.src.vars = append(p.src.vars, v)
		} else {
			p.fn.vars = append(p.fn.vars, v)
		}
		if !p.accept(",") {
			break
		}
		// Further names of one declaration share its space, type and alignment.
		w := *v
		w.init, w.relocs = nil, nil
		p.declarator(&w)
		p.sc.vars[w.name] = &w
		if module {
			p.src.vars = append(p.src.vars, &w)
		} else {
			p.fn.vars = append(p.fn.vars, &w)
		}
	}
	p.expect(";")
}

// variable reads a declaration up to, and not with, its end.
func (p *parser) variable() *variable {
	v := &variable{line: p.peek().line}
	lanes := 1
	for p.peek().kind == tokDot {
		d := p.next().text
		switch d {
		case "align":
			v.align = p.integer()
		case "v2":
			lanes = 2
		case "v4":
			lanes = 4
		case "ptr": // .ptr .global .align 16: what a pointer parameter points at
			for p.peek().kind == tokDot && (p.peek().text == "align" || spaceByName[p.peek().text] != 0) {
				if p.next().text == "align" {
					p.integer()
				}
			}
		case "attribute":
			for p.expect("("); !p.accept(")"); p.next() {
			}
		default:
			if s, ok := spaceByName[d]; ok {
				v.space = s
			} else if t, ok := typeByName[d]; ok {
				v.typ = t
			} else {
				p.fail("unknown word %q in a declaration", "."+d)
			}
		}
	}
	if v.typ == NoType || v.typ == Pred {
		p.fail("a declaration needs a type")
	}
	v.bytes = v.typ.Bytes() * lanes
	v.align = max(v.align, v.bytes)
	p.declarator(v)
	return v
}

// declarator reads name, dimensions and initialiser.
func (p *parser) declarator(v *variable) {
	v.name = p.ident()
	element := v.bytes
	if v.align == 0 {
		v.align = element
	}
	for p.accept("[") {
		if p.accept("]") {
			v.unsize, v.bytes = true, 0
			continue
		}
		v.bytes *= p.integer()
		p.expect("]")
	}
	if p.accept("=") {
		p.initialiser(v)
		if v.unsize {
			v.unsize, v.bytes = false, len(v.init)
		}
	}
}

func (p *parser) initialiser(v *variable) {
	size := v.typ.Bytes()
	var read func()
	read = func() {
		if p.accept("{") {
			for !p.accept("}") {
				read()
				if !p.accept(",") && !p.punct("}") {
					p.fail("expected , or } in an initialiser, found %q", p.peek())
				}
			}
			return
		}
		var cell [8]byte
		t := p.peek()
		switch {
		case t.kind == tokIdent:
			name := p.ident()
			if name == "generic" {
				p.expect("(")
				name = p.ident()
				p.expect(")")
			}
			addend := 0
			if p.accept("+") {
				addend = p.integer()
			}
			v.relocs = append(v.relocs, relocation{len(v.init), size, name, int64(addend), t.line})
		default:
			o := p.constant()
			binary.LittleEndian.PutUint64(cell[:], o.bits(v.typ))
		}
		v.init = append(v.init, cell[:size]...)
	}
	read()
	if v.bytes > len(v.init) {
		v.init = append(v.init, make([]byte, v.bytes-len(v.init))...)
	}
}

// constant reads a number, perhaps negative.
func (p *parser) constant() operand {
	neg := p.accept("-")
	t := p.next()
	o := operand{kind: opImm, reg: -1, pair: -1, imm: t.value}
	switch t.kind {
	case tokInt:
		if neg {
			o.imm = -o.imm
		}
	case tokFloat:
		o.float, o.single = true, t.single
		if neg && t.single {
			o.imm ^= 1 << 31
		} else if neg {
			o.imm ^= 1 << 63
		}
	default:
		p.pos--
		p.fail("expected a number, found %q", t)
	}
	return o
}

// bits is the immediate's value in a register of type t.
func (o *operand) bits(t Type) uint64 {
	if !o.float {
		switch t {
		case F32: // an integer where a float is wanted
			return uint64(math.Float32bits(float32(int64(o.imm))))
		case F64:
			return math.Float64bits(float64(int64(o.imm)))
		}
		return o.imm & t.mask()
	}
	switch {
	case o.single && t == F64:
		return math.Float64bits(float64(math.Float32frombits(uint32(o.imm))))
	case !o.single && t == F32:
		return uint64(math.Float32bits(float32(math.Float64frombits(o.imm))))
	}
	return o.imm & t.mask()
}
