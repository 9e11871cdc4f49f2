package cuda

import "runtime"

// thread is one OS thread that does what it is given, in order. A CUDA context belongs
// to the thread that opened it, so a device has one of these and every backend call
// hops to it once.
type thread struct{ work chan func() }

func newThread() *thread {
	t := &thread{work: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the OS thread ends with the goroutine
		for f := range t.work {
			f()
		}
	}()
	return t
}

// do runs f on the thread and returns its error.
func (t *thread) do(f func() error) error {
	done := make(chan error)
	t.work <- func() { done <- f() }
	return <-done
}

func (t *thread) end() { close(t.work) }
