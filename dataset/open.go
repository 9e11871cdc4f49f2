package dataset

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/logreg-gpu/logreg-gpu/internal/gunzip"
)

// A format reads one kind of file. A new one is a new file with its read function
// and a row in this table.
type format struct {
	name       string
	extensions []string
	read       func(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error)
}

var formats = []format{
	{"csv", []string{".csv", ".txt", ".data"}, readCSV},
	{"tsv", []string{".tsv", ".tab"}, readTSV},
	{"libsvm", []string{".libsvm", ".svmlight", ".svm"}, readLibSVM},
	{"npy", []string{".npy"}, readNPY},
	{"npz", []string{".npz"}, readNPZ},
	{"lrb", []string{".lrb"}, readLRB},
	{"parquet", []string{".parquet", ".pq"}, readParquet},
	{"arrow", []string{".arrow", ".feather", ".ipc", ".arrows"}, readArrow},
}

// Formats are the names of the formats that can be read.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// compressions are undone before the format sees the bytes; they are recognised by
// their first bytes, whatever the file is called.
var compressions = []struct {
	extension string
	magic     string
	open      func(io.Reader) (next chunker, closed func(), err error)
	create    func(io.Writer) (io.WriteCloser, error)
	unpacked  func(file io.ReaderAt, size int64) int64 // how much the file says it holds; 0 where it does not
}{
	{".gz", "\x1f\x8b", func(r io.Reader) (chunker, func(), error) {
		z, err := gunzip.NewReader(r)
		if err != nil {
			return nil, nil, err
		}
		return z.Next, func() {}, nil
	}, func(w io.Writer) (io.WriteCloser, error) {
		return gzip.NewWriter(w), nil
	}, func(file io.ReaderAt, size int64) int64 {
		var b [4]byte
		if _, err := file.ReadAt(b[:], size-4); err != nil {
			return 0
		}
		// Of the last member, and modulo 2^32; no text gets larger by compressing it.
		n := int64(binary.LittleEndian.Uint32(b[:]))
		return n + (max(size-n, 0)+1<<32-1)>>32<<32
	}},
	{".zst", "\x28\xb5\x2f\xfd", func(r io.Reader) (chunker, func(), error) {
		z, err := zstd.NewReader(bufio.NewReaderSize(r, 256<<10), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return chunksOf(z), z.Close, nil
	}, func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w)
	}, func(file io.ReaderAt, size int64) int64 {
		b := make([]byte, min(size, zstd.HeaderMaxSize))
		var h zstd.Header
		if _, err := file.ReadAt(b, 0); err != nil || h.Decode(b) != nil || !h.HasFCS {
			return 0
		}
		return int64(min(h.FrameContentSize, math.MaxInt64))
	}},
}

// unpackedRatio bounds what is believed of what a compressed file holds.
const unpackedRatio = 16

// input is an opened, decompressed source of bytes.
type input struct {
	name string
	io.Reader

	// file and size are set where the bytes of Reader are those of a plain file, so
	// that a format may look ahead.
	file io.ReaderAt
	size int64

	// unpacked is how many bytes Reader has, by what a compressed file says of itself: a
	// guess that is worth reserving memory for. 0 where nothing is known.
	unpacked int64
}

// Read reads the table at path: a file, a pattern such as part-*.csv, of which the files
// in sorted order are one table, "-" for standard input, or a built-in set such as
// "builtin:iris". Gzip and zstd are recognised by content. A table that cannot be read is
// a *ReadError; otherwise the error is the context's.
func Read(ctx context.Context, path string, o ReadOptions) (*Dataset, error) {
	if name, ok := strings.CutPrefix(path, builtinPrefix); ok {
		return readBuiltin(ctx, name, o)
	}
	if path == "-" {
		stdin := o.Stdin
		if stdin == nil {
			stdin = os.Stdin
		}
		return ReadFrom(ctx, stdin, path, o)
	}
	paths, err := Files(path)
	if err != nil {
		return nil, err
	}
	table := o.forReaders()
	if len(paths) > 1 {
		d, err := readFiles(ctx, path, paths, &table)
		return finish(ctx, d, err, &o, &table)
	}
	d, err := readFile(ctx, paths[0], &table)
	return finish(ctx, d, err, &o, &table)
}

