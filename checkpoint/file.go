package checkpoint

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/logreg-gpu/logreg-gpu/internal/atomicfile"
)

// The file is
//
//	logreg-gpu checkpoint 1\n
//	length of the facts, uint32; the facts, JSON; checksum, uint32
//	length of the answer in bytes, uint64; request, 32 bytes; the answer, float64s; checksum, uint32
//	...
//
// all of it little-endian. Every checksum is the CRC-32C of all bytes before it, the
// checksums left out: a record is good only after the records that it was written
// after.
const (
	formatName    = "logreg-gpu checkpoint "
	formatVersion = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	longestLine  = len(formatName) + 20
	longestFacts = 1 << 20
	recordHead   = 8 + len(request{})
	checksumSize = 4
)

var (
	// ErrNotCheckpoint is the kind of a file that is something else.
	ErrNotCheckpoint = errors.New("not a logreg-gpu checkpoint")

	// ErrDamaged is the kind of a checkpoint whose header cannot be read. Damage
	// further on is no error: what comes before it is used.
	ErrDamaged = errors.New("damaged checkpoint")

	// ErrNewer is the kind of a checkpoint that this program is too old for.
	ErrNewer = errors.New("made by a newer logreg-gpu")
)

// FileError is a checkpoint that cannot be used.
type FileError struct {
	Path   string
	Kind   error // ErrNotCheckpoint, ErrDamaged or ErrNewer
	Reason string
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: %v: %s", e.Path, e.Kind, e.Reason) }
func (e *FileError) Unwrap() error { return e.Kind }

// encodeHeader gives the bytes before the first record, and their checksum.
func encodeHeader(facts []Fact) (header []byte, sum uint32, err error) {
	text, err := json.Marshal(facts)
	if err != nil {
		return nil, 0, err
	}
	header = fmt.Appendf(nil, "%s%d\n", formatName, formatVersion)
	header = binary.LittleEndian.AppendUint32(header, uint32(len(text)))
	header = append(header, text...)
	sum = crc32.Checksum(header, castagnoli)
	return binary.LittleEndian.AppendUint32(header, sum), sum, nil
}

// decodeHeader is the inverse; size is that of the header. Of an empty file there are
// no facts and no error.
func decodeHeader(path string, r *bufio.Reader) (facts []Fact, size int64, sum uint32, err error) {
	bad := func(kind error, format string, args ...any) ([]Fact, int64, uint32, error) {
		return nil, 0, 0, &FileError{path, kind, fmt.Sprintf(format, args...)}
	}
	start, err := r.Peek(longestLine)
	switch {
	case err != nil && err != io.EOF:
		return nil, 0, 0, err
	case len(start) == 0:
		return nil, 0, 0, nil
	}
	line, _, whole := strings.Cut(string(start), "\n")
	name, number := line[:min(len(line), len(formatName))], line[min(len(line), len(formatName)):]
	version, err := strconv.Atoi(number)
	switch {
	case !strings.HasPrefix(formatName, name) || name != formatName && whole:
		return bad(ErrNotCheckpoint, "it was not written by --checkpoint")
	case !whole || err != nil || version < 1:
		return bad(ErrDamaged, "its first line is broken; leave out --resume to start afresh")
	case version > formatVersion:
		return bad(ErrNewer, "its format version is %d, this program reads up to %d; upgrade", version, formatVersion)
	}
	truncated := func() ([]Fact, int64, uint32, error) {
		return bad(ErrDamaged, "it ends within its header; leave out --resume to start afresh")
	}
	header := make([]byte, len(line)+1+4)
	if _, err := io.ReadFull(r, header); err != nil {
		return truncated()
	}
	n := binary.LittleEndian.Uint32(header[len(header)-4:])
	if n > longestFacts {
		return bad(ErrDamaged, "its header claims %d bytes; leave out --resume to start afresh", n)
	}
	rest := make([]byte, n+checksumSize)
	if _, err := io.ReadFull(r, rest); err != nil {
		return truncated()
	}
	sum = crc32.Update(crc32.Checksum(header, castagnoli), castagnoli, rest[:n])
	if sum != binary.LittleEndian.Uint32(rest[n:]) || json.Unmarshal(rest[:n], &facts) != nil {
		return bad(ErrDamaged, "its header does not match its checksum; leave out --resume to start afresh")
	}
	return facts, int64(len(header) + len(rest)), sum, nil
}

// Check tells, before anything large is read, whether Open could use path: that it can
// be written and, where it exists, is a checkpoint that this program reads. Open checks
// the facts besides.
func Check(path string, resume bool) error {
	f, _, err := open(path, resume)
	if err != nil {
		return err
	}
	if f != nil {
		return f.file.Close()
	}
	return atomicfile.Writable(path)
}

// opened is a checkpoint and what its header says.
type opened struct {
	file  *os.File
	in    *bufio.Reader // behind the header
	facts []Fact
	size  int64 // of the header
	sum   uint32
}

// open opens the checkpoint at path; nil where there is none, or an empty file. Where
// it is to be replaced, only what is no checkpoint at all is an error.
func open(path string, resume bool) (*opened, os.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, &fs.PathError{Op: "write", Path: path, Err: errors.New("is no regular file, as a checkpoint must be")}
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	f := &opened{file: file, in: bufio.NewReaderSize(file, 1<<20)}
	f.facts, f.size, f.sum, err = decodeHeader(path, f.in)
	if err == nil && f.size > 0 && resume {
		return f, info, nil
	}
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if !resume && !errors.Is(err, ErrNotCheckpoint) && errors.As(err, new(*FileError)) {
		err = nil // a checkpoint, of whatever kind: it may be replaced
	}
	return nil, nil, err
}

// appendRecord writes a record to w and returns its size and the checksum at its end.
func appendRecord(w io.Writer, sum uint32, asked request, answer [][]float64) (size int64, next uint32, err error) {
	n := 0
	for _, part := range answer {
		n += len(part)
	}
	head := binary.LittleEndian.AppendUint64(nil, 8*uint64(n))
	head = append(head, asked[:]...)
	write := func(b []byte) {
		if err == nil {
			sum = crc32.Update(sum, castagnoli, b)
			_, err = w.Write(b)
		}
	}
	write(head)
	buf := make([]byte, 0, min(8*n, 32<<10))
	for _, part := range answer {
		for len(part) > 0 {
			if len(buf) == cap(buf) {
				write(buf)
				buf = buf[:0]
			}
			m := min(len(part), (cap(buf)-len(buf))/8)
			for _, v := range part[:m] {
				buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(v))
			}
			part = part[m:]
		}
	}
	write(buf)
	if err == nil {
		_, err = w.Write(binary.LittleEndian.AppendUint32(nil, sum))
	}
	return int64(recordHead + 8*n + checksumSize), sum, err
}

// readRecord reads the next record of at most left bytes if it answers asked; ok is
// false where it does not, or is not whole.
func readRecord(r io.Reader, left int64, sum uint32, asked request) (answer []float64, next uint32, ok bool) {
	head := make([]byte, recordHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, 0, false
	}
	n := binary.LittleEndian.Uint64(head)
	left -= int64(recordHead + checksumSize)
	if request(head[8:]) != asked || n%8 != 0 || left < 0 || n > uint64(left) {
		return nil, 0, false
	}
	sum = crc32.Update(sum, castagnoli, head)
	answer = make([]float64, n/8)
	buf := make([]byte, min(n, 32<<10))
	for done := 0; done < len(answer); {
		b := buf[:min(len(buf), 8*(len(answer)-done))]
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, 0, false
		}
		sum = crc32.Update(sum, castagnoli, b)
		for ; len(b) > 0; b = b[8:] {
			answer[done] = math.Float64frombits(binary.LittleEndian.Uint64(b))
			done++
		}
	}
	var end [checksumSize]byte
	if _, err := io.ReadFull(r, end[:]); err != nil || binary.LittleEndian.Uint32(end[:]) != sum {
		return nil, 0, false
	}
	return answer, sum, true
}
