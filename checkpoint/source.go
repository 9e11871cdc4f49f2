package checkpoint

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"sync"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// OfSource are the facts of what a Data is loaded from. Matrices in memory are read
// once, at the speed of memory; of one that is read in pieces, some pieces are.
// Errors are those of its reader.
func OfSource(src *backend.Source) ([]Fact, error) {
	rows, cols := src.Shape()
	var (
		kind   string
		values summary
	)
	switch {
	case src.Sparse != nil:
		kind = fmt.Sprintf("sparse %v", src.Sparse.Dtype())
		values.sparse(src.Sparse)
	case src.Rows != nil:
		kind = fmt.Sprintf("%v in pieces", src.Rows.Dtype())
		if err := values.pieces(src.Rows); err != nil {
			return nil, err
		}
	case src.SparseRows != nil:
		kind = fmt.Sprintf("sparse %v in pieces", src.SparseRows.Dtype())
		if err := values.sparsePieces(src.SparseRows); err != nil {
			return nil, err
		}
	default:
		kind = fmt.Sprintf("dense %v", src.X.Dtype())
		values.dense(src.X)
	}
	facts := []Fact{Of("rows", rows), Of("columns", cols), Of("X", kind), values.fact("values of X")}
	var labels, weights, offsets, folds summary
	for _, c := range src.Labels {
		labels.bytes(bytesOf(c))
	}
	for _, c := range src.Weights {
		weights.bytes(bytesOf(c))
	}
	for _, c := range src.Offsets {
		offsets.bytes(bytesOf(c))
	}
	folds.bytes(bytesOf(src.Folds))
	return append(facts, labels.fact("labels"), weights.fact("weights"), offsets.fact("offsets"), folds.fact("folds")), nil
}

// summary is made of the checksums of blocks of memory, by as many goroutines as there
// are processors.
type summary struct{ sums []byte }

// summaryBlock is the bytes that one checksum is of.
const summaryBlock = 64 << 10

// bytes adds the checksums of b, and how many there are.
func (s *summary) bytes(b []byte) {
	n := (len(b) + summaryBlock - 1) / summaryBlock
	at := len(s.sums) + 8
	s.sums = append(binary.LittleEndian.AppendUint64(s.sums, uint64(len(b))), make([]byte, 4*n)...)
	sums := s.sums[at:]
	workers := min(n, runtime.GOMAXPROCS(0))
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			for k := w * n / workers; k < (w+1)*n/workers; k++ {
				block := b[k*summaryBlock : min((k+1)*summaryBlock, len(b))]
				binary.LittleEndian.PutUint32(sums[4*k:], crc32.Checksum(block, castagnoli))
			}
		})
	}
	done.Wait()
}

func (s *summary) fact(name string) Fact { return digest(name, sha256.Sum256(s.sums)) }

func (s *summary) dense(x *tensor.Dense) {
	switch x := x.Data().(type) {
	case []float32:
		s.bytes(bytesOf(x))
	case []float64:
		s.bytes(bytesOf(x))
	}
}

func (s *summary) sparse(m *backend.CSR) {
	s.bytes(bytesOf(m.RowPtr))
	s.bytes(bytesOf(m.Col))
	s.bytes(bytesOf(m.Val32))
	s.bytes(bytesOf(m.Val64))
}

// Of a matrix in pieces, so many are looked at, spread evenly from the first rows to
// the last, of about so many bytes each: all of it would take as long as a pass of the
// fit.
const (
	piecesSeen = 64
	pieceBytes = 256 << 10
)

func (s *summary) pieces(r backend.RowReader) error {
	rows, cols := r.Shape()
	size := 8
	if r.Dtype() == tensor.Float32 {
		size = 4
	}
	each := min(max(1, pieceBytes/(cols*size)), rows)
	for i := range piecesSeen {
		first := i * (rows - each) / (piecesSeen - 1)
		var err error
		if size == 4 {
			piece := make([]float32, each*cols)
			err = r.ReadRows32(first, piece)
			s.bytes(bytesOf(piece))
		} else {
			piece := make([]float64, each*cols)
			err = r.ReadRows64(first, piece)
			s.bytes(bytesOf(piece))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *summary) sparsePieces(r backend.SparseReader) error {
	s.bytes(bytesOf(r.RowPtr()))
	rows, _ := r.Shape()
	perRow := int(r.RowPtr()[rows]/int64(rows)) + 1
	each := min(max(1, pieceBytes/(12*perRow)), rows)
	var piece backend.CSR
	for i := range piecesSeen {
		if err := r.ReadCSR(i*(rows-each)/(piecesSeen-1), each, &piece); err != nil {
			return err
		}
		s.sparse(&piece)
	}
	return nil
}

// bytesOf is the memory of s.
func bytesOf[T any](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(s[0])))
}