// ReadFrom reads a table from a stream, of which errors speak as name. The format
// is o.Format, else it follows from the extension of name, else it is CSV. Where ctx
// ends, or compressed data turn out wrong, while r makes it wait, r's Read is left behind
// in a goroutine.
func ReadFrom(ctx context.Context, r io.Reader, name string, o ReadOptions) (*Dataset, error) {
	if o.Format == "" && filepath.Ext(name) == "" {
		o.Format = "csv"
	}
	table := o.forReaders()
	d, err := read(ctx, &input{name: name, Reader: r}, &table)
	return finish(ctx, d, err, &o, &table)
}

// forReaders are the options as readers of formats get them.
func (o *ReadOptions) forReaders() ReadOptions {
	table := *o
	table.forEncoding()
	table.NoLabel = o.NoLabel || o.LabelFile != ""
	return table
}

// readFile reads one file, up to what is done with all of a table.
func readFile(ctx context.Context, path string, o *ReadOptions) (*Dataset, error) {
	file, err := open(ctx, path)
	if err != nil {
		return nil, openError(path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, openError(path, err)
	}
	in := &input{name: path, Reader: file}
	switch {
	case info.IsDir():
		return nil, &ReadError{File: path, Problem: "is a directory", Advice: "give a file"}
	case info.Mode().IsRegular():
		in.file, in.size = file, info.Size()
	case o.Format == "" && filepath.Ext(path) == "": // /dev/stdin, or <(zcat big.csv.gz) of a shell
		stream := *o
		stream.Format = "csv"
		o = &stream
	}
	return read(ctx, in, o)
}

// open is os.Open, which waits for as long as nobody writes to a named pipe; ctx ends
// the waiting, of which a goroutine is then left behind.
func open(ctx context.Context, path string) (*os.File, error) {
	if info, err := os.Stat(path); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return os.Open(path)
	}
	type result struct {
		file *os.File
		err  error
	}
	opened := make(chan result)
	go func() {
		file, err := os.Open(path)
		select {
		case opened <- result{file, err}:
		case <-ctx.Done():
			file.Close()
		}
	}()
	select {
	case r := <-opened:
		return r.file, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// read reads what in has.
func read(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error) {
	f, err := formatOf(in.name, o.Format, "--format")
	if err != nil {
		return nil, err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	if in.file == nil {
		in.Reader = &stoppable{ctx: reading, r: in.Reader}
	}
	in, done, err := decompressed(in)
	if err != nil {
		return nil, err
	}
	defer done()
	defer stop() // first, so that done need not wait for a stream
	d, err := f.read(ctx, in, o)
	if err != nil {
		return nil, err
	}
	d.Name = in.name
	return d, nil
}

// finish does what is done with all of a table, read by the options table. An error of
// reading it ends here too, where that of ctx goes before.
func finish(ctx context.Context, d *Dataset, err error, o, table *ReadOptions) (*Dataset, error) {
	if err == nil {
		err = withFile(d.finishIndices(ctx, table), d.Name)
	}
	if err == nil && o.LabelFile != "" && !o.NoLabel {
		err = d.readLabels(ctx, o.LabelFile, o.Classes)
	}
	if err == nil {
		err = d.encode(ctx, table)
	}
	if err == nil {
		return d, nil
	}
	if d != nil {
		d.Close()
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, err
}

// stoppable is a stream whose Read ends with its context: a terminal or a pipe may
// keep a reader waiting for ever.
type stoppable struct {
	ctx context.Context
	r   io.Reader
	buf []byte // what r reads into: it may still do so when nobody waits for it any more
}

func (s *stoppable) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx) // r may be at work for the Read before
	}
	type result struct {
		n   int
		err error
	}
	if len(s.buf) < len(p) {
		s.buf = make([]byte, len(p))
	}
	buf, read := s.buf[:len(p)], make(chan result, 1)
	go func() {
		n, err := s.r.Read(buf)
		read <- result{n, err}
	}()
	select {
	case r := <-read:
		return copy(p, buf[:r.n]), r.err
	case <-s.ctx.Done():
		return 0, context.Cause(s.ctx)
	}
}

// packed is the bytes of a compressed file. It tells the two ways apart in which
// decompressing them fails.
type packed struct {
	r   io.Reader
	err error // of r
}

func (p *packed) Read(b []byte) (n int, err error) {
	if n, err = p.r.Read(b); err != nil {
		p.err = err
	}
	return n, err
}

// damage is err of the decompressor, as a damagedError where the file could be read.
func (p *packed) damage(err error) error {
	if err == nil || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) || p.err != nil && p.err != io.EOF {
		return err
	}
	return &damagedError{err}
}

