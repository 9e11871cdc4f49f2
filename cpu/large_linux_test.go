package cpu_test

import (
	"math"
	"os"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cpu"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

// More than 2^31 numbers take no memory here: pages that nobody writes are all the one
// page of zeros, and pages of a file can be mapped many times.

// load gives src, which is lent, to the fast backend.
func load(t *testing.T, src *backend.Source) backend.Data {
	d, err := cpu.New(backend.Options{Threads: 2}).Load(t.Context(), src, backend.Float32)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func TestEval_P21_MoreThan2To31Numbers(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 8 GiB")
	}
	const cols, rows, some = 2048, 1<<31/2048 + 3, 6
	memory, err := unix.Mmap(-1, 0, 4*rows*cols, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Munmap(memory)) })
	x := unsafe.Slice((*float32)(unsafe.Pointer(&memory[0])), rows*cols)
	labels := make([]int32, rows)

	// Some rows at the ends and on both sides of 2^31 hold numbers; they alone are few.
	at := []int{0, 77, 1<<31/cols - 1, 1 << 31 / cols, rows - 2, rows - 1}
	few := make([]float32, some*cols)
	for i := range few {
		few[i] = float32(math.Sin(float64(i)))
	}
	for i, row := range at {
		copy(x[row*cols:(row+1)*cols], few[i*cols:])
		labels[row] = int32(i % 2)
	}
	big := load(t, &backend.Source{X: tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)), Labels: [][]int32{labels}, Lend: true})
	fewLabels := []int32{0, 1, 0, 1, 0, 1}
	small, err := reference.New().Load(t.Context(), &backend.Source{X: tensor.New(tensor.WithShape(some, cols), tensor.WithBacking(few)), Labels: [][]int32{fewLabels}}, backend.Float64)
	require.NoError(t, err)

	models := []backend.Model{backend.Binary()}
	coef := make([]float64, cols+1)
	for j := range coef {
		coef[j] = math.Cos(float64(j)) / 16
	}
	var got, want backend.Evaluation
	require.NoError(t, big.Eval(t.Context(), models, coef, &got))
	require.NoError(t, small.Eval(t.Context(), models, coef, &want))
	// The other rows are zeros of class 0: they have the loss log(1 + e^b), and add their
	// residual sigmoid(b) to the intercept alone.
	bias := coef[cols]
	want.Loss[0] += (rows - some) * math.Log1p(math.Exp(bias))
	want.Grad[cols] += (rows - some) / (1 + math.Exp(-bias))
	require.InEpsilon(t, want.Loss[0], got.Loss[0], 1e-6) // float32 products
	require.InDeltaSlice(t, want.Grad[:cols], got.Grad[:cols], 1e-5)
	require.InEpsilon(t, want.Grad[cols], got.Grad[cols], 1e-6)

	st, err := big.Stats(t.Context(), backend.None)
	require.NoError(t, err)
	require.Equal(t, float64(rows), st.Sum)
	for _, j := range []int{1, cols - 1} {
		nonzero, sum, highest := int64(0), 0.0, float32(0)
		for i := range some {
			v := few[i*cols+j]
			if v != 0 {
				nonzero++
			}
			sum += float64(v)
			highest = max(highest, v)
		}
		require.Equal(t, nonzero, st.NonZero[j])
		require.InDelta(t, sum/rows, st.Mean[j], 1e-12)
		require.Equal(t, float64(highest), st.Max[j])
	}

	drawn, err := big.(backend.Sampler).Sample(t.Context(), at, nil)
	require.NoError(t, err)
	require.NoError(t, drawn.Eval(t.Context(), models, coef, &got))
	require.NoError(t, small.Eval(t.Context(), models, coef, &want))
	require.InEpsilon(t, want.Loss[0], got.Loss[0], 1e-6)
	require.InDeltaSlice(t, want.Grad, got.Grad, 1e-5)
	require.NoError(t, drawn.Close())

	x[len(x)-7] = float32(math.NaN())
	_, err = cpu.New(backend.Options{}).Load(t.Context(), &backend.Source{X: tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)), Lend: true}, backend.Float32)
	var bad *backend.NotFiniteError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, []int{rows - 1, cols - 7}, []int{bad.Row, bad.Col})
}

func TestEval_P21_P6_MoreThan2To31Entries(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 8 GiB")
	}
	// Rows of ones: all 2^18 columns, mapped again for each row, and a last row of three.
	const cols, full = 1 << 18, 1<<13 + 1
	last := []uint32{5, cols/2 + 1, cols - 1}
	const page, row = 1 << 12, 4 * cols
	file, err := unix.MemfdCreate("columns", 0)
	require.NoError(t, err)
	f := os.NewFile(uintptr(file), "columns")
	defer f.Close()
	all := make([]uint32, cols)
	for j := range all {
		all[j] = uint32(j)
	}
	bytes := func(v []uint32) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), 4*len(v)) }
	_, err = f.Write(bytes(all))
	require.NoError(t, err)
	_, err = f.Write(append(bytes(slices.Clone(last)), make([]byte, page-4*len(last))...))
	require.NoError(t, err)

	size := uintptr(full*row + page)
	base, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.MunmapPtr(base, size)) })
	for i := range full {
		_, err := unix.MmapPtr(file, 0, unsafe.Add(base, i*row), row, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_FIXED)
		require.NoError(t, err)
	}
	_, err = unix.MmapPtr(file, row, unsafe.Add(base, full*row), page, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_FIXED)
	require.NoError(t, err)

	m := &backend.CSR{Rows: full + 1, Cols: cols, RowPtr: make([]int64, full+2)}
	for i := range full {
		m.RowPtr[i+1] = m.RowPtr[i] + cols
	}
	m.RowPtr[full+1] = m.RowPtr[full] + int64(len(last))
	m.Col = unsafe.Slice((*uint32)(base), m.RowPtr[full+1])
	require.Greater(t, m.Entries(), int64(1)<<31)
	labels := make([]int32, full+1)
	labels[full], labels[full-1] = 1, 1
	d := load(t, &backend.Source{Sparse: m, Labels: [][]int32{labels}, Lend: true})

	coef := make([]float64, cols+1)
	for _, j := range last {
		coef[j] = 0.25
	}
	coef[cols] = -0.5
	var ev backend.Evaluation
	require.NoError(t, d.Eval(t.Context(), []backend.Model{backend.Binary()}, coef, &ev))
	const z = 3*0.25 - 0.5 // of every row
	p := 1 / (1 + math.Exp(-z))
	require.InEpsilon(t, (full+1)*math.Log1p(math.Exp(z))-2*z, ev.Loss[0], 1e-6)
	inAll, inLast := full*p-1, p-1
	for j, g := range ev.Grad {
		want := inAll
		if j == cols || slices.Contains(last, uint32(j)) {
			want += inLast
		}
		if math.Abs(g-want) > 1e-5*want { // 2^18 calls of require take a while
			require.InEpsilon(t, want, g, 1e-5, j)
		}
	}
}
