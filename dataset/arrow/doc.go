// Package arrow reads and writes Arrow IPC: the file format, which is also version 2 of
// Feather, and the stream format. It knows flat columns of numbers, booleans, decimals and
// text, in a dictionary or not, plain or packed with LZ4 or Zstandard; what else a file
// holds is described and passed by.
//
//	flat.go      a flatbuffer, whose offsets are all checked
//	message.go   messages, and the footer of files
//	schema.go    fields and their types
//	batch.go     record batches: which buffers belong to which column
//	stream.go    the bytes of a buffer, unpacked as they are read
//	cells.go     the cells of a column; numbers.go, texts.go, dictionary.go
//	write.go     files of float32, float64 and labels
//
// Nothing is believed before it has been held against the size of the file, and no memory
// is taken for what a file claims: buffers are read, and unpacked, piece by piece. A file
// that cannot be read is an *Error.
//
// Files end with a footer and streams with a mark; one that ends before is incomplete.
// (The mark is optional in the format, but everybody writes it, and without it a stream
// that was cut between two batches would be taken for a whole one.)
//
// https://arrow.apache.org/docs/format/Columnar.html
package arrow
