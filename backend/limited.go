package backend

// Limited is a Data whose samples have to keep within Options.Memory.
type Limited interface {
	// MostSampled is how many rows may be drawn in all, by samples that are open
	// together with those that are.
	MostSampled() int
}

// MostSampled is that of d, or all of its rows.
func MostSampled(d Data) int {
	if l, ok := d.(Limited); ok {
		return l.MostSampled()
	}
	return d.Rows()
}
