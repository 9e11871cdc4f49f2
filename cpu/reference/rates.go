package reference

import "github.com/logreg-gpu/logreg-gpu/backend"

// Rates implements backend.Rated: those of one core, as package cpu's BenchmarkRates
// measures.
func (d *data) Rates() backend.Rates {
	return backend.Rates{Read: 1e9, Flops: 1.2e9, Link: 30e-9, Entry: 11e-9, Product: 4.5e-9}
}
