package dataset

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"slices"
)

// spooled is what can be read anywhere: a plain file, or what a stream had, which is then
// in memory, or on the disk where memory is bounded.
type spooled struct {
	io.ReaderAt
	size int64
	file *os.File // a scratch file; nil where there is none
}

// spool makes in readable anywhere. what is the kind of the file, magics the first bytes
// that it may have: a stream of something else is not read to its end.
func (in *input) spool(o *ReadOptions, what string, magics ...string) (*spooled, error) {
	r := bufio.NewReader(in)
	known := slices.ContainsFunc(magics, func(magic string) bool {
		head, _ := r.Peek(len(magic))
		return string(head) == magic
	})
	if !known {
		if _, err := r.Peek(1); err != nil && err != io.EOF {
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
		return nil, withFile(err, in.name)
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
			return nil, withFile(scratchError(file.Name(), err), in.name)
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
