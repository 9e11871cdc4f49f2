package dataset

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

// npyPath is a file that testdata/npy/make.py wrote.
func npyPath(name string) string { return filepath.Join("testdata", "npy", name) }

// encodeNPY writes an array as numpy does, for what numpy does not write.
func encodeNPY(descr string, fortran bool, shape string, numbers any) []byte {
	order := map[bool]string{true: "True", false: "False"}[fortran]
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, order, shape)
	b := append([]byte(npyMagic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(header)))
	b = append(b, header...)
	b, err := binary.Append(b, binary.LittleEndian, numbers)
	if err != nil {
		panic(err)
	}
	return b
}

func readNPYBytes(b []byte, o ReadOptions) (*Dataset, error) {
	return ReadFrom(context.Background(), bytes.NewReader(b), "x.npy", o)
}

func TestNPY_EveryTypeOrderAndVersionGivesTheSameTable(t *testing.T) {
	files, err := filepath.Glob(npyPath("[cfbv]*[0-9].npy"))
	require.NoError(t, err)
	require.Len(t, files, 25)
	for _, path := range files {
		want := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}
		if strings.HasSuffix(path, "b1.npy") {
			want = []float64{1, 1, 1, 1, 1, 1, 1, 1, 1}
		}
		single := strings.Contains(path, "f4") || strings.Contains(path, "f2") || strings.Contains(path, "version2")
		for _, float := range []tensor.Dtype{{}, tensor.Float32, tensor.Float64} {
			d, err := Read(context.Background(), path, ReadOptions{Float: float})
			require.NoError(t, err, path)
			if float == tensor.Float32 || float == (tensor.Dtype{}) && single {
				var narrow []float32
				for _, v := range want {
					narrow = append(narrow, float32(v))
				}
				require.Equal(t, narrow, d.X.Data(), path)
			} else {
				require.Equal(t, want, d.X.Data(), path)
			}
			require.Equal(t, []int32{0, 1, 0}, d.Labels, path)
			require.Equal(t, Classes{Names: []string{"0", "1"}, Numeric: true}, d.Classes)
			require.Equal(t, []string{"x0", "x1", "x2"}, d.FeatureNames)
			require.NoError(t, d.Check())
		}
	}
}

func TestNPY_ColumnsHaveTheRolesOfATableWithoutHeader(t *testing.T) {
	for _, file := range []string{"c_f4.npy", "fortran_f4.npy", "c_i8.npy"} {
		d, err := Read(context.Background(), npyPath(file), ReadOptions{Label: "-1", Weight: "0", Offset: "1", Float: tensor.Float64})
		require.NoError(t, err)
		require.Equal(t, []float64{3, 6, 9}, d.X.Data())
		require.Equal(t, []float64{1, 4, 7}, d.Weights)
		require.Equal(t, []float64{2, 5, 8}, d.Offsets)

		d, err = Read(context.Background(), npyPath(file), ReadOptions{NoLabel: true, Ignore: []string{"1"}, Float: tensor.Float64})
		require.NoError(t, err)
		require.Equal(t, []float64{1, 3, 0, 4, 6, 1, 7, 9, 0}, d.X.Data())
		require.Nil(t, d.Labels)

		d, err = Read(context.Background(), npyPath(file), ReadOptions{LabelFile: npyPath("labels.npy"), Ignore: []string{"3"}, Float: tensor.Float64})
		require.NoError(t, err)
		require.Equal(t, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}, d.X.Data())
		require.Equal(t, []int32{0, 1, 0}, d.Labels)

		// A model's features by position, and its classes.
		d, err = Read(context.Background(), npyPath(file), ReadOptions{Features: []string{"a", "b", "c"}, Classes: &Classes{Names: []string{"-1", "0", "1"}, Numeric: true}})
		require.NoError(t, err)
		require.Equal(t, []int32{1, 2, 1}, d.Labels)
	}
}

func TestNPZ_ArraysHaveTheirNames(t *testing.T) {
	d, err := Read(context.Background(), npyPath("stored.npz"), ReadOptions{})
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, d.X.Data())
	require.Equal(t, []int32{0, 1, 0}, d.Labels)
	require.Equal(t, []float64{1, 0.5, 2}, d.Weights)
	require.Equal(t, []float64{0, -1, 1}, d.Offsets)
	require.Equal(t, "y", d.LabelName)
	require.NoError(t, d.Check())

	d, err = Read(context.Background(), npyPath("packed.npz"), ReadOptions{Label: "other", Weight: "w", Ignore: []string{"-1"}})
	require.NoError(t, err)
	require.Equal(t, []float64{1, 2, 4, 5, 7, 8}, d.X.Data())
	require.Equal(t, []string{"5", "6", "7"}, d.Classes.Names)
	require.Equal(t, []float64{1, 0.5, 2}, d.Weights)

	d, err = Read(context.Background(), npyPath("packed.npz"), ReadOptions{NoLabel: true, Features: []string{"x0", "x1", "x2"}})
	require.NoError(t, err)
	require.Nil(t, d.Labels)

	// From a stream, which has no size.
	b, err := os.ReadFile(npyPath("stored.npz"))
	require.NoError(t, err)
	d, err = ReadFrom(context.Background(), bytes.NewReader(b), "-", ReadOptions{Format: "npz"})
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, d.X.Data())
}

