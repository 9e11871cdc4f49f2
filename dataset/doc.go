// Package dataset holds tables ready for training: the numbers as a tensor, the
// labels as class numbers, and the names of both. It reads and splits them.
//
//	path, pattern of paths, "-" or builtin:NAME
//	      |  open.go     decompression, format by extension; join.go several files
//	format (csv.go,      one file a format, listed in the table formats
//	  npy.go, arrow.go)
//	      |  columns.go  which column is the label, a weight, a feature
//	    Table            columns with text or missing cells, where there are such
//	      |  encode.go   an Encoding, learned or a model's, makes features of them
//	   Dataset           X, Labels + Classes, Weights, Offsets, names
//	      |
//	Source()             what a backend loads
//
// Numbers are taken as they are, never scaled. What is done about text and missing
// cells is asked for (EncodeOptions) and kept (Encoding); without, a cell that is missing
// or no finite number is a *ReadError that names file, line and column.
//
// It does no training and knows nothing of models beyond the names of their
// features and classes.
package dataset
