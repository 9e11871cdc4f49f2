package dataset

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"sync"
)

// block is a stretch of whole rows of text.
type block struct {
	seq   int
	buf   []byte // n bytes, the last a newline, and numberPad zeros
	n     int
	line  int // physical line of its first row
	lines int // how many it has; it has no more rows than that
}

// forBlocks cuts the body of t into blocks and calls prepare for each of them in
// order, and what prepare returns - with the number of the worker - in parallel.
// It returns the error of the first block in order that has one.
//
// Each worker cuts the block that it parses: cutting is a tenth of the work, the text is
// then in the cache of the core that needs it, and nobody has to be woken up for it.
func forBlocks(ctx context.Context, t *text, prepare func(*block) func(worker int) error) error {
	var (
		mu    sync.Mutex
		done  bool // no more blocks are cut
		last  error
		first error
		at    int
		group sync.WaitGroup
	)
	cutter := cutter{r: t.body, rowsEnd: t.rowsEnd, line: t.line, size: cmp.Or(t.o.blockBytes, defaultBlock)}
	next := func(buf []byte) (b *block, parse func(worker int) error) {
		mu.Lock()
		defer mu.Unlock()
		if !done && ctx.Err() != nil {
			done, last = true, context.Cause(ctx)
		}
		if done {
			return nil, nil
		}
		if b, last = cutter.next(buf); b == nil || last != nil {
			done = true
			return nil, nil
		}
		return b, prepare(b)
	}
	for w := range t.workers {
		group.Go(func() {
			var buf []byte
			for b, parse := next(buf); b != nil; b, parse = next(buf) {
				buf = b.buf
				if err := parse(w); err != nil {
					mu.Lock()
					if done = true; first == nil || b.seq < at {
						first, at = err, b.seq
					}
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	if first != nil {
		return first // every block before it was parsed, so it is the first in the file
	}
	return last
}

// cutter reads blocks, one at a time.
type cutter struct {
	r       io.Reader
	rowsEnd func([]byte) int
	size    int
	line    int
	seq     int
	carry   []byte // the beginning of a row that the last block cut off
	eof     bool
}

// next returns the next block, in buf where that is large enough, or nil at the end of
// the text.
func (c *cutter) next(buf []byte) (*block, error) {
	buf = blockBuffer(buf, max(c.size, len(c.carry)))
	have := copy(buf, c.carry)
	for {
		if !c.eof {
			n, eof, err := fill(c.r, buf[have:len(buf)-1-numberPad])
			if err != nil {
				return nil, streamError("", err)
			}
			have += n
			c.eof = eof
		}
		cut := have
		if c.eof {
			if have == 0 {
				return nil, nil
			}
			if buf[have-1] != '\n' {
				buf[have] = '\n'
				cut++
			}
			c.carry = nil
		} else {
			cut = c.rowsEnd(buf[:have])
			if cut == 0 {
				if have > maxRowBytes {
					return nil, rowTooLong(c.line)
				}
				grown := blockBuffer(nil, 2*have)
				copy(grown, buf[:have])
				buf = grown
				continue
			}
			c.carry = append(c.carry[:0], buf[cut:have]...)
		}
		clear(buf[cut : cut+numberPad])
		if i := bytes.IndexByte(buf[:cut], 0); i >= 0 {
			return nil, nulByte(c.line + newlines(buf[:i]))
		}
		b := &block{seq: c.seq, buf: buf, n: cut, line: c.line, lines: newlines(buf[:cut])}
		c.seq++
		c.line += b.lines
		return b, nil
	}
}

// blockBuffer is a buffer for size bytes of text, a newline and the padding: buf, where
// it is large enough.
func blockBuffer(buf []byte, size int) []byte {
	if size += 1 + numberPad; cap(buf) >= size {
		return buf[:size]
	}
	return make([]byte, size)
}

// fill reads until buf is full or the input ends. Unlike io.ReadFull it tells the
// end from the io.ErrUnexpectedEOF of a damaged archive.
func fill(r io.Reader, buf []byte) (n int, eof bool, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	if err == io.EOF {
		return n, true, nil
	}
	return n, false, err
}

// rowsEnd is the length of the leading part of b that holds whole rows. Without a
// delimiter the text has no cells, and rows end at every newline.
func (t *text) rowsEnd(b []byte) int {
	if t.delimiter == 0 {
		return bytes.LastIndexByte(b, '\n') + 1
	}
	return rowsEnd(b)
}
