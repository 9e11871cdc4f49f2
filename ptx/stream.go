package ptx

import (
	"time"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// stream is an ordered queue of work. It stays empty unless Config.Late is set.
type stream struct {
	c       *context
	queue   []work
	running bool
	gone    bool
}

// work is one queued operation; mark is set when it is the record of an event.
type work struct {
	run  func() error
	mark *mark
}

// mark is one recording of an event.
type mark struct {
	s      *stream
	passed bool
	at     time.Time
}

// event implements driver.Event.
type event struct {
	c    *context
	last *mark
	gone bool
}

// enqueue runs f at once, or with Config.Late when something waits for it.
func (c *context) enqueue(call string, s driver.Stream, f func() error) error {
	q, err := c.stream(call, s)
	if err != nil {
		return err
	}
	if !c.d.config.Late {
		return f()
	}
	q.queue = append(q.queue, work{run: f})
	return nil
}

func (c *context) stream(call string, s driver.Stream) (*stream, error) {
	if s == nil {
		return c.defaultStream, nil
	}
	q, ok := s.(*stream)
	if !ok || q.c != c || q.gone {
		return nil, newError(call, driver.InvalidValue, "the stream is not of this context, or was destroyed", "")
	}
	return q, nil
}

// drain runs the queue up to the mark, or all of it.
func (s *stream) drain(until *mark) error {
	if s.running {
		return nil // waits for itself through an event: the order of the queue will do
	}
	s.running = true
	defer func() { s.running = false }()
	for len(s.queue) > 0 && (until == nil || !until.passed) {
		w := s.queue[0]
		s.queue = s.queue[1:]
		if w.mark != nil {
			w.mark.passed, w.mark.at = true, time.Now()
			continue
		}
		if err := w.run(); err != nil {
			s.queue = nil
			return err
		}
	}
	return nil
}

// NewStream implements driver.Context.
func (c *context) NewStream() (driver.Stream, error) {
	if err := c.ready("cuStreamCreate"); err != nil {
		return nil, err
	}
	s := &stream{c: c}
	c.streams = append(c.streams, s)
	return s, nil
}

// NewEvent implements driver.Context.
func (c *context) NewEvent() (driver.Event, error) {
	if err := c.ready("cuEventCreate"); err != nil {
		return nil, err
	}
	c.events++
	return &event{c: c}, nil
}

// Synchronize implements driver.Stream.
func (s *stream) Synchronize() error {
	const call = "cuStreamSynchronize"
	if _, err := s.c.stream(call, s); err != nil {
		return err
	}
	if err := s.c.ready(call); err != nil {
		return err
	}
	if err := s.c.d.injected("synchronize", call); err != nil {
		return err
	}
	return s.drain(nil)
}

// Record implements driver.Stream.
func (s *stream) Record(e driver.Event) error {
	ev, err := s.event("cuEventRecord", e)
	if err != nil {
		return err
	}
	ev.last = &mark{s: s}
	if s.c.d.config.Late {
		s.queue = append(s.queue, work{mark: ev.last})
		return nil
	}
	ev.last.passed, ev.last.at = true, time.Now()
	return nil
}

// Wait implements driver.Stream.
func (s *stream) Wait(e driver.Event) error {
	ev, err := s.event("cuStreamWaitEvent", e)
	if err != nil || ev.last == nil || ev.last.passed {
		return err
	}
	m := ev.last
	s.queue = append(s.queue, work{run: func() error { return m.s.drain(m) }})
	return nil
}

func (s *stream) event(call string, e driver.Event) (*event, error) {
	if err := s.c.ready(call); err != nil {
		return nil, err
	}
	ev, ok := e.(*event)
	if !ok || ev.c != s.c || ev.gone || s.gone {
		return nil, newError(call, driver.InvalidValue, "the event or stream is not of this context, or was destroyed", "")
	}
	return ev, nil
}

// Destroy implements driver.Stream. Work that is queued is done first.
func (s *stream) Destroy() error {
	if s.gone {
		return newError("cuStreamDestroy", driver.InvalidValue, "the stream was destroyed before", "")
	}
	err := s.c.ready("cuStreamDestroy")
	if err == nil {
		err = s.drain(nil)
	}
	s.gone = true
	for i, t := range s.c.streams {
		if t == s {
			s.c.streams = append(s.c.streams[:i], s.c.streams[i+1:]...)
			break
		}
	}
	return err
}

// Synchronize implements driver.Event.
func (e *event) Synchronize() error {
	const call = "cuEventSynchronize"
	if err := e.c.ready(call); err != nil {
		return err
	}
	if err := e.c.d.injected("synchronize", call); err != nil {
		return err
	}
	if e.last == nil || e.last.passed {
		return nil
	}
	return e.last.s.drain(e.last)
}

// Since implements driver.Event.
func (e *event) Since(start driver.Event) (float32, error) {
	const call = "cuEventElapsedTime"
	if err := e.c.ready(call); err != nil {
		return 0, err
	}
	s, ok := start.(*event)
	if !ok || s.last == nil || e.last == nil || !s.last.passed || !e.last.passed {
		return 0, newError(call, driver.InvalidValue, "an event was not recorded or has not passed", "")
	}
	return float32(e.last.at.Sub(s.last.at).Seconds() * 1e3), nil
}

// Destroy implements driver.Event.
func (e *event) Destroy() error {
	if e.gone {
		return newError("cuEventDestroy", driver.InvalidValue, "the event was destroyed before", "")
	}
	e.gone = true
	if e.c.events > 0 {
		e.c.events--
	}
	return nil
}
