//go:build !race

package cuda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// fromDisk opens an emulated device beside a host of so many bytes, and loads src from its disk
// in pieces of about 16000 bytes. A short device lacks half of what X takes beside use.
func fromDisk(t testing.TB, src *backend.Source, s backend.Storage, short bool, host int64, fixed bool, use ...func(*pieces) error) (*pieces, backend.Backend, error) {
	open := func(device int64) (*pieces, backend.Backend, *ptx.Driver, error) {
		b, d := inPieces(t, ptx.Config{Unchecked: true, Late: true, Memory: device}, 8000)
		b.(*gpu).memory, b.(*gpu).fixedPoint = host, fixed
		x, err := b.Load(t.Context(), src, s)
		if err != nil {
			return nil, b, d, err
		}
		return x.(*pieces), b, d, nil
	}
	p, b, d, err := open(0)
	if err != nil || !short {
		return p, b, err
	}
	if use == nil {
		use = append(use, func(p *pieces) error {
			return p.Eval(t.Context(), modelSets["three"], coefficients(3, p.Cols()), new(backend.Evaluation))
		})
	}
	require.NoError(t, use[0](p))
	bytes := int64(0)
	for _, part := range p.parts {
		bytes += part.bytes()
	}
	require.NoError(t, p.Close())
	require.NoError(t, b.Close())
	p, b, _, err = open(d.MostUsed() - bytes/2)
	return p, b, err
}

// allAndSome is all of d and of a few of its rows.
func allAndSome(ctx context.Context, d backend.Data, models []backend.Model) ([]float64, error) {
	numbers, err := all(ctx, d, models)
	if err != nil {
		return nil, err
	}
	var rows []int
	for k := range 30 {
		rows = append(rows, k*83%d.Rows())
	}
	sample, err := d.(backend.Sampler).Sample(ctx, rows, nil)
	if err != nil {
		return nil, err
	}
	drawn, err := all(ctx, sample, models)
	return append(numbers, drawn...), errors.Join(err, sample.Close())
}

// Sparse X on disk is X in memory to the last bit, whatever the device and the host have room
// for; a host too small for the same pieces has smaller ones, and sums that round elsewhere.
func TestPiecesRead_P10_SameBitsAsInMemory(t *testing.T) {
	for _, c := range []struct {
		kind    string
		storage backend.Storage
		models  string
		fixed   bool
	}{
		{"float32", backend.Float32, "one", false},
		{"float64", backend.Float64, "one", false},
		{"float64", backend.Float32, "one", false},
		{"float32", backend.Float64, "one", true},
		{"ones", backend.Float32, "softmax3", false},
		{"float32", backend.Float32, "one", true},
	} {
		t.Run(fmt.Sprintf("%s as %v, fixed %v", c.kind, c.storage, c.fixed), func(t *testing.T) {
			t.Parallel()
			models, src := modelSets[c.models], sparseSource(3000, 12, 4, c.kind)
			b, _ := inPieces(t, ptx.Config{Unchecked: true}, 8000)
			b.(*gpu).fixedPoint = c.fixed
			x, err := b.Load(t.Context(), src, c.storage)
			require.NoError(t, err)
			first := x.(*pieces).first
			require.Greater(t, len(first), 5)
			want, err := allAndSome(t.Context(), x, models)
			require.NoError(t, err)
			require.NoError(t, x.Close())
			require.NoError(t, b.Close())

			reread, smaller, least := 0, 0, int64(50_000)
			if c.fixed { // of which hot columns take 8192 bytes a hand
				least = 75_000
			}
			for _, short := range []bool{false, true} {
				for _, host := range []int64{0, 200_000, least} {
					if !short && host == 200_000 {
						continue // nothing new
					}
					disk, file := backendtest.SparseOnDisk(src)
					use := func(p *pieces) error {
						_, err := allAndSome(t.Context(), p, models)
						return err
					}
					p, b, err := fromDisk(t, disk, c.storage, short, host, c.fixed, use)
					what := fmt.Sprintf("short %v, %d bytes of host", short, host)
					require.NoError(t, err, what)
					loaded := file.Read.Load()
					got, err := allAndSome(t.Context(), p, models)
					require.NoError(t, err, what)
					require.Equal(t, short, p.Placement() != "", "%s: %s", what, p.Placement())
					if file.Read.Load() > loaded {
						require.True(t, short, what)
						reread++
					}
					if slices.Equal(p.first, first) {
						require.Len(t, got, len(want))
						for i := range want {
							require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), "number %d with %s", i, what)
						}
					} else {
						require.Positive(t, host, what)
						requireNear(t, c.storage, want, got, "%s", what)
						smaller++
					}
					require.NoError(t, p.Close())
					require.NoError(t, b.Close())
				}
			}
			t.Logf("%d fits read again, %d in smaller pieces", reread, smaller)
			require.Positive(t, reread)
			if !c.fixed { // one copy has room
				require.Positive(t, smaller)
			}
		})
	}
}

