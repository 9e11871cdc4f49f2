package ptx

// What ptxas refuses although it could be executed: a kernel that the emulator accepts
// must also load on a device.

// agrees tells whether a register of type r may stand where an instruction wants t:
// untyped bits agree with everything, numbers only with numbers of their kind. Widths
// are checked elsewhere.
func agrees(r, t Type) bool {
	return r.bits() || t.bits() || r.Float() == t.Float()
}

// bits tells whether t is untyped.
func (t Type) bits() bool { return t >= B8 && t <= B128 }

// roundingRules holds a float instruction to the modifiers its opcode wants.
func (d *decoder) roundingRules(op string, rounded, approximate bool) {
	switch op {
	case "fma", "mad", "div", "rcp", "sqrt":
		if !rounded && !approximate {
			d.fail("%s needs a rounding mode", d.s)
		}
	case "rsqrt", "ex2", "lg2", "sin", "cos", "tanh":
		if !approximate {
			d.fail("%s needs .approx", d.s)
		}
	case "min", "max", "abs", "neg", "copysign":
		if rounded {
			d.fail("%s takes no rounding mode", d.s)
		}
	}
}

// convertRules does so for cvt: a mode where the destination cannot hold every value of
// the source, to an integral value where a float becomes an integer, else none.
func (d *decoder) convertRules(c conversion, rounded bool) {
	toFloat, fromFloat := c.to.Float(), c.from.Float()
	narrower := fromFloat && (c.to.Bits() < c.from.Bits() || c.to == F16x2 || c.to == BF16x2)
	switch {
	case fromFloat && !toFloat && !c.integral:
		d.fail("%s needs a rounding mode to integral values", d.s)
	case toFloat && (!fromFloat || narrower) && !rounded:
		d.fail("%s needs a rounding mode", d.s)
	case rounded && (!toFloat || fromFloat && !narrower && c.to != TF32), c.integral && (!fromFloat || c.to.Bits() > c.from.Bits() && toFloat):
		d.fail("%s does not take this rounding mode", d.s)
	}
}
