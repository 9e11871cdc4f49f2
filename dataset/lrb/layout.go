package lrb

import (
	"encoding/binary"
	"unsafe"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Magic are the first bytes of a file: a byte that is no text, and line ends that a
// transfer as text would change.
const Magic = "\x89LRB\r\n\x1a\n"

const (
	version = 1

	headSize = 64 // of header and footer
	align    = 64

	// blockBytes is about the size of a block: a checksum is taken while the block is in
	// a core's cache, and reading a part of a block costs no more than this.
	blockBytes = 256 << 10

	// maxBlockRows bounds the rows of a sparse block, which may all be empty.
	maxBlockRows = 1 << 16
)

// directory is the JSON at the end of a file.
type directory struct {
	Rows     int                `json:"rows"`
	Cols     int                `json:"cols"`
	Sparse   bool               `json:"sparse"`
	Values   string             `json:"values"`
	Entries  int64              `json:"entries,omitempty"`
	Features []string           `json:"features,omitempty"`
	Label    string             `json:"label,omitempty"`
	Classes  []string           `json:"classes,omitempty"`
	Numeric  bool               `json:"numeric,omitempty"`
	Sections map[string]section `json:"sections"`
}

// section is a stretch of the file.
type section struct {
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"`
	CRC    uint32 `json:"crc32c"`
}

const (
	sectionBlocks  = "blocks"
	sectionRowPtr  = "row_pointers"
	sectionLabels  = "labels"
	sectionWeights = "weights"
	sectionOffsets = "offsets"
)

// blockRecord is a block's entry in the section blocks.
type blockRecord struct {
	rows uint32
	crc  uint32
}

// valueType is what a matrix holds.
type valueType string

const (
	float32s valueType = "float32"
	float64s valueType = "float64"
	ones     valueType = "ones" // every entry of a sparse matrix is 1 and has no value
)

// size is that of one value in bytes, -1 for an unknown type.
func (v valueType) size() int64 {
	switch v {
	case float32s:
		return 4
	case float64s:
		return 8
	case ones:
		return 0
	}
	return -1
}

func (v valueType) dtype() tensor.Dtype {
	if v == float64s {
		return tensor.Float64
	}
	return tensor.Float32
}

func valueTypeOf(dtype tensor.Dtype) valueType {
	if dtype == tensor.Float64 {
		return float64s
	}
	return float32s
}

// Columns are what belongs to the rows besides the matrix. What is nil is absent.
type Columns struct {
	Features []string // the names of the columns of X; nil: x0, x1, ...

	Label   string   // the name of the label column
	Labels  []int32  // the class of every row, an index into Classes
	Classes []string // the labels' names
	Numeric bool     // all of Classes are numbers

	Weights, Offsets []float64 // one a row
}

// denseBlockRows is the number of rows of a dense block: about blockBytes, and so many
// that all blocks are aligned.
func denseBlockRows(rowBytes int64) int64 {
	step := int64(align)
	for step > 1 && step/2*rowBytes%align == 0 {
		step /= 2
	}
	return max(step, blockBytes/rowBytes/step*step)
}

// sparseBlockBytes are the sizes of the parts of a sparse block of n entries: columns,
// the zeros behind them, values, the zeros behind these.
func sparseBlockBytes(n int64, v valueType) (cols, colsPad, values, valuesPad int64) {
	cols, values = 4*n, v.size()*n
	return cols, padding(cols), values, padding(values)
}

func padding(n int64) int64 { return -n & (align - 1) }

// bytesOf are the numbers' bytes, as they are on a little-endian machine.
func bytesOf[E uint32 | int32 | int64 | float32 | float64 | blockRecord](s []E) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(s[0])))
}

// littleEndian tells whether this machine's numbers are those of the file.
func littleEndian() bool {
	return binary.NativeEndian.Uint16([]byte{1, 0}) == 1
}

// valuesOf are the values of entries [from, to) of m, as bytes.
func valuesOf(m *backend.CSR, from, to int64) []byte {
	switch {
	case m.Val64 != nil:
		return bytesOf(m.Val64[from:to])
	case m.Val32 != nil:
		return bytesOf(m.Val32[from:to])
	}
	return nil
}
