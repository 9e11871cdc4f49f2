// Package dataset holds tables ready for training: the numbers as a tensor, the
// labels as class numbers, and the names of both. It reads and splits them.
//
//	path, "-" or builtin:NAME
//	      |  open.go     decompression, format by extension
//	format (csv.go,      one file a format, listed in the table formats
//	  npy.go, npz.go)
//	      |  columns.go  which column is the label, a weight, a feature
//	   Dataset           X, Labels + Classes, Weights, Offsets, names
//	      |
//	Source()             what a backend loads
//
// Everything here works on rows and columns as they are: it never scales, fills
// in or drops a value. A cell that is not a finite number is a *ReadError that
// names file, line and column.
//
// It does no training and knows nothing of models beyond the names of their
// features and classes.
package dataset