func TestNPY_RoundTripOfAnyMatrix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(1, 70).Draw(t, "rows"), rapid.IntRange(1, 40).Draw(t, "cols")
		x := rapid.SliceOfN(rapid.Float64(), rows*cols, rows*cols).Draw(t, "x")
		turned := make([]float64, len(x))
		for k, v := range x {
			turned[k%cols*rows+k/cols] = v
		}
		shape := fmt.Sprintf("(%d, %d)", rows, cols)
		for _, b := range [][]byte{encodeNPY("<f8", false, shape, x), encodeNPY("<f8", true, shape, turned)} {
			d, err := readNPYBytes(b, ReadOptions{NoLabel: true})
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range d.X.Data().([]float64) {
				if v != x[k] {
					t.Fatalf("number %d is %v, was %v", k, v, x[k])
				}
			}
		}
	})
}

func TestNPY_ErrorsSayWhereAndWhat(t *testing.T) {
	two := []float64{1, 2, 3, 4}
	with := func(at int, v float64) []float64 {
		x := []float64{1, 2, 3, 4}
		x[at] = v
		return x
	}
	whole := encodeNPY("<f8", false, "(2, 2)", two)
	for _, c := range []struct {
		npy     []byte
		o       ReadOptions
		message string
	}{
		{nil, ReadOptions{}, `this is no NPY file; the file is damaged, or was not written by numpy.save`},
		{[]byte("1,2\n3,4\n567890"), ReadOptions{}, `this is no NPY file; the file is damaged, or was not written by numpy.save`},
		{whole[:9], ReadOptions{}, `the NPY header ends too early; the file is damaged, or was not written by numpy.save`},
		{whole[:30], ReadOptions{}, `the NPY header ends too early; the file is damaged, or was not written by numpy.save`},
		{whole[:len(whole)-1], ReadOptions{}, `the array of shape [2 2] needs 32 bytes and only 31 are there; the file is damaged or incomplete`},
		{append(bytes.Clone(whole), 0), ReadOptions{}, `there are bytes behind the array of shape [2 2]; the file is damaged, or holds several arrays`},
		{append([]byte(npyMagic), 9, 0, 0, 0), ReadOptions{}, `the NPY version is 9; versions 1 to 3 are known; the file is damaged, or was not written by numpy.save`},
		{append([]byte(npyMagic), 2, 0, 255, 255, 255, 255), ReadOptions{}, `the NPY header claims 4294967295 bytes; at most 65536 make sense; the file is damaged, or was not written by numpy.save`},
		{encodeNPY("<f8", false, "(1048576, 1048576, 1048576, 1048576)", two), ReadOptions{}, `the shape [1048576 1048576 1048576 1048576] is beyond all memory; the file is damaged`},
		{encodeNPY("<f8", false, "(1099511627776, 512)", two), ReadOptions{}, `the array of shape [1099511627776 512] needs 4503599627370496 bytes and only 32 are there; the file is damaged or incomplete`},
		{encodeNPY("<f8", false, "(4,)", two), ReadOptions{}, `the shape is [4]; it must be rows x columns`},
		{encodeNPY("<f8", false, "(2, 0)", []float64{}), ReadOptions{}, `the shape is [2 0]; a table needs at least one row and one column`},
		{encodeNPY("<f8", false, "(-2, 2)", two), ReadOptions{}, `the NPY header "{'descr': '<f8', 'fortran_order': False,"... is malformed; the file is damaged, or was not written by numpy.save`},
		{encodeNPY("<c16", false, "(2, 2)", two), ReadOptions{}, `the array holds numpy's type "<c16"; float, integer and bool can be read`},
		{encodeNPY("<f8", false, "(2, 2)", with(2, math.NaN())), ReadOptions{}, `column "0": row 1: NaN is not finite; use --missing mean or --missing drop`},
		{encodeNPY("<f8", false, "(2, 2)", with(2, math.NaN())), ReadOptions{Features: []string{"x0"}}, `column "0": row 1: NaN is not finite; fill in a number or drop the row`},
		{encodeNPY("<f8", false, "(2, 2)", with(3, math.Inf(1))), ReadOptions{}, `column "1": row 1: +Inf is not finite; fill in a number or drop the row`},
		{encodeNPY("<f8", false, "(2, 2)", with(1, math.Inf(-1))), ReadOptions{NoLabel: true}, `column "1": row 0: -Inf is not finite; fill in a number or drop the row`},
		{encodeNPY("<f8", true, "(2, 2)", with(1, math.NaN())), ReadOptions{NoLabel: true}, `column "0": row 1: NaN is not finite; use --missing mean or --missing drop`},
		{encodeNPY("<f8", false, "(2, 2)", with(2, 1e300)), ReadOptions{Float: tensor.Float32}, `column "0": row 1: 1e+300 is too large for float32; read the table as float64`},
		{encodeNPY("<f8", false, "(2, 2)", with(2, -1)), ReadOptions{NoLabel: true, Weight: "0"}, `column "0": row 1: the weight -1 is negative; weights must not be negative`},
		{encodeNPY("<i8", false, "(2, 2)", []int64{1, 2, 3, 1 << 53}), ReadOptions{}, `column "1": row 1: the label 9.007199254740992e+15 is too large; labels up to 2^53 are told apart`},
		{whole, ReadOptions{Classes: &Classes{Names: []string{"2", "5"}, Numeric: true}, Features: []string{"x0"}}, `column "1": row 1: the label 4 is not among the model's classes; the classes are "2", "5"`},
		{whole, ReadOptions{Label: "2"}, `there is no column 2 among 2; indexes count from 0, negative ones from the end`},
		{whole, ReadOptions{LabelFile: npyPath("labels.npy")}, `there are 3 labels for the 2 rows of x.npy; every row needs a label`},
		{whole, ReadOptions{LabelFile: npyPath("cube.npy")}, `the shape is [2 2 2]; it must be one number a row`},
	} {
		_, err := readNPYBytes(c.npy, c.o)
		var e *ReadError
		require.ErrorAs(t, err, &e, c.message)
		require.NotContains(t, err.Error(), "\n")
		if c.o.LabelFile != "" {
			require.Equal(t, c.o.LabelFile, e.File)
		} else {
			require.Equal(t, "x.npy", e.File)
		}
		e.File = ""
		require.Equal(t, ": "+c.message, e.Error())
	}
	for file, message := range map[string]string{
		"text.npy":    `the array holds numpy's type "<U1"; float, integer and bool can be read`,
		"records.npy": `the array holds records; only plain numbers can be read`,
		"cube.npy":    `the shape is [2 2 2]; it must be rows x columns`,
		"empty.npy":   `the shape is [0 4]; a table needs at least one row and one column`,
	} {
		_, err := Read(context.Background(), npyPath(file), ReadOptions{})
		require.ErrorContains(t, err, npyPath(file)+": "+message)
		require.NotContains(t, err.Error(), "damaged")
	}
}

