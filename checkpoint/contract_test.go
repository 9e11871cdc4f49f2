package checkpoint_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/checkpoint"
)

// An optional interface of a Data that the journal's does not know would be lost to
// fits with a checkpoint. A new one of backend belongs into data.go and to the
// abilities, or, where it is no interface of a Data, into the list here.
func TestData_KnowsEveryAbility(t *testing.T) {
	known := []string{
		"Backend", "Particular", "Line", "RowReader", "SparseReader", // no interfaces of a Data
		"Placed", // asked of the Data itself
		"Data", "Selective", "Keeper", "Limited", "Rated",
		"HessVec", "Gram", "ColumnGram", "Sampler", "LineSearcher",
	}
	var found []string
	files, err := filepath.Glob("../backend/*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.TypeSpec); ok && s.Name.IsExported() {
				if _, ok := s.Type.(*ast.InterfaceType); ok {
					found = append(found, s.Name.Name)
				}
			}
			return true
		})
	}
	slices.Sort(known)
	slices.Sort(found)
	require.Equal(t, known, found)
}

// bare is a Data without abilities.
type bare struct{ backend.Data }

// A Data with a journal has the abilities of the Data behind it, and no others.
func TestData_AbilitiesAreThoseBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	j, err := checkpoint.Open(checkpoint.Options{Path: path}, nil)
	require.NoError(t, err)
	full := load(t)
	require.Equal(t, backend.Abilities(full), backend.Abilities(j.Data(full)))
	require.True(t, backend.Can(j.Data(full), backend.CanGram|backend.CanSample))

	d := j.Data(bare{full})
	require.Zero(t, backend.Abilities(d))
	require.Equal(t, rows, d.(backend.Limited).MostSampled())
	ctx := t.Context()
	_, err = d.(backend.Sampler).Sample(ctx, []int{0}, nil)
	require.ErrorIs(t, err, backend.ErrUnsupported)
	_, err = d.(backend.LineSearcher).Direction(ctx, nil, nil, nil)
	require.ErrorIs(t, err, backend.ErrUnsupported)
	require.ErrorIs(t, d.(backend.HessVec).HessVec(ctx, nil, nil, nil, nil), backend.ErrUnsupported)
	require.ErrorIs(t, d.(backend.Gram).Gram(ctx, nil, nil, nil, nil, nil), backend.ErrUnsupported)
	require.ErrorIs(t, d.(backend.ColumnGram).ColumnGram(ctx, nil, nil, nil, nil, nil, nil), backend.ErrUnsupported)
	require.NoError(t, d.Close())
	require.ErrorIs(t, d.Close(), backend.ErrClosed)
	_, err = d.Stats(ctx, backend.None)
	require.ErrorIs(t, err, backend.ErrClosed)
	require.NoError(t, j.Close())
}

// limited says how much may be sampled by how much is.
type limited struct {
	backend.Data
	left *int
}

func (l *limited) MostSampled() int { return *l.left }

func (l *limited) Sample(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	if len(rows) > *l.left {
		return nil, &backend.MemoryLimitError{What: "a sample"}
	}
	s, err := l.Data.(backend.Sampler).Sample(ctx, rows, factor)
	*l.left -= len(rows)
	return &returned{s, l.left, len(rows)}, err
}

// returned gives back what it took when it is closed.
type returned struct {
	backend.Data
	left *int
	rows int
}

func (r *returned) Close() error {
	*r.left += r.rows
	return r.Data.Close()
}

// What may still be sampled is the same in a fit that is resumed, at every place: the
// samples that it has open count, drawn again or not.
func TestData_P23_SamplesThatAreOpenCount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	var whole []byte
	var want []int
	for cut := -1; cut < 10; cut++ {
		if cut >= 0 {
			ends := records(t, whole)
			if cut >= len(ends) {
				break
			}
			require.NoError(t, os.WriteFile(path, whole[:ends[cut]], 0o666))
		}
		left := 25
		j, d, _ := begin(t, path, cut >= 0, &limited{load(t), &left})
		var got []int
		ask := func() { got = append(got, d.(backend.Limited).MostSampled()) }
		ask()
		a, err := d.(backend.Sampler).Sample(t.Context(), []int{1, 2, 3}, nil)
		require.NoError(t, err)
		ask()
		b, err := d.(backend.Sampler).Sample(t.Context(), []int{4, 5, 6, 7}, nil)
		require.NoError(t, err)
		require.NoError(t, a.Close())
		ask()
		require.NoError(t, b.Close())
		ask()
		require.NoError(t, j.Close())
		if cut < 0 {
			want = got
			require.Equal(t, []int{25, 22, 21, 25}, want)
			whole, err = os.ReadFile(path)
			require.NoError(t, err)
		}
		require.Equal(t, want, got, "cut after %d", cut)
	}
}

// Where a sample does not fit, a fit goes on with a smaller one: so does one that is
// resumed, at every place, with the same answers. With more memory it has the larger one.
func TestData_P23_SamplesThatDoNotFit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	fit := func(resume bool, left int) (refused bool, mean float64) {
		j, d, _ := begin(t, path, resume, &limited{load(t), &left})
		first, err := d.(backend.Sampler).Sample(t.Context(), []int{1, 2, 3}, nil)
		require.NoError(t, err)
		second, err := d.(backend.Sampler).Sample(t.Context(), []int{4, 5, 6, 7}, nil)
		if refused = err != nil; refused {
			require.ErrorAs(t, err, new(*backend.MemoryLimitError))
			second, err = d.(backend.Sampler).Sample(t.Context(), []int{4, 5}, nil)
			require.NoError(t, err)
		}
		st, err := second.Stats(t.Context(), backend.None)
		require.NoError(t, err)
		require.NoError(t, first.Close())
		require.NoError(t, second.Close())
		require.NoError(t, j.Close())
		return refused, st.Mean[0]
	}
	refused, want := fit(false, 5)
	require.True(t, refused)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for cut, end := range records(t, whole) {
		require.NoError(t, os.WriteFile(path, whole[:end], 0o666))
		refused, got := fit(true, 5)
		require.True(t, refused, "cut after %d", cut)
		require.Equal(t, want, got, "cut after %d", cut)
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, whole, file, "cut after %d", cut)
	}
	refused, _ = fit(true, 25)
	require.False(t, refused)
}

// rated has a Read of its own.
type rated struct {
	backend.Data
	read float64
}

func (r rated) Rates() backend.Rates { return backend.Rates{Read: r.read, Flops: 2, Link: 3, Entry: 4} }

// A fit that is resumed on another processor goes on with the plan that it has.
func TestData_P23_RatesAreRemembered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	want := backend.Rates{Read: 1, Flops: 2, Link: 3, Entry: 4}
	for _, read := range []float64{1, 10} {
		j, d, _ := begin(t, path, read > 1, rated{load(t), read})
		require.Equal(t, want, backend.RatesOf(d))
		require.NoError(t, j.Close())
	}
}