// Read in pieces of a few rows, X gives what the reference has in memory.
func TestPiecesRead_P5_P10_ParityWithTheReference(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		for _, kind := range []string{"float32", "ones"} {
			src := sparseSource(3000, 30, 5, kind)
			disk, file := backendtest.SparseOnDisk(src)
			p, b, err := fromDisk(t, disk, backend.Float64, true, 90_000, fixed)
			require.NoError(t, err)
			require.Greater(t, len(p.parts), 2)
			want, err := reference.New().Load(t.Context(), src, backend.Float64)
			require.NoError(t, err)
			coef := coefficients(backend.Outputs(modelSets["three"]), 30)
			var gotEv, wantEv backend.Evaluation
			require.NoError(t, want.Eval(t.Context(), modelSets["three"], coef, &wantEv))
			for range 2 {
				before := file.Read.Load()
				require.NoError(t, p.Eval(t.Context(), modelSets["three"], coef, &gotEv))
				require.Greater(t, file.Read.Load(), before)
				requireNear(t, backend.Float64, wantEv.Loss, gotEv.Loss, "loss")
				requireNear(t, backend.Float64, wantEv.Grad, gotEv.Grad, "gradient")
			}
			require.NoError(t, p.Close())
			require.NoError(t, want.Close())
			require.NoError(t, b.Close())
		}
	}
}

// A hand takes no more memory than was planned for it, and all of them no more than allowed.
func TestPiecesRead_KeepsWithinTheMemory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows, cols := rapid.IntRange(1, 400).Draw(rt, "rows"), rapid.IntRange(1, 60).Draw(rt, "cols")
		kind := rapid.SampledFrom([]string{"float32", "float64", "ones"}).Draw(rt, "kind")
		storage := rapid.SampledFrom([]backend.Storage{backend.Float32, backend.Float64}).Draw(rt, "storage")
		src := sparseSource(rows, cols, rapid.IntRange(0, 20).Draw(rt, "mean"), kind)
		g := &gpu{chunks: chunkBytes, fixedPoint: rapid.Bool().Draw(rt, "fixed"), memory: rapid.Int64Range(20_000, 3_000_000).Draw(rt, "memory")}
		g.chunks.piece, g.chunks.source = 1<<rapid.IntRange(12, 18).Draw(rt, "piece"), 4<<10
		g.chunks.residuals = 16 << rapid.IntRange(0, 12).Draw(rt, "residuals")
		disk, file := backendtest.SparseOnDisk(src)
		d := newData(g, disk.Columns(), storage, backend.Affine{})
		first, room, err := d.planRead(file)
		var limit *backend.MemoryLimitError
		if errors.As(err, &limit) {
			require.Greater(t, limit.Needs, g.memory)
			g.memory = limit.Needs
			first, room, err = d.planRead(file)
		}
		require.NoError(t, err)
		require.True(t, room.hands == 1 || room.hands == 2)
		require.GreaterOrEqual(t, room.held, int64(0))
		require.LessOrEqual(t, 8*int64(rows)+room.held+room.sample+2*room.pinned+int64(room.hands)*room.hand, g.memory)
		check := func(h interface{ capacity() int64 }, i int) {
			require.LessOrEqual(t, h.capacity(), room.hand, "part %d of %d", i, len(first)-1)
		}
		for i := range first[:len(first)-1] {
			if d.realSize == 4 {
				m, h := newReadMatter[float32](g, disk, d, first, room, nil), new(hand[float32])
				require.NoError(t, h.prepare(t.Context(), m, first[i], first[i+1]))
				check(h, i)
			} else {
				m, h := newReadMatter[float64](g, disk, d, first, room, nil), new(hand[float64])
				require.NoError(t, h.prepare(t.Context(), m, first[i], first[i+1]))
				check(h, i)
			}
		}
		most := d.mostSampled(file, room)
		require.True(t, 0 <= most && most <= rows)
	})
}

// capacity is the memory that a hand has.
func (h *hand[F]) capacity() int64 {
	n := 4*(cap(h.col)+cap(h.row)) + 8*cap(h.x.rowPtr)
	if h.x.valued {
		n += len(bytesOf(h.val[:cap(h.val)])) + len(bytesOf(h.vals[:cap(h.vals)]))
	}
	o := h.order
	n += 8*(cap(o.start)+cap(o.tasks)+cap(o.blocks)) + 4*cap(o.column)
	for _, next := range o.next {
		n += 8 * cap(next)
	}
	last := len(h.content) - 1 // slots of pieces and first ones; or counts, places and hot columns
	n += len(h.content[last])
	if h.x.fixed != nil {
		n += len(h.content[last-1]) + len(h.content[last-2])
	} else {
		n += len(h.content[last-2])
	}
	return int64(n)
}