// damagedError is what a decompressor says of bytes that are not what was compressed.
type damagedError struct{ err error }

func (e *damagedError) Error() string { return e.err.Error() }
func (e *damagedError) Unwrap() error { return e.err }

// decompressed undoes a compression, if there is one, while what it contains is parsed.
func decompressed(in *input) (_ *input, done func(), err error) {
	bytes := &packed{r: in.Reader}
	head := bufio.NewReader(bytes)
	for _, c := range compressions {
		if magic, _ := head.Peek(len(c.magic)); string(magic) == c.magic {
			next, closed, err := c.open(head)
			if err != nil {
				return nil, nil, streamError(in.name, bytes.damage(err))
			}
			text, done := readAhead(func(buf []byte) ([]byte, error) {
				text, err := next(buf)
				return text, bytes.damage(err)
			})
			out := &input{name: in.name, Reader: text}
			if in.file != nil {
				out.unpacked = min(c.unpacked(in.file, in.size), in.size*unpackedRatio)
			}
			return out, func() { done(); closed() }, nil
		}
	}
	return &input{name: in.name, Reader: head, file: in.file, size: in.size}, func() {}, nil
}

// formatOf chooses the format by the given name, which flag has, else by the extension of
// path under that of a compression.
func formatOf(path, name, flag string) (*format, error) {
	ext := strings.ToLower(filepath.Ext(path))
	for _, c := range compressions {
		if ext == c.extension {
			ext = strings.ToLower(filepath.Ext(path[:len(path)-len(ext)]))
			break
		}
	}
	for i, f := range formats {
		if name == f.name || name == "" && slices.Contains(f.extensions, ext) {
			return &formats[i], nil
		}
	}
	advice := "use one of " + strings.Join(Formats(), ", ")
	if name != "" {
		return nil, &ReadError{File: path, Value: name, Problem: "unknown format " + quote(name), Advice: advice}
	}
	return nil, &ReadError{File: path, Value: ext, Problem: "cannot tell the format from the extension " + quote(ext), Advice: "name it with " + flag + "; " + advice}
}

// openError drops "open" and the path that the system's message repeats.
func openError(path string, err error) error {
	var p *fs.PathError
	problem := err.Error()
	if errors.As(err, &p) {
		problem = p.Err.Error()
	}
	return &ReadError{File: path, Problem: problem, Err: err}
}

// streamError is a failure below the format: the disk's, or a damaged archive.
func streamError(name string, err error) error {
	e := &ReadError{File: name, Problem: err.Error(), Err: err}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		e.Problem, e.Advice = "the compressed data end too early", "the file is damaged or incomplete"
	}
	if d := (*damagedError)(nil); errors.As(err, &d) {
		e.Problem, e.Advice = "the compressed data are damaged: "+err.Error(), "copy or compress the file again"
	}
	return e
}
