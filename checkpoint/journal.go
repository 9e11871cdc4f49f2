package checkpoint

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/internal/atomicfile"
)

// Options say where a journal is kept.
type Options struct {
	Path string

	// Every is how long answers may wait to be written and synced to the disk; 0 does
	// so after each of them.
	Every time.Duration

	// Resume goes on from what is at Path; where nothing is, and without Resume, the
	// journal is a new one, which replaces a checkpoint that is there.
	Resume bool

	// Notice, if set, is told in one line what the journal met that is no error.
	Notice func(string)
}

// Journal is the questions of one fit and their answers. It may not be used
// concurrently, as the Data behind it may not.
type Journal struct {
	opts Options
	file *os.File

	in    *bufio.Reader // answers that the fit has not asked for yet; nil once there are none
	out   *bufio.Writer // nil while there are, and where the journal goes on no more
	size  int64         // of the file, when it was opened
	at    int64         // in the file, behind the last answer read or written
	sum   uint32        // the checksum there
	whole int64         // the end of what is safely written
	known int           // answers read

	written time.Time // the last time that all was
	inside  int       // Keep, so many times
	undrawn []*data   // samples, closed or drawn by now or not
}

// maxBytes is the size beyond which a journal goes on no more: a disk should not fill
// up over night. Ten thousand evaluations of a hundred thousand coefficients fit.
var maxBytes int64 = 8 << 30 // lowered by tests

// Open begins the journal of the fit that the facts describe, or opens that which
// Options.Resume asks for. Errors are *FileError, *MismatchError and those of the file
// system; a file that cannot be written is found out here. The Journal must be closed.
func Open(opts Options, facts []Fact) (*Journal, error) {
	if opts.Notice == nil {
		opts.Notice = func(string) {}
	}
	j := &Journal{opts: opts, written: time.Now()}
	f, info, err := open(opts.Path, opts.Resume)
	switch {
	case err != nil:
		return nil, err
	case f != nil:
		j.file, j.in, j.size, j.at, j.sum = f.file, f.in, info.Size(), f.size, f.sum
		if err := compare(opts.Path, f.facts, facts); err != nil {
			f.file.Close()
			return nil, err
		}
		return j, nil
	case opts.Resume:
		j.notice("there is no checkpoint yet; starting afresh")
	}
	header, sum, err := encodeHeader(facts)
	if err != nil {
		return nil, err
	}
	err = atomicfile.Write(opts.Path, func(w io.Writer) error {
		_, err := w.Write(header)
		return err
	})
	if err != nil {
		return nil, err
	}
	if j.file, err = os.OpenFile(opts.Path, os.O_RDWR, 0); err != nil {
		return nil, err
	}
	j.at, j.size, j.sum = int64(len(header)), int64(len(header)), sum
	j.append()
	return j, nil
}

func (j *Journal) notice(format string, args ...any) {
	j.opts.Notice(j.opts.Path + ": " + fmt.Sprintf(format, args...))
}

// Data is d, which it neither owns nor closes, with its answers from the journal where
// that knows them. Between one run of a fit and the next, the same questions are to be
// asked in the same order; from the first that differs, all are put to d.
func (j *Journal) Data(d backend.Data) backend.Data {
	return &data{
		journal: j, live: d,
		rows: d.Rows(), cols: d.Cols(), storage: d.Storage(), affine: d.Affine(), abilities: backend.Abilities(d),
	}
}

// once brings the answer to a question there by memory, or by work and remembers it.
func (j *Journal) once(ctx context.Context, asked func() request, a answer, work func() error) error {
	if j.inside > 0 || j.in == nil && j.out == nil {
		return work()
	}
	question := asked()
	if j.in != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		numbers, sum, ok := readRecord(j.in, j.size-j.at, j.sum, question)
		if ok && a.take(numbers) {
			j.at += recordSize(len(numbers))
			j.sum = sum
			j.known++
			return nil
		}
		j.goOn()
	}
	if err := work(); err != nil {
		return err
	}
	j.remember(question, a.give())
	return nil
}

// goOn ends the answering from memory. What is left in the file is a torn record, or
// answers to other questions than are asked now.
func (j *Journal) goOn() {
	j.in = nil
	if left := j.size - j.at; left == 0 {
		j.notice("going on after %d operations", j.known)
	} else {
		j.notice("going on after %d operations; the last %d bytes are of no use", j.known, left)
	}
	j.append()
}

// append makes the journal ready to go on at its present place.
func (j *Journal) append() {
	err := j.file.Truncate(j.at)
	if err == nil {
		_, err = j.file.Seek(j.at, io.SeekStart)
	}
	if err != nil {
		j.fail(err)
		return
	}
	j.out = bufio.NewWriterSize(j.file, 256<<10)
	j.whole = j.at
}

// remember adds an answer. It fails silently but for a notice: a fit that has come this
// far is worth more than its checkpoint, which stays good up to here.
func (j *Journal) remember(question request, answer [][]float64) {
	if j.out == nil {
		return
	}
	n := 0
	for _, part := range answer {
		n += len(part)
	}
	if j.at+recordSize(n) > maxBytes {
		j.notice("has reached its limit of %.3g GB: what comes after would be computed again", float64(maxBytes)/1e9)
		j.flush()
		j.out = nil
		return
	}
	size, sum, err := appendRecord(j.out, j.sum, question, answer)
	if err != nil {
		j.fail(err)
		return
	}
	j.at += size
	j.sum = sum
	if time.Since(j.written) >= j.opts.Every {
		j.flush()
	}
}

// flush makes all that was remembered durable.
func (j *Journal) flush() {
	if j.out == nil {
		return
	}
	err := j.out.Flush()
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.fail(err)
		return
	}
	j.whole = j.at
	j.written = time.Now()
}

// fail gives up writing, and the torn record that a full disk may have to thank for being
// full: the results of the fit need a place too.
func (j *Journal) fail(err error) {
	j.out = nil
	if j.whole > 0 {
		_ = j.file.Truncate(j.whole)
	}
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err // notices name the file
	}
	j.notice("cannot be written any more, the fit goes on without: %v", err)
}

// Close writes what is still to be written. The file stays.
func (j *Journal) Close() error {
	j.flush()
	j.in, j.out = nil, nil
	return j.file.Close()
}

func recordSize(numbers int) int64 { return int64(recordHead + 8*numbers + checksumSize) }
