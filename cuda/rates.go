package cuda

import "github.com/logreg-gpu/logreg-gpu/backend"

// rates are the estimates of docs/kernels.md for an H100, whatever the device, the
// emulated one too: what plans follow from is mainly how much dearer than a read of X
// products are, and that differs less from one device to the next than from one's number
// format to the other.
func rates(s backend.Storage) backend.Rates {
	r := backend.Rates{Read: 3e12, Flops: 40e12, Link: 2e-12, Entry: 12e-12}
	if s == backend.Float64 { // no tensor cores; entries of 12 bytes instead of 8
		r.Flops, r.Link, r.Entry = 16e12, 6e-12, 18e-12
	}
	return r
}

var (
	_ backend.Rated = (*data)(nil)
	_ backend.Rated = (*pieces)(nil)
)

// Rates implements backend.Rated.
func (d *data) Rates() backend.Rates { return rates(d.storage) }

// Rates implements backend.Rated. Pieces that are sent in every pass do not count: how
// many are depends on the memory that is free.
func (p *pieces) Rates() backend.Rates { return rates(p.storage) }