func TestNPZ_ErrorsSayWhereAndWhat(t *testing.T) {
	archive := func(method uint16, files map[string][]byte) []byte { return archiveOf(t, method, files) }
	x := encodeNPY("<f8", false, "(2, 2)", []float64{1, 2, 3, 4})
	y := encodeNPY("<i8", false, "(2,)", []int64{0, 1})
	flipped := archive(zip.Store, map[string][]byte{"X.npy": x})
	at := bytes.Index(flipped, x)
	flipped[at+len(x)-8] ^= 1 // the lowest bit of the last number
	for _, c := range []struct {
		npz     []byte
		message string
	}{
		{[]byte("not a zip"), `this is no NPZ archive: it does not begin like one; the file is damaged, or something else`},
		{archive(zip.Store, map[string][]byte{"y.npy": y}), `there is no array "X"; the archive holds "y"`},
		{archive(zip.Store, map[string][]byte{"X.npy": x}), `there is no array "y"; the archive holds "X"; --labels names a file of labels`},
		{archive(zip.Store, map[string][]byte{"indptr.npy": y, "indices.npy": y}), `there is no array "X"; the archive holds "indices", "indptr": a matrix of scipy.sparse; sklearn.datasets.dump_svmlight_file writes what can be read`},
		{flipped, `column "X": cannot unpack the array: the checksum is wrong; the file is damaged or incomplete`},
		{archive(zip.Deflate, map[string][]byte{"X.npy": x[:len(x)-4], "y.npy": y}), `column "X": the array of shape [2 2] needs 32 bytes and only 28 are there; the file is damaged or incomplete`},
		{archive(zip.Store, map[string][]byte{"X.npy": x[:len(x)-4], "y.npy": y}), `column "X": the array of shape [2 2] needs 32 bytes and only 28 are there; the file is damaged or incomplete`},
		{archive(zip.Store, map[string][]byte{"X.npy": x, "y.npy": encodeNPY("<i8", false, "(3,)", []int64{0, 1, 0})}), `column "y": there are 3 numbers for the 2 rows of X`},
		{archive(zip.Store, map[string][]byte{"X.npy": x, "y.npy": encodeNPY("<f8", false, "(2,)", []float64{0, math.NaN()})}), `column "y": row 1: NaN is not finite; fill in a number or drop the row`},
		{archive(zip.Store, map[string][]byte{"X.npy": encodeNPY("<f8", false, "(2, 2)", []float64{1, 2, 3, math.NaN()}), "y.npy": y}), `column "X[:, 1]": row 1: NaN is not finite; use --missing mean or --missing drop`},
		{archive(zip.Store, map[string][]byte{"X.npy": x, "y.npy": y, "sample_weight.npy": encodeNPY("<f8", false, "(2, 1)", []float64{1, -1})}), `column "sample_weight": row 1: the weight -1 is negative; weights must not be negative`},
	} {
		path := filepath.Join(t.TempDir(), "x.npz")
		require.NoError(t, os.WriteFile(path, c.npz, 0o666))
		for _, read := range []func() (*Dataset, error){
			func() (*Dataset, error) { return Read(context.Background(), path, ReadOptions{}) },
			func() (*Dataset, error) {
				return ReadFrom(context.Background(), bytes.NewReader(c.npz), path, ReadOptions{})
			},
		} {
			_, err := read()
			require.EqualError(t, err, path+": "+c.message)
		}
	}
}

