package cpu

import "sync"

// spare keeps what passes over sparse X add into: vectors of one size, zeros between
// passes. They are so long that a fresh one costs about as much as adding it up, since the
// system gives its pages one by one.
type spare struct {
	sync.Mutex
	size       int
	free, lent [][]float64
}

// take lends size zeros for a pass.
func (s *spare) take(size int) []float64 {
	s.Lock()
	defer s.Unlock()
	if s.size != size {
		s.size, s.free, s.lent = size, nil, nil
	}
	v := []float64(nil)
	if last := len(s.free) - 1; last >= 0 {
		v, s.free = s.free[last], s.free[:last]
	} else {
		v = make([]float64, size)
	}
	s.lent = append(s.lent, v)
	return v
}

// settle ends a pass, after which all that was lent is zeros again if clean.
func (s *spare) settle(clean bool) {
	if clean {
		s.free = append(s.free, s.lent...)
	}
	s.lent = s.lent[:0]
}
