package dataset

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// emptyGroup claims rows and has none.
type emptyGroup struct{ rows int }

func (g emptyGroup) numRows() int { return g.rows }

func (g emptyGroup) open(int) (cellReader, error) { return g, nil }

func (emptyGroup) Next32([]float32) ([]float32, error) { return nil, parquetDamage("no cells") }

func (emptyGroup) Next64([]float64) ([]float64, error) { return nil, parquetDamage("no cells") }

func (emptyGroup) Texts(int, func([]byte)) error { return parquetDamage("no cells") }

func (emptyGroup) Close() {}

// Rows that a file claims, and could hold if it were packed well, take no memory before
// they are there.
func TestColumnar_ClaimedRowsTakeNoMemory(t *testing.T) {
	const rows = 1 << 38 // 4 TB of features
	for _, o := range []ReadOptions{{}, {Encode: EncodeOptions{Missing: MissingMean}}} {
		f := &columnar{format: "Parquet", rows: rows, size: rows / 400, columns: []columnarColumn{{name: "a"}, {name: "b"}, {name: "y"}}, groups: []columnGroup{emptyGroup{rows}}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := f.dataset(t.Context(), &o)
		runtime.ReadMemStats(&after)
		require.EqualError(t, err, ": the Parquet data make no sense: no cells; the file is damaged")
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
	}
}
