package cpu

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/logreg-gpu/logreg-gpu/backend"
	_ "github.com/logreg-gpu/logreg-gpu/cpu/reference" // registered with this one
)

// Name is what the backend is registered under.
const Name = "cpu"

func init() {
	backend.Register(backend.Driver{
		Name:  Name,
		About: "all cores, X read once for loss and gradient",
		Rank:  10,
		Devices: func() ([]backend.Device, error) {
			name := fmt.Sprintf("%d threads, %s/%s", runtime.GOMAXPROCS(0), runtime.GOOS, runtime.GOARCH)
			return []backend.Device{{Backend: Name, Name: name}}, nil
		},
		Open: func(opts backend.Options) (backend.Backend, error) { return New(opts), nil },
	})
}

// New returns the backend.
func New(opts backend.Options) backend.Backend {
	threads := opts.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &processor{threads: threads, memory: opts.Memory}
}

type processor struct {
	threads int
	memory  int64 // for X that is read again and again; 0: no bound
	closed  atomic.Bool
}

func (p *processor) Name() string { return Name }

func (p *processor) Close() error {
	if p.closed.Swap(true) {
		return backend.ErrClosed
	}
	return nil
}

func (p *processor) Load(ctx context.Context, src *backend.Source, storage backend.Storage) (backend.Data, error) {
	if p.closed.Load() {
		return nil, backend.ErrClosed
	}
	if err := src.Check(); err != nil {
		return nil, err
	}
	storage = src.Resolve(storage)
	if src.Sparse != nil || src.SparseRows != nil {
		if err := backend.CheckSparseStorage(storage); err != nil {
			return nil, err
		}
		if src.SparseRows != nil && storage == backend.Float64 {
			return loadSparseStream[float64](ctx, p, src, storage)
		}
		if src.SparseRows != nil {
			return loadSparseStream[float32](ctx, p, src, storage)
		}
		if storage == backend.Float64 {
			return loadSparse[float64](ctx, p, src, storage)
		}
		return loadSparse[float32](ctx, p, src, storage)
	}
	switch storage {
	case backend.Float64:
		return load[float64](ctx, p, src, storage)
	case backend.Float32, backend.BFloat16, backend.Float16:
		return load[float32](ctx, p, src, storage)
	}
	return nil, fmt.Errorf("%w: storage type %d", backend.ErrUnsupported, storage)
}
