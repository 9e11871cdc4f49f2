package dataset

import "io"

const (
	// aheadBytes and aheadBuffers are how far a decompressor may be ahead of whoever reads
	// from it: enough that neither waits while the other has a block to finish, and little
	// enough to stay in the cache that the cores share.
	aheadBytes   = 256 << 10
	aheadBuffers = 4
)

// ahead is a reader that another goroutine reads for: decompressing goes on while what
// came out of it is parsed.
type ahead struct {
	full chan aheadBuffer
	free chan []byte
	stop chan struct{}
	end  chan struct{} // of the goroutine
	now  aheadBuffer   // what is left of it
	buf  []byte        // that of now
}

type aheadBuffer struct {
	b   []byte
	err error // behind b
}

// readAhead reads r, in a goroutine of its own, to its end or until done is called, which
// waits for a Read of r under way.
func readAhead(r io.Reader) (_ *ahead, done func()) {
	a := &ahead{full: make(chan aheadBuffer, aheadBuffers), free: make(chan []byte, aheadBuffers), stop: make(chan struct{}), end: make(chan struct{})}
	for range aheadBuffers {
		a.free <- nil
	}
	go func() {
		defer close(a.end)
		for {
			var buf []byte
			select {
			case buf = <-a.free:
			case <-a.stop:
				return
			}
			if buf == nil {
				buf = make([]byte, aheadBytes)
			}
			n, eof, err := fill(r, buf[:cap(buf)])
			if eof {
				err = io.EOF
			}
			select {
			case a.full <- aheadBuffer{buf[:n], err}: // there is room for all buffers
			case <-a.stop:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return a, func() {
		close(a.stop)
		<-a.end
	}
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.now.b) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.buf != nil {
			a.free <- a.buf
		}
		a.now = <-a.full
		a.buf = a.now.b
	}
	n := copy(p, a.now.b)
	a.now.b = a.now.b[n:]
	return n, nil
}
