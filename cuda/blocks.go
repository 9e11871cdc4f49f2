package cuda

// Sums over rows are cut into logical blocks, a function of the shape of X alone, so
// that no result depends on the device, the grid or the order of blocks. More blocks
// fill a wide GPU; fewer keep the partial sums, d+1 numbers a block and output, small
// beside X.

// blocksOf is the number of logical blocks of a sum of d+1 numbers over n rows.
func blocksOf(n, d int) int {
	// least rows a block: the partial sums are then 1/16 of what is read. 264: two blocks for
	// each SM of the largest devices.
	least, most := 16, 264
	switch {
	case d <= 64:
		least = 256 // two tiles of the tile form, 32 rows a warp of the warp form
	case d <= 1024:
		least = 64 // eight rows a warp of the warp form
	default: // many rows: more blocks than a wave or two, so that the last wave costs little
		most = max(most, n/512)
	}
	return min(max(n/least, 1), max(1<<20/(d+1), most), 4096)
}

// squareBlocksOf is the number for sums of (d+1)^2/2 numbers: partial sums within 64 MB
// where one block allows it.
func squareBlocksOf(n, numbers, size int) int {
	return min(max(n/256, 1), max(64<<20/(numbers*size), 1), 4096)
}

// chunks are the bytes that an operation takes at a time where it does not take all rows, and hot.
type chunks struct {
	source    int // of the source, through each of the two pinned buffers
	cache     int // of X between the two phases: what stays in the L2 cache
	predicted int // of probabilities on the device
	residuals int // of four outputs over sparse X: what the columns of a row block find in the L2 cache
	chosen    int // of chosen columns as a dense table
	hot       int // of columns: entries beyond which fixed-point sums keep a column in shared memory
	piece     int // of X that is one Data: more is cut, and need not all be on the device
}

var chunkBytes = chunks{source: 32 << 20, cache: 16 << 20, predicted: 32 << 20, residuals: 16 << 20, chosen: 64 << 20, hot: 1 << 14, piece: 4 << 30}

// step is how many of n rows make a row block of sparse X, for products of that size.
func (c chunks) step(size, n int) int { return min(max(c.residuals/(4*size), 1), n) }

// rows of the two-phase kernels at a time.
func (c chunks) rows(rowBytes int) int { return max(c.cache/rowBytes, 256) }