// While the device has one part to work on, the next is read.
func TestPiecesRead_ReadsAhead(t *testing.T) {
	t.Parallel()
	disk, file := backendtest.SparseOnDisk(sparseSource(1500, 12, 4, "float32"))
	p, b, err := fromDisk(t, disk, backend.Float32, true, 400_000, false)
	require.NoError(t, err)
	m := p.x.(*readMatter[float32])
	require.NoError(t, p.g.do(func() error { m.left = 0; clear(m.held); m.drop(); return nil }))
	begun := make(chan int, 1000)
	file.Fail = func(first, _ int) error { begun <- first; return nil }
	i := slices.Index(p.own, nil)
	require.NoError(t, p.ready(t.Context(), i))
	next := p.first[i+1]
	for slices.Contains(p.first, next) && <-begun < next { // ends when rows of a later part are asked for
	}
	require.NoError(t, p.Close())
	require.NoError(t, b.Close())
}

// A read that fails ends the operation with its error, and the next one begins anew.
func TestPiecesRead_ReadErrorsEndThePass(t *testing.T) {
	gone := errors.New("rows are gone")
	for _, fixed := range []bool{false, true} {
		disk, file := backendtest.SparseOnDisk(sparseSource(3000, 12, 4, "float64"))
		p, b, err := fromDisk(t, disk, backend.Float32, true, 130_000, fixed)
		require.NoError(t, err)
		models, coef := modelSets["one"], coefficients(1, 12)
		var want, got backend.Evaluation
		require.NoError(t, p.Eval(t.Context(), models, coef, &want))
		file.Fail = func(first, n int) error {
			if first >= 1500 {
				return gone
			}
			return nil
		}
		failed := 0
		for range 3 {
			if err := p.Eval(t.Context(), models, coef, &got); err != nil {
				require.ErrorIs(t, err, gone)
				failed++
			}
		}
		require.Positive(t, failed)
		_, err = p.Sample(t.Context(), []int{3, 2600, 1200, 2999, 5}, nil)
		require.ErrorIs(t, err, gone)
		require.NoError(t, p.g.do(func() error { p.x.(*readMatter[float32]).drop(); return nil })) // what was read ahead before
		file.Fail = nil
		require.NoError(t, p.Eval(t.Context(), models, coef, &got))
		require.Equal(t, want, got)
		require.NoError(t, p.Close())
		require.NoError(t, b.Close())
	}
}

// An operation that waits for the disk stops with its context, and Close when nothing reads.
func TestPiecesRead_CancelledWhileReading(t *testing.T) {
	t.Parallel()
	disk, file := backendtest.SparseOnDisk(sparseSource(3000, 12, 4, "float32"))
	p, b, err := fromDisk(t, disk, backend.Float32, true, 130_000, false)
	require.NoError(t, err)
	models, coef := modelSets["one"], coefficients(1, 12)
	var want, got backend.Evaluation
	require.NoError(t, p.Eval(t.Context(), models, coef, &want))
	require.NoError(t, p.g.do(func() error { p.x.(*readMatter[float32]).drop(); return nil }))
	ctx, cancel := context.WithCancelCause(t.Context())
	enough, release := errors.New("enough"), make(chan struct{})
	file.Fail = func(int, int) error {
		cancel(enough)
		<-release
		return nil
	}
	require.ErrorIs(t, p.Eval(ctx, models, coef, &got), enough)
	close(release)
	require.NoError(t, p.Eval(t.Context(), models, coef, &got))
	require.Equal(t, want, got)
	require.NoError(t, p.Close())
	require.ErrorIs(t, p.Close(), backend.ErrClosed)
	file.Fail = func(int, int) error { panic("read after Close") }
	require.NoError(t, b.Close())
}

