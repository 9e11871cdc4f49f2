package dataset

import (
	"io"
	"runtime"

	"gorgonia.org/tensor"
)

// Header says whether the first row of a text table holds column names.
type Header uint8

const (
	// HeaderAuto takes the first row for a header when a feature cell in it is text -
	// neither a number nor a mark of a missing one (empty, NA, nan, ?) - and the cell
	// below it is not; when all of its features are text; when its label is no number
	// but the next row's label is; or when columns are asked for by names that stand in
	// it.
	HeaderAuto Header = iota
	HeaderPresent
	HeaderAbsent
)

// ReadOptions say how to read a table; the zero value reads float64 features and
// takes the last column for the label.
//
// Columns are given by name or by index from 0; negative indexes count from the
// end, -1 is the last. Where a header has a column of that very name, the name wins.
type ReadOptions struct {
	// Format is the name of the format: "csv", "tsv", "libsvm", "npy" or "npz"; empty
	// chooses by extension, and csv for a stream.
	Format string

	// Delimiter separates the cells of a CSV; 0 finds out which of comma, semicolon
	// and tab it is.
	Delimiter byte

	Header Header

	// Label is the label column; empty is the last one. In an NPZ archive Label, Weight
	// and Offset name arrays instead; empty are y and, where they are there,
	// sample_weight and offset.
	Label string

	// LabelFile is an NPY file with one label a row, or a pattern of several. All columns are then features,
	// but for one that Label names, which is left out.
	LabelFile string

	// NoLabel reads no labels. The label column, if Label names one, is left out of
	// the features; with an empty Label all columns are features.
	NoLabel bool

	// Weight and Offset are the columns of sample weights and of offsets; empty: none.
	Weight, Offset string

	// Ignore lists columns that are not read.
	Ignore []string

	// Float is the type of X, tensor.Float64 or tensor.Float32. The zero value is
	// float64, but float32 for arrays of float32 and float16. From text, a float32 is
	// the float64 nearest to the text, rounded once more.
	Float tensor.Dtype

	// IndexBase is where a LibSVM file's indices begin, Cols how many features it has; 0:
	// as many as its largest index says. With Features they are as many as those.
	IndexBase IndexBase
	Cols      int

	// Features are the feature names of a model: X gets these columns in this order.
	//
	// With a header they are found by name wherever they stand, other columns are
	// ignored, and missing ones are an error. Without a header - or where Features
	// are the names x0, x1, ... of a model trained without one - they are taken by
	// position: what is left after the weight, offset and ignored columns must be
	// exactly the features, or the features and the label column. With NoLabel the
	// label column may be absent.
	Features []string

	// Group names a column that is no feature but says which rows belong together, by
	// numbers or text: Dataset.Groups.
	Group string

	// Encode says how columns of text and missing cells become features; what is learned
	// for it is the Encoding of the dataset.
	Encode EncodeOptions

	// Encoding is a model's: X gets its features, from the columns that it names, which
	// are found as Features are. Features and Encode are then not read.
	Encoding *Encoding

	// Classes are the classes of a model: labels are encoded by them, and a label
	// that is not among them is an error. Nil takes the classes from the data.
	Classes *Classes

	// Threads bounds the goroutines that parse; 0 is one a processor. The result
	// does not depend on it.
	Threads int

	// MaxMemory bounds the bytes that the features may take in memory, half of them: the
	// rest is for what is done with them. Where they take more they stay on the disk and
	// the dataset, which is to be closed, has them as Stream. 0 is no bound.
	MaxMemory int64

	// Scratch is the directory for text that does not fit into memory; empty is the
	// system's for temporary files.
	Scratch string

	// Stdin is what the path "-" reads; nil is os.Stdin.
	Stdin io.Reader

	tableOnly  bool // every cell is wanted as it stands
	blockBytes int  // text is cut into blocks of about this size; 0: defaultBlock
}

// workers is the number of goroutines that Threads asks for.
func (o *ReadOptions) workers() int {
	if o.Threads > 0 {
		return o.Threads
	}
	return runtime.GOMAXPROCS(0)
}
