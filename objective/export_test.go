package objective

// ShareBlocks makes outputs share one block of curvature until the returned function
// is called.
func ShareBlocks() (undo func()) {
	before := factorBytes
	factorBytes = 0
	return func() { factorBytes = before }
}

// Gauge is that of each coordinate of one output; zeros without one.
func (o *Objective) Gauge() []float64 {
	g := make([]float64, o.coords.dim())
	copy(g, o.quad.gauge)
	return g
}

// WideFrom makes objectives of more than dim coordinates wide, with a diagonal that is
// exact, until the returned function is called.
func WideFrom(dim int) (undo func()) {
	d, s := curvatureDim, skew
	curvatureDim, skew = dim, 0
	return func() { curvatureDim, skew = d, s }
}
