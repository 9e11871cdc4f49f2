package backend

// Limited is a Data whose samples have to keep within Options.Memory.
type Limited interface {
	// MostSampled is how many rows may be drawn in all, by samples that are open
	// together with those that are.
	MostSampled() int
}
