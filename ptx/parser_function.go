package ptx

import "strings"

// function reads `.entry name (params) directives { body }` or the .func form.
func (p *parser) function() {
	f := &function{entry: p.next().text == "entry", line: p.peek().line, lists: map[string][]string{}}
	f.scope = newScope(p.src.scope)
	p.fn, p.sc = f, f.scope
	defer func() { p.fn, p.sc = nil, p.src.scope }()
	if p.punct("(") {
		f.retVars = p.parameters()
	}
	f.name = p.ident()
	if p.punct("(") {
		f.params = p.parameters()
	}
	for p.peek().kind == tokDot {
		switch d := p.next().text; d {
		case "maxntid", "reqntid":
			n := [3]int{1, 1, 1}
			for i := 0; i < 3; i++ {
				n[i] = p.integer()
				if !p.accept(",") {
					break
				}
			}
			f.maxTID = n[0] * n[1] * n[2]
			if d == "reqntid" {
				f.reqTID = n
			}
		case "minnctapersm", "maxnctapersm", "maxnreg", "maxclusterrank":
			p.integer()
		case "noreturn", "unified":
		case "pragma":
			for !p.accept(";") {
				p.next()
			}
		case "explicitcluster":
			p.fail("clusters are not supported")
		default:
			p.fail("unknown function directive %q", "."+d)
		}
	}
	f.declare = p.accept(";")
	for _, g := range p.src.funcs {
		if g.name == f.name && !g.declare && !f.declare {
			p.fail("function %q is defined twice", f.name)
		}
	}
	p.src.funcs = append(p.src.funcs, f)
	if f.declare {
		return
	}
	p.block()
}

// parameters reads a list of .param or .reg declarations in parentheses.
func (p *parser) parameters() []*variable {
	var list []*variable
	p.expect("(")
	for !p.accept(")") {
		if t := p.peek(); t.kind == tokDot && t.text == "reg" {
			p.fail(".reg parameters are not supported; use .param")
		}
		v := p.variable()
		v.space = Param
		p.sc.vars[v.name] = v
		list = append(list, v)
		if !p.accept(",") && !p.punct(")") {
			p.fail("expected , or ) after a parameter, found %q", p.peek())
		}
	}
	return list
}

// block reads statements between braces, which open a scope of names.
func (p *parser) block() {
	p.expect("{")
	for !p.accept("}") {
		t := p.peek()
		switch {
		case t.kind == tokEOF:
			p.fail("function %q has no end", p.fn.name)
		case p.punct("{"):
			p.sc = newScope(p.sc)
			p.block()
			p.sc = p.sc.parent
		case p.accept(";"):
		case t.kind == tokDot:
			p.bodyDirective()
		case t.kind == tokIdent && p.toks[p.pos+1].kind == tokPunct && p.toks[p.pos+1].text == ":":
			p.label()
		default:
			p.statement()
		}
	}
}

func (p *parser) bodyDirective() {
	switch t := p.peek(); t.text {
	case "reg":
		p.pos++
		p.registers()
	case "local", "shared", "param":
		p.variables(false)
	case "extern":
		p.pos++
	case "loc", "file", "pragma":
		p.skipDirective()
	default:
		p.fail("unknown directive %q in a function", t)
	}
}

