package backendtest

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

// checkSparse holds sparse X to the reference over the same numbers dense. Zeros among them
// leave rows and columns empty; other rows have all columns.
func checkSparse(t *testing.T, b backend.Backend, o Options) {
	if o.NoSparse {
		t.Skip("the backend takes no sparse X")
	}
	r := &report{slack: o.Slack, worst: map[string]finding{}}
	for _, s := range o.storages() {
		for _, form := range o.formsIn(s)[1:] {
			for _, data := range []string{"normal", "zeros", "onehot"} {
				if form == "ones" && data == "normal" {
					continue // constant columns, which dense X has centred
				}
				c := large(o, s)
				c.rows, c.cols = min(max(c.rows, 12), 400), min(c.cols, 37) // dense X of few rows is centred
				c.from, c.form, c.data = tensor.Float32, form, data
				src, models, coef, rng := c.source()
				dense := *src
				c.form = "dense"
				dense.Sparse = nil
				c.setX(&dense, numbers(src))
				got, want := mustLoad(t, b, src, s), mustLoad(t, reference.New(), &dense, s)
				require.True(t, want.Affine().Identity(), "these numbers are stored as they are")
				require.True(t, got.Affine().Identity(), "sparse X is never centred")
				v := &trial{o: o, r: r, where: form + " " + c.String(), got: got, want: want, budget: newBudget(src, s, backend.Affine{}), models: models, coef: coef, dir: normals(rng, len(coef), 0.1), rng: rng}
				v.all(t)
				if o.has(Sample) {
					v.sample(t)
				}
				close(t, got)
				close(t, want)
			}
		}
	}
	r.log(t)
}

// checkMalformedSparse loads what is no CSR.
func checkMalformedSparse(t *testing.T, b backend.Backend, s backend.Storage) {
	for name, spoil := range map[string]func(*backend.CSR){
		"columns out of order": func(m *backend.CSR) { m.Col[0], m.Col[1] = m.Col[1], m.Col[0] },
		"a column twice":       func(m *backend.CSR) { m.Col[1] = m.Col[0] },
		"a column beyond":      func(m *backend.CSR) { m.Col[len(m.Col)-1] = uint32(m.Cols) },
		"row pointers fall":    func(m *backend.CSR) { m.RowPtr[2] = m.RowPtr[1] - 1 },
		"row pointers beyond":  func(m *backend.CSR) { m.RowPtr[3] = 1 << 40 },
		"too few row pointers": func(m *backend.CSR) { m.RowPtr = m.RowPtr[:m.Rows] },
		"too few values":       func(m *backend.CSR) { m.Val32 = m.Val32[1:] },
		"values of two types":  func(m *backend.CSR) { m.Val64 = make([]float64, len(m.Col)) },
	} {
		src := tinyOf("csr")
		spoil(src.Sparse)
		_, err := b.Load(t.Context(), src, s)
		var malformed *backend.SourceError
		require.ErrorAs(t, err, &malformed, name)
		require.Equal(t, "X", malformed.Part, name)
	}
}
