package objective

// ShareBlocks makes outputs share one block of curvature until the returned function
// is called.
func ShareBlocks() (undo func()) {
	before := factorBytes
	factorBytes = 0
	return func() { factorBytes = before }
}