// registers reads `.reg .f32 %f<10>, %x;`.
func (p *parser) registers() {
	if t := p.peek(); t.kind != tokDot || typeByName[t.text] == NoType {
		p.fail("unknown register type %q", t)
	}
	typ := typeByName[p.next().text]
	if typ == B128 {
		p.fail("128-bit registers are not supported")
	}
	for {
		name := p.ident()
		_, bank := p.sc.banks[name]
		if _, ok := p.sc.regs[name]; ok || bank {
			p.fail("register %q is declared twice", name)
		}
		if p.accept("<") {
			p.sc.banks[name] = registerBank{typ, p.integer()}
			p.expect(">")
		} else {
			p.sc.regs[name] = len(p.fn.regs)
			p.fn.regs = append(p.fn.regs, typ)
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(";")
}

func (p *parser) label() {
	name := p.ident()
	p.expect(":")
	if p.dot("branchtargets") {
		var list []string
		for {
			list = append(list, p.ident())
			if !p.accept(",") {
				break
			}
		}
		p.expect(";")
		p.fn.lists[name] = list
		return
	}
	if t := p.peek(); t.kind == tokDot && (t.text == "callprototype" || t.text == "calltargets") {
		p.fail("indirect calls are not supported")
	}
	if _, ok := p.sc.labels[name]; ok {
		p.fail("label %q is set twice", name)
	}
	p.sc.labels[name] = len(p.fn.body)
}

func (p *parser) statement() {
	s := statement{line: p.peek().line, guard: -1}
	if p.accept("@") {
		s.guardNot = p.accept("!")
		name := p.ident()
		n, ok := p.sc.register(p.fn, name)
		if !ok || p.fn.regs[n] != Pred {
			p.fail("guard %q is not a declared predicate", name)
		}
		s.guard = n
	}
	s.line = p.peek().line
	s.op = p.ident()
	for p.peek().kind == tokDot {
		s.mods = append(s.mods, p.next().text)
	}
	for !p.accept(";") {
		if len(s.args) > 0 && !p.accept(",") {
			p.fail("expected , or ; after an operand of %s, found %q", &s, p.peek())
		}
		s.args = append(s.args, p.operand())
	}
	p.fn.body = append(p.fn.body, s)
}

func (p *parser) operand() operand {
	o := operand{reg: -1, pair: -1, scope: p.sc}
	switch {
	case p.accept("{"):
		o.kind = opVec
		o.elems = p.operandsUntil("}")
	case p.accept("("):
		o.kind = opList
		o.elems = p.operandsUntil(")")
	case p.accept("["):
		o.kind = opAddr
		base := p.operand()
		o.reg, o.imm, o.sym = base.reg, base.imm, base.sym
		switch base.kind {
		case opReg, opImm, opSym:
		default:
			p.fail("unsupported address")
		}
		if p.accept("+") {
			o.imm += p.constant().imm
		} else if p.punct("-") {
			o.imm += p.constant().imm
		}
		if !p.accept("]") {
			p.fail("unsupported address: expected ], found %q", p.peek())
		}
	case p.accept("!"):
		o = p.operand()
		o.not = !o.not
	case p.peek().kind == tokIdent:
		p.name(&o)
	default:
		sc := o.scope
		o = p.constant()
		o.scope = sc
	}
	return o
}

func (p *parser) operandsUntil(end string) []operand {
	var list []operand
	for !p.accept(end) {
		list = append(list, p.operand())
		if !p.accept(",") && !p.punct(end) {
			p.fail("expected , or %s, found %q", end, p.peek())
		}
	}
	return list
}

// name reads an operand that begins with a name: a register, a pair of them, a
// special register or a symbol.
func (p *parser) name(o *operand) {
	name := p.ident()
	if name == "_" {
		o.kind = opSink
	} else if n, ok := p.sc.register(p.fn, name); ok {
		o.kind, o.reg = opReg, n
	} else if strings.HasPrefix(name, "%") {
		o.kind, o.sym = opSpecial, name
		if t := p.peek(); t.kind == tokDot {
			o.sym += "." + p.next().text
		}
		if !knownSpecial(o.sym) {
			p.fail("%q is not a declared or special register", o.sym)
		}
	} else if name == "WARP_SZ" {
		o.kind, o.imm = opImm, 32
	} else {
		o.kind, o.sym = opSym, name
		// mov.u64 %rd1, array+8
		if p.punct("+") && p.toks[p.pos+1].kind == tokInt {
			p.pos++
			o.imm = p.next().value
		}
	}
	if p.accept("|") {
		second := p.ident()
		if second == "_" {
			return
		}
		n, ok := p.sc.register(p.fn, second)
		if !ok {
			p.fail("%q is not a declared register", second)
		}
		o.pair = n
	}
}
