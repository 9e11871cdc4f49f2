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
	now  aheadBuffer
}

type aheadBuffer struct {
	buf  []byte
	text []byte // what is left of it
	err  error
}

// A chunker returns more of a text each time, in buf or a part of it, or an error, and
// may refer to the buffer of the call before.
type chunker func(buf []byte) ([]byte, error)

// chunksOf makes a chunker of a reader.
func chunksOf(r io.Reader) chunker {
	return func(buf []byte) ([]byte, error) {
		n, eof, err := fill(r, buf)
		if n > 0 {
			return buf[:n], nil // r will have to say it again
		}
		if eof {
			err = io.EOF
		}
		return nil, err
	}
}

// readAhead reads all that next has, in a goroutine of its own, until done is called, which
// waits for a call of next under way.
func readAhead(next chunker) (_ *ahead, done func()) {
	a := &ahead{full: make(chan aheadBuffer, aheadBuffers+1), free: make(chan []byte, aheadBuffers), stop: make(chan struct{}), end: make(chan struct{})}
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
			text, err := next(buf)
			a.full <- aheadBuffer{buf, text, err} // there is room for all buffers
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
	for len(a.now.text) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.buf != nil {
			a.free <- a.now.buf
		}
		a.now = <-a.full
	}
	n := copy(p, a.now.text)
	a.now.text = a.now.text[n:]
	return n, nil
}
