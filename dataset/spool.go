package dataset

import (
	"bufio"
	"bytes"
	"io"
	"os"
)

// spooled is what can be read anywhere: a plain file, or what a stream had, which is then
// in memory, or on the disk where memory is bounded.
type spooled struct {
	io.ReaderAt
	size int64
	file *os.File // a scratch file; nil where there is none
}

// spool makes in readable anywhere. magic are the first bytes that it must have: a stream
// of something else is not read to its end. what is the kind of the file.
func (in *input) spool(o *ReadOptions, magic, what string) (*spooled, error) {
	r := bufio.NewReader(in)
	if head, err := r.Peek(len(magic)); string(head) != magic {
		if err != nil && err != io.EOF {
			return nil, streamError(in.name, err)
		}
		return nil, &ReadError{File: in.name, Problem: "this is no " + what + ": it does not begin like one", Advice: "the file is damaged, or something else"}
	}
	if in.file != nil {
		return &spooled{in.file, in.size, nil}, nil
	}
	if o.MaxMemory == 0 {
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, streamError(in.name, err)
		}
		return &spooled{bytes.NewReader(b), int64(len(b)), nil}, nil
	}
	file, err := scratchFile(o.Scratch)
	if err != nil {
		return nil, err
	}
	s := &spooled{file, 0, file}
	buf := make([]byte, 1<<20)
	for {
		n, eof, err := fill(r, buf)
		if err != nil {
			s.close()
			return nil, streamError(in.name, err)
		}
		if _, err := file.Write(buf[:n]); err != nil {
			s.close()
			return nil, scratchError(file.Name(), err)
		}
		if s.size += int64(n); eof {
			return s, nil
		}
	}
}

// close gives the scratch file up.
func (s *spooled) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	os.Remove(s.file.Name())
	return err
}

// Close is close.
func (s *spooled) Close() error { return s.close() }