// TestNPY_HostileHeadersCostNoMemory: a header may claim anything. What is reserved
// is bounded by the bytes that are there; 64 MB are far above what small files need.
func TestNPY_HostileHeadersCostNoMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	for _, shape := range []string{"(1000000000000, 3)", "(3, 1000000000000)", "(0, 1000000000000)", "(1000000000000, 0)", "(1000000000000,)"} {
		for _, descr := range []string{"<f4", "<i1"} {
			b := encodeNPY(descr, false, shape, make([]byte, 1000))
			require.NoError(t, os.WriteFile(path, b, 0o666))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Read(context.Background(), path, ReadOptions{})
			require.Error(t, err)
			_, err = readNPYBytes(b, ReadOptions{})
			require.Error(t, err)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
		}
	}
}

func TestNPY_StopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, file := range []string{"c_f4.npy", "c_i2.npy", "fortran_f4.npy", "stored.npz"} {
		_, err := Read(ctx, npyPath(file), ReadOptions{})
		require.ErrorIs(t, err, context.Canceled, file)
	}
}

// archiveOf is an NPZ archive of those files.
func archiveOf(t require.TestingT, method uint16, files map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		require.NoError(t, err)
		_, err = w.Write(files[name])
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// FuzzNPZ: arrays of any bytes in an archive whose checksums are right, which damage of the
// whole would hardly ever get past. The directory may claim another size.
func FuzzNPZ(f *testing.F) {
	y := encodeNPY("<i8", false, "(2,)", []int64{0, 1})
	for _, x := range [][]byte{
		encodeNPY("<f8", false, "(2, 2)", []float64{1, 2, 3, 4}), encodeNPY("<f4", true, "(2, 1)", []float32{1, 2}),
		encodeNPY("|i1", false, "(2, 3)", []int8{1, 2, 3, 4, 5, 6}), encodeNPY("<f8", false, "(2,)", []float64{1, math.NaN()}),
	} {
		f.Add(x, y, []byte{}, uint32(0), true)
		f.Add(x, y, encodeNPY("<f8", false, "(2, 1)", []float64{1, 0.5}), uint32(1<<31), false)
	}
	f.Fuzz(func(t *testing.T, x, y, weight []byte, claims uint32, deflate bool) {
		files := map[string][]byte{"X.npy": x, "y.npy": y}
		if len(weight) > 0 {
			files["sample_weight.npy"] = weight
		}
		method := zip.Store
		if deflate {
			method = zip.Deflate
		}
		b := archiveOf(t, method, files)
		if at := bytes.Index(b, []byte("PK\x01\x02")); at >= 0 && claims != 0 {
			binary.LittleEndian.PutUint32(b[at+24:], claims) // the size of the first file of the directory
		}
		readBoth(t, readNPZ, b)
	})
}

// FuzzNPY: whatever the bytes, there is a dataset that checks or a one-line error; a
// file and a stream of the same bytes give the same.
func FuzzNPY(f *testing.F) {
	files, err := filepath.Glob(npyPath("*.np[yz]"))
	require.NoError(f, err)
	for _, path := range files {
		b, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(b, path[len(path)-1] == 'z')
	}
	f.Fuzz(func(t *testing.T, b []byte, archive bool) {
		read := readNPY
		if archive {
			read = readNPZ
		}
		readBoth(t, read, b)
	})
}

// readBoth reads a file and a stream of the same bytes.
func readBoth(t *testing.T, read func(context.Context, *input, *ReadOptions) (*Dataset, error), b []byte) {
	o := &ReadOptions{}
	file, err := read(t.Context(), &input{name: "x", Reader: bytes.NewReader(b), file: bytes.NewReader(b), size: int64(len(b))}, o)
	stream, again := read(t.Context(), &input{name: "x", Reader: bytes.NewReader(b)}, o)
	if err != nil {
		require.EqualError(t, again, err.Error())
		var e *ReadError
		require.ErrorAs(t, err, &e)
		require.NotContains(t, err.Error(), "\n")
		return
	}
	require.NoError(t, again)
	require.Equal(t, file, stream)
	require.NoError(t, file.Check())
}

// Arrays of many pieces, read side by side: the table is the one that their numbers make,
// and the first cell in the file that cannot be used is the one named.
func TestNPY_P20_ManyPieces(t *testing.T) {
	const cols = 37
	rows := 2*runBytes/(4*cols) + 5000
	path := filepath.Join(t.TempDir(), "x.npy")
	write := func(descr string, fortran bool, numbers any) {
		b := encodeNPY(descr, fortran, fmt.Sprintf("(%d, %d)", rows, cols), numbers)
		require.NoError(t, os.WriteFile(path, b, 0o666))
	}
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(i*7919%1000003) / 64
	}
	byColumns := make([]float32, len(x))
	for i, v := range x {
		byColumns[i%cols*rows+i/cols] = v
	}
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	o := ReadOptions{Weight: "3", Label: "20", Ignore: []string{"0"}, Threads: 3, Float: tensor.Float32}
	for _, array := range []struct {
		descr   string
		fortran bool
		numbers any
	}{{"<f4", false, x}, {"<f4", true, byColumns}, {"<f8", false, wide}} {
		for i := range rows { // 7 labels
			v := float32(i % 7)
			x[i*cols+20], byColumns[20*rows+i], wide[i*cols+20] = v, v, float64(v)
		}
		write(array.descr, array.fortran, array.numbers)
		d, err := Read(t.Context(), path, o)
		require.NoError(t, err)
		got := d.X.Data().([]float32)
		for i := range rows {
			row, at := got[i*(cols-3):(i+1)*(cols-3)], x[i*cols:]
			if !slices.Equal(row[:2], at[1:3]) || !slices.Equal(row[2:18], at[4:20]) || !slices.Equal(row[18:], at[21:cols]) ||
				d.Weights[i] != float64(at[3]) || d.Labels[i] != int32(i%7) {
				t.Fatalf("%s: row %d is %v", array.descr, i, row)
			}
		}
		d, err = Read(t.Context(), path, ReadOptions{NoLabel: true, Float: tensor.Float32})
		require.NoError(t, err)
		require.True(t, slices.Equal(x, d.X.Data().([]float32)), array.descr)
	}
	bad := func(row, col int, v float32) func() {
		was := x[row*cols+col]
		x[row*cols+col] = v
		return func() { x[row*cols+col] = was }
	}
	for _, at := range []int{0, rows / 3, rows - 2} {
		first, second := bad(at, 36, float32(math.Inf(-1))), bad(at+1, 1, float32(math.NaN()))
		write("<f4", false, x)
		for _, o := range []ReadOptions{o, {NoLabel: true, Threads: 2}} {
			_, err := Read(t.Context(), path, o)
			require.EqualError(t, err, fmt.Sprintf(`%s: column "36": row %d: -Inf is not finite; fill in a number or drop the row`, path, at))
		}
		first()
		second()
	}
	for _, undo := range []func(){bad(rows/2, 3, -1), bad(5, 0, float32(math.NaN()))} { // the latter is ignored
		defer undo()
	}
	write("<f4", false, x)
	_, err := Read(t.Context(), path, o)
	require.EqualError(t, err, fmt.Sprintf(`%s: column "3": row %d: the weight -1 is negative; weights must not be negative`, path, rows/2))
}
