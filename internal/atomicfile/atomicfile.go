// Package atomicfile writes a file whole or not at all: the text goes to a
// temporary file beside the target, is synced, and is renamed over it. A failure
// leaves the old file as it was and no temporary file behind.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write makes path hold what write writes. An existing file keeps its permissions,
// a new one gets those of os.Create; a symbolic link keeps pointing where it did.
// What is no regular file (a pipe, /dev/null) cannot be renamed over and is written
// to directly. Errors of the file system are *fs.PathError naming path; errors of
// write are returned as they are.
func Write(path string, write func(io.Writer) error) error {
	target, mode := path, fs.FileMode(0)
	if info, err := os.Stat(path); err == nil {
		if info.IsDir() {
			return &fs.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
		}
		if !info.Mode().IsRegular() {
			return writeDirect(path, write)
		}
		mode = info.Mode().Perm()
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return named(path, err)
		}
	}
	f, err := createTemp(target)
	if err != nil {
		return named(path, err)
	}
	if err := fill(f, mode, write); err != nil {
		os.Remove(f.Name())
		var pe *fs.PathError
		if errors.As(err, &pe) && pe.Path != f.Name() {
			return err // write's own, about another file
		}
		return named(path, err)
	}
	if err := os.Rename(f.Name(), target); err != nil {
		os.Remove(f.Name())
		return named(path, err)
	}
	syncDir(filepath.Dir(target))
	return nil
}

// createTemp is os.CreateTemp with the permissions of os.Create, which only the
// kernel can work out from the umask.
func createTemp(target string) (*os.File, error) {
	for {
		name := filepath.Join(filepath.Dir(target), fmt.Sprintf(".%s.%08x.tmp", filepath.Base(target), rand.Uint32()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// fill writes, syncs and closes f.
func fill(f *os.File, mode fs.FileMode, write func(io.Writer) error) (err error) {
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if mode != 0 {
		if err := f.Chmod(mode); err != nil {
			return err
		}
	}
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

func writeDirect(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return named(path, err)
	}
	w := bufio.NewWriterSize(f, 1<<16)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// syncDir makes the rename itself durable. Not every file system can; then the
// rename is as durable as that file system makes it.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// named replaces the temporary file's name in an error by the one the caller knows.
func named(path string, err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return &fs.PathError{Op: "write", Path: path, Err: pe.Err}
	case errors.As(err, &le):
		return &fs.PathError{Op: "write", Path: path, Err: le.Err}
	default:
		return err
	}
}

// Writable tells whether Write could write path now, without touching it: long work
// should not end in an unwritable file.
func Writable(path string) error {
	target := path
	if info, err := os.Stat(path); err == nil {
		if info.IsDir() {
			return &fs.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		if target, err = filepath.EvalSymlinks(path); err != nil {
			return named(path, err)
		}
	}
	f, err := createTemp(target)
	if err != nil {
		return named(path, err)
	}
	f.Close()
	return named(path, os.Remove(f.Name()))
}
