package ptx

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// BenchmarkDot runs a memory-bound kernel; "lanes/s" is the rate that a test
// suite's budget is planned with.
func BenchmarkDot(b *testing.B) {
	for name, unchecked := range map[string]bool{"checked": false, "unchecked": true} {
		b.Run(name, func(b *testing.B) {
			text, err := os.ReadFile("testdata/basic.sm_75.ptx")
			require.NoError(b, err)
			d := NewDriver(Config{Unchecked: unchecked})
			c, err := d.Open(0)
			require.NoError(b, err)
			m, err := c.Load("basic", text)
			require.NoError(b, err)
			f, err := m.Function("dot")
			require.NoError(b, err)
			const n = 1 << 18
			x, _ := c.Alloc("x", 4*n)
			out, _ := c.Alloc("out", 8*8)
			require.NoError(b, c.CopyIn(x, make([]byte, 4*n)))
			b.SetBytes(8 * n * 8)
			for b.Loop() {
				require.NoError(b, c.Launch(f, driver.Grid1(8, 256, 1024, nil), driver.PtrArg(x), driver.PtrArg(x),
					driver.PtrArg(out), driver.Uint32(n)))
			}
			k := d.Counters()["dot"]
			b.ReportMetric(float64(k.LaneInstructions())/b.Elapsed().Seconds(), "lanes/s")
		})
	}
}
