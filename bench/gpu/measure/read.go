package main

import (
	_ "embed"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

//go:embed read.ptx
var readPTX []byte

const (
	tileBytes   = 32768 // of X a block reads at a time
	readThreads = 256   // a block
)

// fitting is how many of n numbers the device holds in float64, with room to spare.
func fitting(d driver.Driver, n int) (int, error) {
	infos, err := d.Devices()
	if err != nil {
		return 0, err
	}
	return min(n, int(infos[0].Memory/8*6/10)), nil
}

// measureRead times the plain read of about n bytes by the driver's first device.
func measureRead(d driver.Driver, n int, budget time.Duration) (*Read, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, err := d.Open(0)
	if err != nil {
		return nil, err
	}
	defer ctx.Close()

	tiles := max(n/tileBytes, 1)
	k, err := newReader(ctx, tiles)
	if err != nil {
		return nil, err
	}
	best := &Read{Bytes: tiles * tileBytes}
	for _, perSM := range []int{1, 2, 4, 8} {
		blocks := perSM * ctx.Info().Multiprocessors
		var times []float64
		for begin := time.Now(); len(times) < 5 || time.Since(begin) < budget/4; {
			t, err := k.run(blocks)
			if err != nil {
				return nil, err
			}
			times = append(times, t)
		}
		slices.Sort(times)
		if rate := float64(best.Bytes) / times[len(times)/2] / 1e9; rate > best.GBs {
			best.GBs, best.BlocksPerSM = rate, perSM
		}
	}
	return best, nil
}

// reader is the kernel of read.ptx with its buffers, which its context owns.
type reader struct {
	ctx        driver.Context
	kernel     driver.Function
	x, out     driver.Ptr
	tiles      int
	stream     driver.Stream
	begin, end driver.Event
}

// maxBlocks bounds the launches of a reader.
const maxBlocks = 1 << 13

func newReader(ctx driver.Context, tiles int) (*reader, error) {
	k := &reader{ctx: ctx, tiles: tiles}
	m, err := ctx.Load("read.ptx", readPTX)
	if err != nil {
		return nil, err
	}
	if k.kernel, err = m.Function("read"); err != nil {
		return nil, err
	}
	if k.x, err = ctx.Alloc("x", int64(tiles)*tileBytes); err != nil {
		return nil, err
	}
	if k.out, err = ctx.Alloc("out", maxBlocks*readThreads*4); err != nil {
		return nil, err
	}
	tile := tileOfNumbers()
	for i := range tiles {
		if err := ctx.CopyIn(k.x+driver.Ptr(i*tileBytes), tile); err != nil {
			return nil, err
		}
	}
	if k.stream, err = ctx.NewStream(); err != nil {
		return nil, err
	}
	if k.begin, err = ctx.NewEvent(); err != nil {
		return nil, err
	}
	k.end, err = ctx.NewEvent()
	return k, err
}

// tileOfNumbers is one tile of what X is made of elsewhere.
func tileOfNumbers() []byte {
	b := make([]byte, 0, tileBytes)
	for _, v := range numbers(tileBytes / 4) {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// run reads x once, in up to maxBlocks blocks, and returns the seconds it took by the
// device's clock.
func (k *reader) run(blocks int) (seconds float64, err error) {
	if err := k.stream.Record(k.begin); err != nil {
		return 0, err
	}
	err = k.ctx.Launch(k.kernel, driver.Grid1(min(blocks, maxBlocks), readThreads, 0, k.stream),
		driver.PtrArg(k.x), driver.Uint64(uint64(k.tiles)), driver.PtrArg(k.out))
	if err != nil {
		return 0, err
	}
	if err := k.stream.Record(k.end); err != nil {
		return 0, err
	}
	if err := k.end.Synchronize(); err != nil {
		return 0, err
	}
	ms, err := k.end.Since(k.begin)
	return float64(ms) / 1e3, err
}