// The first bad number by row is named, whichever goroutine meets one first.
func TestPiecesRead_P20_NamesTheFirstBadNumber(t *testing.T) {
	for _, kind := range []string{"float32", "float64"} {
		for _, storage := range []backend.Storage{backend.Float64, backend.Float32} {
			src := sparseSource(3000, 12, 4, kind)
			disk, file := backendtest.SparseOnDisk(src)
			for _, at := range []int{len(file.M.Col) - 1, len(file.M.Col) / 2, len(file.M.Col) * 2 / 3} {
				if file.M.Val32 != nil {
					file.M.Val32[at] = float32(math.Inf(1))
				} else {
					file.M.Val64[at] = math.Inf(1)
				}
			}
			_, want := reference.New().Load(t.Context(), src, storage)
			var bad *backend.NotFiniteError
			require.ErrorAs(t, want, &bad)
			for _, host := range []int64{0, 150_000} {
				_, b, err := fromDisk(t, disk, storage, false, host, false)
				var got *backend.NotFiniteError
				require.ErrorAs(t, err, &got)
				require.Equal(t, bad, got)
				require.NoError(t, b.Close())
			}
		}
	}
	disk, file := backendtest.SparseOnDisk(sparseSource(900, 12, 4, "float64"))
	file.M.Val64[100] = 1e200
	_, b, err := fromDisk(t, disk, backend.Float32, false, 0, false)
	require.ErrorAs(t, err, new(*backend.RangeError))
	require.NoError(t, b.Close())
}

// Samples keep within the memory, and say so where they would not.
func TestPiecesRead_SamplesKeepWithinTheMemory(t *testing.T) {
	t.Parallel()
	disk, _ := backendtest.SparseOnDisk(sparseSource(3000, 12, 4, "float32"))
	p, b, err := fromDisk(t, disk, backend.Float32, false, 160_000, false)
	require.NoError(t, err)
	most := backend.MostSampled(p)
	require.True(t, 0 < most && most < 3000, most)
	_, err = p.Sample(t.Context(), make([]int, most+1), nil)
	require.ErrorAs(t, err, new(*backend.MemoryLimitError))
	s, err := p.Sample(t.Context(), make([]int, most), nil)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, p.Close())
	require.NoError(t, b.Close())
	_, b, err = fromDisk(t, disk, backend.Float32, false, 10_000, false)
	require.ErrorAs(t, err, new(*backend.MemoryLimitError))
	require.NoError(t, b.Close())
}

// A .lrb file that ends or changes between two passes ends the operation, and is named.
func TestPiecesRead_FileChangesBetweenPasses(t *testing.T) {
	for name, spoil := range map[string]func(f *os.File, size int64) error{
		"ends":    func(f *os.File, size int64) error { return f.Truncate(size / 3) },
		"changes": func(f *os.File, size int64) error { _, err := f.WriteAt(make([]byte, size/2), size/4); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := sparseSource(20_000, 12, 4, "float32")
			path := filepath.Join(t.TempDir(), "x.lrb")
			require.NoError(t, dataset.WriteFile(t.Context(), path, &dataset.Dataset{Sparse: src.Sparse, FeatureNames: strings.Split("abcdefghijkl", "")}, "lrb"))
			ds, err := dataset.Read(t.Context(), path, dataset.ReadOptions{MaxMemory: 1})
			require.NoError(t, err)
			require.NotNil(t, ds.SparseStream)
			disk := *src
			disk.Sparse, disk.SparseRows = nil, ds.SparseStream
			p, b, err := fromDisk(t, &disk, backend.Float32, true, 500_000, false)
			require.NoError(t, err)
			models, coef := modelSets["one"], coefficients(1, 12)
			var ev backend.Evaluation
			require.NoError(t, p.Eval(t.Context(), models, coef, &ev))
			require.NotEmpty(t, p.Placement())
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			require.NoError(t, err)
			info, err := f.Stat()
			require.NoError(t, err)
			require.NoError(t, spoil(f, info.Size()))
			require.NoError(t, f.Close())
			err = p.Eval(t.Context(), models, coef, &ev)
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, "changed")
			t.Log(err)
			require.NoError(t, p.Close())
			require.NoError(t, b.Close())
			require.NoError(t, ds.Close())
		})
	}
}

// BenchmarkPrepare is what the host does for every part that it reads: 10 million entries.
func BenchmarkPrepare(b *testing.B) {
	for _, fixed := range []bool{false, true} {
		b.Run(fmt.Sprintf("fixed=%v", fixed), func(b *testing.B) {
			disk, file := backendtest.SparseOnDisk(sparseSource(500_000, 200_000, 20, "float32"))
			g := &gpu{chunks: chunkBytes, fixedPoint: fixed}
			d := newData(g, disk.Columns(), backend.Float32, backend.Affine{})
			first, room, err := d.planRead(file)
			require.NoError(b, err)
			m, h := newReadMatter[float32](g, disk, d, first, room, nil), new(hand[float32])
			b.SetBytes(file.M.Entries() * 8)
			for b.Loop() {
				require.NoError(b, h.prepare(b.Context(), m, first[0], first[1]))
			}
		})
	}
}
