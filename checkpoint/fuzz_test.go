package checkpoint_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/checkpoint"
)

// toy answers in whole numbers, the same on every machine.
type toy struct{ rows int }

func (t toy) Rows() int                { return t.rows }
func (toy) Cols() int                  { return 1 }
func (toy) Storage() backend.Storage   { return backend.Float64 }
func (toy) Affine() (a backend.Affine) { return a }
func (toy) Close() error               { return nil }

func (t toy) Eval(_ context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	out.Reset(models, 1)
	for i, v := range coef {
		out.Grad[i] = v * float64(t.rows)
		out.Loss[0] += v
	}
	return nil
}

func (t toy) Predict(_ context.Context, _ []backend.Model, coef, out []float64) error {
	for i := range out {
		out[i] = coef[0]
	}
	return nil
}

func (t toy) Stats(context.Context, int) (*backend.Stats, error) {
	m := backend.Moments{Sum: float64(t.rows), Mean: []float64{2}, Var: []float64{3}}
	return &backend.Stats{Moments: m, Min: []float64{0}, Max: []float64{5}, NonZero: []int64{7}}, nil
}

func (toy) Sample(_ context.Context, rows []int, _ []float64) (backend.Data, error) {
	return toy{len(rows)}, nil
}

// toyFit is a fit: what it asks follows from what it was answered.
func toyFit(t require.TestingT, d backend.Data) (answers []float64) {
	ctx := context.Background()
	st, err := d.Stats(ctx, backend.None)
	require.NoError(t, err)
	answers = append(answers, st.Sum, st.Mean[0], st.Var[0], st.Min[0], st.Max[0], float64(st.NonZero[0]))
	s, err := d.(backend.Sampler).Sample(ctx, []int{0, 1, 2}, nil)
	require.NoError(t, err)
	coef, proba := []float64{st.Mean[0], 1}, make([]float64, 3)
	for range 2 {
		for _, d := range []backend.Data{s, d} {
			var ev backend.Evaluation
			require.NoError(t, d.Eval(ctx, []backend.Model{backend.Binary()}, coef, &ev))
			answers = append(append(append(answers, ev.Loss...), ev.Grad...), ev.Held...)
			copy(coef, ev.Grad)
		}
	}
	require.NoError(t, s.Predict(ctx, []backend.Model{backend.Binary()}, coef, proba))
	require.NoError(t, s.Close())
	return append(answers, proba...)
}

// toyFile is the checkpoint of a whole toyFit.
func toyFile(t testing.TB) []byte {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	j, d, _ := begin(t, path, false, toy{10})
	toyFit(t, d)
	require.NoError(t, j.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	return file
}

// Whatever is in the file, a fit that resumes from it is refused, or ends as the fit
// alone does; memory and time are those of the file's size.
func FuzzResume(f *testing.F) {
	whole := toyFile(f)
	f.Add(whole)
	f.Add(whole[:len(whole)-7])
	line := bytes.IndexByte(whole, '\n') + 1
	length := int(binary.LittleEndian.Uint32(whole[line:]))
	header := whole[:line+4+length+4]
	f.Add(header)
	claim := append(bytes.Clone(header), bytes.Repeat([]byte{0xff}, 60)...) // a record of 2^64 bytes
	f.Add(claim)
	right := bytes.Clone(whole) // the same, to the right question
	binary.LittleEndian.PutUint64(right[len(header):], 1<<62)
	f.Add(right)
	null := []byte("logreg-gpu checkpoint 1\n\x04\x00\x00\x00null")
	f.Add(binary.LittleEndian.AppendUint32(null, crc32.Checksum(null, crc32.MakeTable(crc32.Castagnoli))))

	want := toyFit(f, toy{10})
	path := filepath.Join(f.TempDir(), "fit.ckpt")
	f.Fuzz(func(t *testing.T, file []byte) {
		require.NoError(t, os.WriteFile(path, file, 0o666))
		j, err := checkpoint.Open(checkpoint.Options{Path: path, Resume: true}, facts)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.Equal(t, want, toyFit(t, j.Data(toy{10})))
		require.NoError(t, j.Close())
	})
}
