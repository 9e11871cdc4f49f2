package cuda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Load implements backend.Backend. X goes to the device in chunks of rows: while one is
// copied and converted there, the host fills the other's buffer. Of X the host holds no
// more than the two buffers beside the source.
func (g *gpu) Load(ctx context.Context, src *backend.Source, storage backend.Storage) (backend.Data, error) {
	if err := src.Check(); err != nil {
		return nil, err
	}
	storage = src.Resolve(storage)
	if _, ok := formats[storage]; !ok {
		return nil, unsupported("storage type %d", storage)
	}
	if src.Sparse != nil || src.SparseRows != nil {
		if err := backend.CheckSparseStorage(storage); err != nil {
			return nil, err
		}
	}
	affine, err := backend.ChooseAffine(src)
	if err != nil {
		return nil, err
	}
	d := newData(g, src.Columns(), storage, affine)
	if src.SparseRows != nil {
		return g.loadRead(ctx, src, d)
	}
	if first := d.cut(src); len(first) > 2 {
		return d.inPieces(first).load(ctx, src, matterOf(src, first))
	}
	err = d.run(ctx, func(c *call) error {
		err := c.load(src)
		if err != nil {
			_ = g.context.Synchronize() // nothing may use the memory freed here
			err = errors.Join(err, d.free())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (c *call) load(src *backend.Source) error {
	if src.Sparse != nil {
		if err := c.loadColumns(src); err != nil {
			return err
		}
		return c.loadSparse(src.Sparse, 0, c.alloc)
	}
	var err error
	if c.x, err = c.alloc("X", c.bytes()); err != nil {
		return err
	}
	if err := c.loadColumns(src); err != nil {
		return err
	}
	return c.convert(originOf(src), 0, c.columns.Rows, c.ld, c.x)
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{backend.ErrUnsupported}, args...)...)
}

func (c *call) loadColumns(src *backend.Source) error {
	for i, col := range src.Labels {
		p, err := c.upload(fmt.Sprintf("label column %d", i), bytesOf(col))
		if err != nil {
			return err
		}
		c.labels = append(c.labels, p)
	}
	for i, col := range src.Weights {
		w, err := c.uploadWeights(fmt.Sprintf("weight column %d", i), append([]float64(nil), col...))
		if err != nil {
			return err
		}
		c.weights = append(c.weights, w)
	}
	for i, col := range src.Offsets {
		p, err := c.upload(fmt.Sprintf("offset column %d", i), c.reals(col))
		if err != nil {
			return err
		}
		c.offsets = append(c.offsets, p)
	}
	var err error
	if src.Folds != nil {
		c.folds, err = c.upload("folds", bytesOf(src.Folds))
	}
	return err
}

// convert brings rows of o, from row first on, through the two buffers to rows of ld
// numbers.
func (c *call) convert(o origin, first, rows, ld int, to driver.Ptr) error {
	step := min(max(c.g.chunks.source/(o.size*o.cols), 1), rows)
	var center, scale driver.Ptr
	var temporary memory // what only loading needs
	temporary.g = c.g
	pipe := &pipe{g: c.g}
	err := func() error {
		var err error
		if !c.affine.Identity() {
			if center, err = temporary.upload("centers", bytesOf(c.affine.Center)); err != nil {
				return err
			}
			if scale, err = temporary.upload("scales", bytesOf(c.affine.Scale)); err != nil {
				return err
			}
		}
		none := []uint64{math.MaxUint64, math.MaxUint64}
		bad, err := temporary.upload("first bad numbers", bytesOf(none))
		if err != nil {
			return err
		}
		if err := pipe.open(&temporary, step*o.cols*o.size); err != nil {
			return err
		}
		if err := c.g.context.Synchronize(); err != nil { // the streams do not wait for the copies above
			return err
		}
		for i := 0; i < rows; i += step {
			n := min(step, rows-i)
			staged, err := pipe.send(n*o.cols*o.size, func(dst []byte) error { return o.fill(dst, first+i) })
			if err != nil {
				return err
			}
			err = c.launchOn(staged.stream, o.kernel, "", shape{work: n*ld/256 + 1},
				driver.PtrArg(staged.device), driver.Int64(int64(n)), driver.Int32(int32(o.cols)), driver.Int32(int32(ld)),
				driver.PtrArg(center), driver.PtrArg(scale), driver.Int64(int64(first+i)),
				driver.PtrArg(to+driver.Ptr(i*ld*c.storage.Bytes())), driver.PtrArg(bad))
			if err != nil {
				return err
			}
		}
		if err := pipe.drain(); err != nil {
			return err
		}
		if err := c.g.context.CopyOut(bytesOf(none), bad); err != nil {
			return err
		}
		if at := min(none[0], none[1]); at != math.MaxUint64 {
			row, col := int(at)/o.cols, int(at)%o.cols
			v, err := o.value(row, col)
			if err != nil {
				return err
			}
			if none[0] < none[1] {
				return &backend.NotFiniteError{Row: row, Col: col, Value: v}
			}
			return &backend.RangeError{Row: row, Col: col, Value: v, Storage: c.storage}
		}
		return nil
	}()
	if err != nil {
		_ = c.g.context.Synchronize() // nothing may use the buffers freed below
	}
	return errors.Join(err, pipe.close(), temporary.free())
}

// pipe is two pinned buffers, each with device memory and a stream of its own.
type pipe struct {
	g      *gpu
	stages []*stage
	next   int
}

type stage struct {
	host   driver.HostBuffer
	device driver.Ptr
	stream driver.Stream
}

// open makes two stages; without m they have no device memory.
func (p *pipe) open(m *memory, bytes int) error {
	for range 2 {
		s := new(stage)
		p.stages = append(p.stages, s)
		var err error
		if s.host, err = p.g.context.AllocHost(bytes); err != nil {
			return p.g.outOfMemory(err, int64(bytes))
		}
		if m != nil {
			if s.device, err = m.alloc("chunk of the source", int64(bytes)); err != nil {
				return err
			}
		}
		if s.stream, err = p.g.context.NewStream(); err != nil {
			return err
		}
	}
	return nil
}

// send fills a buffer, queues its copy to the device on one of the streams and returns
// the stage.
func (p *pipe) send(bytes int, fill func([]byte) error) (*stage, error) {
	s := p.stages[p.next]
	p.next = 1 - p.next
	if err := s.stream.Synchronize(); err != nil { // the buffer's last copy has passed
		return nil, err
	}
	if err := fill(s.host.Bytes[:bytes]); err != nil {
		return nil, err
	}
	return s, p.g.context.CopyInAsync(s.device, s.host, bytes, s.stream)
}

// fill is copy by several threads: one alone moves a fraction of what the bus takes.
func fill(dst, src []byte) {
	var all sync.WaitGroup
	for at := fillBytes; at < len(src); at += fillBytes {
		all.Go(func() { copy(dst[at:], src[at:min(at+fillBytes, len(src))]) })
	}
	copy(dst, src[:min(fillBytes, len(src))])
	all.Wait()
}

func (p *pipe) drain() error {
	for _, s := range p.stages {
		if err := s.stream.Synchronize(); err != nil {
			return err
		}
	}
	return nil
}

func (p *pipe) close() error {
	var err error
	for _, s := range p.stages {
		if s.stream != nil {
			err = errors.Join(err, s.stream.Destroy())
		}
		if s.host.Bytes != nil {
			err = errors.Join(err, p.g.context.FreeHost(s.host))
		}
	}
	return err
}
