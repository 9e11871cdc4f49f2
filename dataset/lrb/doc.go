// Package lrb reads and writes .lrb files: a matrix of features in the machine's own
// numbers, dense or sparse, with the labels, weights, offsets and names that belong to
// it. A file loads as fast as its bytes can be read, X can be mapped into memory as it
// stands, and every byte that matters is under a checksum.
//
// A Writer takes the rows piece by piece - Append32, Append64 or AppendCSR, as often as
// there are pieces - and the columns beside them at the end, in Close. It never seeks and
// holds one block and 8 bytes a row, so that data larger than memory can be written, to
// anything that is an io.Writer:
//
//	err := atomicfile.Write(path, func(to io.Writer) error {
//		w := lrb.NewDense(to, cols, tensor.Float32)
//		for ... {
//			if err := w.Append32(rows); err != nil { return err } // whole rows, any number
//		}
//		return w.Close(lrb.Columns{Labels: labels, Classes: names})
//	})
//
// A File gives them back: all at once (Dense, CSR), or in pieces and again in every pass
// (Rows, a backend.RowReader).
//
// # Layout
//
// Numbers are little-endian. What the file holds is only known when the last row has
// been written; its description therefore stands at the end, as in Parquet.
//
//	offset 0          header, 64 bytes:
//	                    0  8 bytes  "\x89LRB\r\n\x1a\n"
//	                    8  uint32   version, 1
//	                   12  zeros
//	offset 64         the blocks of rows
//	...               sections, each at a multiple of 64, zeros between them
//	size-64-n         directory, n bytes of JSON
//	size-64           footer, 64 bytes:
//	                    0  uint64   offset of the directory
//	                    8  uint64   n
//	                   16  uint32   CRC-32C of the directory
//	                   20  uint32   CRC-32C of the 20 bytes before
//	                   24  zeros
//	                   56  8 bytes  "\x89LRB\r\n\x1a\n"
//
// Dense: X is rows x cols float32 or float64, row-major and without a gap, from offset 64
// on. Every block has the same number of rows, but for the last, and begins at a
// multiple of 64.
//
// Sparse: block after block, each at a multiple of 64: the column numbers of its
// entries as uint32, zeros up to a multiple of 64, then their values as float32 or float64
// unless all of them are 1. The columns of a row increase.
//
// The directory describes the matrix and says where the sections are. All but
// blocks are optional, row_pointers is there where the matrix is sparse, and what is not
// known here is ignored:
//
//	{"rows": 3, "cols": 2, "sparse": false, "values": "float32",  // float64; ones where sparse
//	 "entries": 0,                                                // of a sparse matrix
//	 "features": ["a", "b"],                                      // absent: x0, x1, ...
//	 "label": "y", "classes": ["0", "1"], "numeric": true,
//	 "sections": {"blocks": {"offset": 128, "bytes": 8, "crc32c": 305419896}, ...}}
//
//	blocks        {uint32 rows, uint32 CRC-32C} a block; the sum is that of the block's
//	              bytes, of a sparse one of its columns and then its values
//	row_pointers  int64, rows + 1 of them: where each row's entries begin
//	labels        int32, the class of each row
//	weights       float64, one a row
//	offsets       float64, one a row
//
// A file of a newer version is refused.
package lrb
