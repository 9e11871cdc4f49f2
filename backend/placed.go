package backend

// Placed is a Data that may not have all of X where it computes.
type Placed interface {
	// Placement says where the rest is and what that costs, in one line; it is empty
	// where nothing is amiss. It may change from one operation to the next.
	Placement() string
}

// Placement is that of d, or empty.
func Placement(d Data) string {
	if p, ok := d.(Placed); ok {
		return p.Placement()
	}
	return ""
}
