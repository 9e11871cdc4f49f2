package backend

import "context"

// Keeper is a Data that remembers what it was asked beyond the end of the program: a
// checkpoint. It remembers every operation one by one, unless told to keep the outcome
// of many instead.
type Keeper interface {
	// Keep does work, which brings state from what it is to what follows from it, the
	// Data and what work is said to be; or, where that was done before the program
	// ended, brings it there by memory. What work asks of the Data is not remembered.
	Keep(ctx context.Context, what string, state [][]float64, work func() error) error
}

// Particular is implemented by a Backend whose last bits depend on more than its name
// and the architecture of the program.
type Particular interface {
	// Device is what they depend on, in words.
	Device() string
}
