package backendtest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Operation names an operation, in Options and in reports.
type Operation string

const (
	Eval    Operation = "Eval"
	Predict Operation = "Predict"
	Stats   Operation = "Stats"
	HessVec Operation = "HessVec"
	Gram    Operation = "Gram"
	Sample  Operation = "Sample"
	Line    Operation = "Line"

	ColumnGram Operation = "ColumnGram"
)

// Options fit the suite to a backend. The zero value asks for everything.
type Options struct {
	// MaxNumbers bounds rows x columns of the cases, for slow backends; 0 is no
	// bound. Shapes are shrunk, not left out.
	MaxNumbers int

	// Rounds is how many sets of cases are run, each covering all pairs of levels;
	// 0 is 1.
	Rounds int

	// MaxCases bounds the cases of a set, for slow backends, which no longer covers
	// all pairs then; 0 is no bound.
	MaxCases int

	// Seed makes the data; 0 is 1.
	Seed uint64

	// Slack multiplies every budget, for products below the precision of the
	// storage; 0 is 1.
	Slack float64

	// Skip lists the optional operations that the backend lacks, SkipStorage the
	// storage types. That they are lacking is checked.
	Skip        []Operation
	SkipStorage []backend.Storage

	// NoSparse says that the backend takes no sparse X; that it refuses one is checked.
	NoSparse bool

	// OnlySparse leaves the cases and checks of dense X to another test.
	OnlySparse bool

	// NoRows tells that X cannot be read in pieces. That too is checked.
	NoRows bool

	// Beyond, if not nil, tells that an operation over cols columns is too large for
	// the backend, which must then refuse it with an error of kind ErrUnsupported.
	Beyond func(op Operation, cols int, models []backend.Model) bool

	// Reopen, if not nil, opens the backend anew with the given number of threads:
	// the results must be the same bits.
	Reopen func(threads int) backend.Backend
}

func (o Options) storages() (all []backend.Storage) {
	for _, s := range []backend.Storage{backend.Float64, backend.Float32, backend.BFloat16, backend.Float16} {
		if !slices.Contains(o.SkipStorage, s) {
			all = append(all, s)
		}
	}
	return all
}

// forms of X: dense, sparse with values, and sparse with implicit ones.
func (o Options) forms() []string {
	switch {
	case o.NoSparse:
		return []string{"dense"}
	case o.OnlySparse:
		return []string{"csr", "ones"}
	}
	return []string{"dense", "csr", "ones"}
}

// formsIn are the forms that X takes in storage s.
func (o Options) formsIn(s backend.Storage) []string {
	if !wide(s) {
		return []string{"dense"}
	}
	return o.forms()
}

// wide tells whether sparse X may be stored in s.
func wide(s backend.Storage) bool { return s == backend.Float64 || s == backend.Float32 }

func (o Options) has(op Operation) bool { return !slices.Contains(o.Skip, op) }

// beyond tells that the backend must refuse op, and checks that err says so.
func (o Options) beyond(t testing.TB, op Operation, cols int, models []backend.Model, err error) bool {
	if o.Beyond == nil || !o.Beyond(op, cols, models) {
		require.NoError(t, err, op)
		return false
	}
	require.ErrorIs(t, err, backend.ErrUnsupported, "%s is beyond the backend's limits by Options", op)
	return true
}

// checkSkips holds that what is skipped is lacking, and the rest offered.
func checkSkips(t *testing.T, b backend.Backend, o Options) {
	d := mustLoad(t, b, tiny(), o.storages()[0])
	defer close(t, d)
	_, hessVec := d.(backend.HessVec)
	_, gram := d.(backend.Gram)
	_, sampler := d.(backend.Sampler)
	_, line := d.(backend.LineSearcher)
	_, columnGram := d.(backend.ColumnGram)
	for op, offered := range map[Operation]bool{HessVec: hessVec, Gram: gram, Sample: sampler, Line: line, ColumnGram: columnGram} {
		require.Equal(t, o.has(op), offered, "%s: offered or in Options.Skip, one of both", op)
	}
	for _, s := range o.SkipStorage {
		_, err := b.Load(t.Context(), tiny(), s)
		require.ErrorIs(t, err, backend.ErrUnsupported, "%v is in Options.SkipStorage", s)
	}
	for _, s := range o.storages() {
		if o.NoSparse || !wide(s) {
			_, err := b.Load(t.Context(), tinyOf("csr"), s)
			require.ErrorIs(t, err, backend.ErrUnsupported, "sparse X in %v", s)
		}
	}
}

func mustLoad(t testing.TB, b backend.Backend, src *backend.Source, s backend.Storage) backend.Data {
	d, err := b.Load(t.Context(), src, s)
	require.NoError(t, err)
	return d
}

func close(t testing.TB, c interface{ Close() error }) { require.NoError(t, c.Close()) }
