package main

import (
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/logreg-gpu/logreg-gpu/internal/gunzip"
	"github.com/logreg-gpu/logreg-gpu/internal/hugepages"
)

// unpack returns how many bytes the file holds.
func unpack(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	z, err := gunzip.NewReader(f)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 256<<10)
	var n int64
	for {
		k, err := z.Read(buf)
		n += int64(k)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// readPlain reads a file in pieces of 4 MB, the fastest of what was tried, by several
// threads.
func readPlain(path string, threads int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	const step = 4 << 20
	to := make([]byte, info.Size())
	hugepages.Want(to)
	errs := make([]error, threads)
	var (
		next  atomic.Int64
		group sync.WaitGroup
	)
	for t := range threads {
		group.Go(func() {
			for {
				at := next.Add(step) - step
				if at >= int64(len(to)) {
					return
				}
				if _, err := f.ReadAt(to[at:min(at+step, int64(len(to)))], at); err != nil {
					errs[t] = err
					return
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return to, nil
}
