package cpu

import (
	"sync"

	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// Vectors are made together, so that they lie in huge pages, where they are not too long.
const (
	together     = 4
	mostTogether = 16 << 20
)

// spare keeps what passes over sparse X add into: vectors of one size, zeros between passes,
// for data and what is drawn from them. They are so long that a fresh one costs about as
// much as adding it up, since the system gives its pages one by one. A nil spare keeps none.
type spare struct {
	sync.Mutex
	size int
	free [][]float64
}

// loan is what one pass has of a spare.
type loan struct {
	from  *spare
	alone bool // nothing else is kept: what statistics need is much, and they are few
	sync.Mutex
	lent [][]float64
}

// take lends size zeros.
func (l *loan) take(size int) []float64 {
	v := l.from.pick(size)
	l.Lock()
	defer l.Unlock()
	l.lent = append(l.lent, v)
	return v
}

// settle ends a pass, after which all that was lent is zeros again if clean.
func (l *loan) settle(clean bool) {
	s := l.from
	if s == nil || !clean {
		return
	}
	s.Lock()
	defer s.Unlock()
	if l.alone {
		s.free = nil
	}
	for _, v := range l.lent {
		if len(v) == s.size {
			s.free = append(s.free, v)
		}
	}
}

func (s *spare) pick(size int) []float64 {
	if s == nil {
		return make([]float64, size)
	}
	s.Lock()
	defer s.Unlock()
	if s.size != size {
		s.size, s.free = size, nil
	}
	if len(s.free) == 0 {
		s.free = hugepages.Vectors(size, min(together, max(1, mostTogether/8/max(1, size))))
	}
	last := len(s.free) - 1
	v := s.free[last]
	s.free = s.free[:last]
	return v
}
