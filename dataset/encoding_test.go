package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"
)

// rowsOf is X as rows, dense or sparse.
func rowsOf(d *Dataset) [][]float64 {
	rows, cols := d.Shape()
	x := make([][]float64, rows)
	for i := range x {
		x[i] = make([]float64, cols)
		if m := d.Sparse; m != nil {
			for at := m.RowPtr[i]; at < m.RowPtr[i+1]; at++ {
				x[i][m.Col[at]] = m.Value(at)
			}
			continue
		}
		switch data := d.X.Data().(type) {
		case []float32:
			for j := range cols {
				x[i][j] = float64(data[i*cols+j])
			}
		case []float64:
			copy(x[i], data[i*cols:])
		}
	}
	return x
}

func TestEncode_ColumnsAsTheyAre(t *testing.T) {
	const text = "city,age,y\nLyon,3,no\nParis,5,yes\nLyon,4,no\nNice,2,yes\n"
	const holes = "city,age,y\nLyon,3,no\n?,5,yes\nLyon,,no\nNice,1,yes\n"
	const rare = "c,y\nb,0\na,0\na,1\nb,1\nc,0\nd,1\nc,0\n"
	for _, c := range []struct {
		name, text string
		o          EncodeOptions
		features   []string
		x          [][]float64
	}{
		{"text is one-hot, in sorted order", text, EncodeOptions{},
			[]string{"city=Lyon", "city=Nice", "city=Paris", "age"}, [][]float64{{1, 0, 0, 3}, {0, 0, 1, 5}, {1, 0, 0, 4}, {0, 1, 0, 2}}},
		{"numbers named categorical sort by value", "a,y\n10,0\n9,1\n9.0,1\n", EncodeOptions{Categorical: []string{"a"}},
			[]string{"a=9", "a=10"}, [][]float64{{0, 1}, {1, 0}, {1, 0}}},
		{"numbers and texts named categorical sort as text", "a,y\n10,0\n9,1\nx,1\n09,0\n", EncodeOptions{Categorical: []string{"0"}},
			[]string{"a=09", "a=10", "a=9", "a=x"}, [][]float64{{0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}, {1, 0, 0, 0}}},
		{"mean", holes, EncodeOptions{Missing: MissingMean},
			[]string{"city=Lyon", "city=Nice", "city=<missing>", "age"}, [][]float64{{1, 0, 0, 3}, {0, 0, 1, 5}, {1, 0, 0, 3}, {0, 1, 0, 1}}},
		{"indicator", holes, EncodeOptions{Missing: MissingIndicator},
			[]string{"city=Lyon", "city=Nice", "city=<missing>", "age", "age=<missing>"}, [][]float64{{1, 0, 0, 3, 0}, {0, 0, 1, 5, 0}, {1, 0, 0, 3, 1}, {0, 1, 0, 1, 0}}},
		{"drop", holes, EncodeOptions{Missing: MissingDrop},
			[]string{"city=Lyon", "city=Nice", "age"}, [][]float64{{1, 0, 3}, {0, 1, 1}}},
		{"max categories counts <other>, and of ties the first goes", rare, EncodeOptions{MaxCategories: 3},
			[]string{"c=b", "c=c", "c=<other>"}, [][]float64{{1, 0, 0}, {0, 0, 1}, {0, 0, 1}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 1, 0}}},
		{"max categories of one", rare, EncodeOptions{MaxCategories: 1}, []string{"c=<other>"}, slices.Repeat([][]float64{{1}}, 7)},
		{"min frequency of rows", rare, EncodeOptions{MinFrequency: 2},
			[]string{"c=a", "c=b", "c=c", "c=<other>"}, [][]float64{{0, 1, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}, {0, 0, 1, 0}}},
		{"min frequency as a share", rare, EncodeOptions{MinFrequency: 0.2},
			[]string{"c=a", "c=b", "c=c", "c=<other>"}, [][]float64{{0, 1, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}, {0, 0, 1, 0}}},
		{"cross", "a,b,y\nu,p,0\nv,p,1\nu,q:r,1\nu,p,0\n", EncodeOptions{Cross: [][]string{{"a", "b"}}},
			[]string{"a=u", "a=v", "b=p", "b=q:r", `a:b=u:p`, `a:b=u:q\:r`, `a:b=v:p`},
			[][]float64{{1, 0, 1, 0, 1, 0, 0}, {0, 1, 1, 0, 0, 0, 1}, {1, 0, 0, 1, 0, 1, 0}, {1, 0, 1, 0, 1, 0, 0}}},
		{"cross with a missing level", "a,b,y\nu,p,0\n,p,1\n", EncodeOptions{Missing: MissingMean, Cross: [][]string{{"b", "a"}}},
			[]string{"a=u", "a=<missing>", "b=p", `b:a=p:<missing>`, `b:a=p:u`}, [][]float64{{1, 0, 1, 0, 1}, {0, 1, 1, 1, 0}}},
		{"first cells missing", "a,b,y\n,,0\n1,u,0\n2,v,1\n", EncodeOptions{Missing: MissingDrop},
			[]string{"a", "b=u", "b=v"}, [][]float64{{1, 1, 0}, {2, 0, 1}}},
		{"header over text alone", "a,b,y\nu,p,no\nv,q,yes\n", EncodeOptions{},
			[]string{"a=u", "a=v", "b=p", "b=q"}, [][]float64{{1, 0, 1, 0}, {0, 1, 0, 1}}},
		{"no header over text and numbers", "u,1,no\nv,2,yes\n", EncodeOptions{},
			[]string{"x0=u", "x0=v", "x1"}, [][]float64{{1, 0, 1}, {0, 1, 2}}},
		{"no missing cell, but the mean is asked for", "a,y\n1,0\n2,1\n", EncodeOptions{Missing: MissingMean}, []string{"a"}, [][]float64{{1}, {2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for size := range len(c.text) {
				d, err := readString(c.text, ReadOptions{Encode: c.o, blockBytes: size + 1, Threads: 1 + size%3})
				require.NoError(t, err)
				require.Equal(t, c.features, d.FeatureNames, "blocks of %d bytes", size+1)
				require.Equal(t, c.x, rowsOf(d), "blocks of %d bytes", size+1)
				require.NoError(t, d.Check())
				require.NoError(t, d.Encoding.Check())
				require.Equal(t, c.features, d.Encoding.FeatureNames())
				require.Len(t, c.features, d.Encoding.Features())
			}
		})
	}
}

func TestEncode_P20_ErrorsNameWhereAndWhatToDo(t *testing.T) {
	ids := "name,y\n"
	for i := range 150 {
		ids += fmt.Sprintf("n%d,%d\n", i, i%2)
	}
	stray := "a,c,y\n" + strings.Repeat("1,u,0\n", 20) + "red,u,1\n"
	for _, c := range []struct {
		text string
		o    EncodeOptions
		want string
	}{
		{"c,a,y\nu,1,0\nv,NA,1\n", EncodeOptions{}, `t.csv:3: column "a": "NA" stands for a missing value; use --missing mean or --missing drop`},
		{"c,a,y\nu,1,0\n,2,1\n", EncodeOptions{}, `t.csv:3: column "c": the cell is empty; use --missing mean or --missing drop`},
		{stray, EncodeOptions{}, `t.csv:22: column "a": cannot read "red" as a number; --categorical a makes categories of the column, --ignore a leaves it out`},
		{"c,a,y\nu,1,0\nv,2,1\n7,2,1\n", EncodeOptions{}, `t.csv:2: column "c": cannot read "u" as a number; --categorical c makes categories of the column, --ignore c leaves it out`},
		{"c,y\n" + strings.Repeat("u,0\n", 20_000) + "7,1\n", EncodeOptions{}, `t.csv:2: column "c": cannot read "u" as a number as 1 of the 20001 cells are; --categorical c makes categories of the column, --ignore c leaves it out`},
		{"c,a,y\nu,1,0\nv,inf,1\n", EncodeOptions{}, `t.csv:3: column "a": "inf" is not finite; fill in a number or drop the row`},
		{"c,a,y\nu,1,0\nv,1e400,1\n", EncodeOptions{}, `t.csv:3: column "a": "1e400" is too large for float64; rescale the column`},
		{"c;a;y\nu;1,5;0\nv;1,25;1\n", EncodeOptions{}, `t.csv:2: column "a": cannot read "1,5" as a number; write decimals with a point`},
		{"c,a,y\nu,,0\nv,,1\n", EncodeOptions{Missing: MissingMean}, `t.csv: column "a": all cells are missing; --ignore a leaves the column out`},
		{"c,a,y\nu,,0\nv,,1\n", EncodeOptions{Missing: MissingDrop}, `t.csv: a feature is missing in every row, so that --missing drop leaves none; use --missing mean, or --ignore the columns that are mostly missing`},
		{"c,y\n\xff,0\nv,1\n", EncodeOptions{}, `t.csv:2: column "c": "\xff" is not UTF-8; convert the file to UTF-8`},
		{"c,y\n<other>,0\nv,1\n", EncodeOptions{}, `t.csv:2: column "c": the level "<other>" has a name kept for cells that are missing or rare; write it in another way`},
		{"c,c=u,y\nu,1,0\nv,2,1\n", EncodeOptions{}, `t.csv: two features would be called "c=u"; rename a column`},
		{ids, EncodeOptions{}, `t.csv: column "name": there are 150 distinct texts in 150 rows: the column looks like one of names or ids; --ignore name leaves it out; --categorical name, --max-categories or --hash-bits make categories of it all the same`},
		{"a,b,y\n1,2,0\n2,3,1\n", EncodeOptions{HashBits: 4}, `t.csv: there are no categories to hash; --categorical makes categories of columns of numbers, or leave out --hash-bits`},
		{"c,a,y\nu,1,0\n", EncodeOptions{Cross: [][]string{{"c", "a"}}}, `t.csv: column "a": numbers cannot be crossed; --categorical a makes categories of them`},
		{"a,b,y\n1,2,0\n2,3,1\n", EncodeOptions{HashBits: 4}, `t.csv: there are no categories to hash; --categorical makes categories of columns of numbers, or leave out --hash-bits`},
		{"c,a,y\nu,1,0\n", EncodeOptions{Cross: [][]string{{"c", "d"}}}, `t.csv: there is no column "d"; the columns are "c", "a", "y"`},
		{"c,a,y\nu,1,0\n", EncodeOptions{Categorical: []string{"y"}}, `t.csv: column "y": is the label and no feature; only features can be categories`},
		{"a,b,y\n1,2,0\n2,3,1\n", EncodeOptions{HashBits: 4}, `t.csv: there are no categories to hash; --categorical makes categories of columns of numbers, or leave out --hash-bits`},
		{"c,a,y\nu,1,0\n", EncodeOptions{Cross: [][]string{{"c"}}}, `t.csv: cross is "c"; it needs at least two columns, as in city:sex`},
		{"c,a,y\nu,1,0\n", EncodeOptions{Missing: "often"}, `t.csv: missing is "often"; it must be error, mean, drop or indicator`},
		{"c,a,y\nu,1,\n", EncodeOptions{Missing: MissingDrop}, `t.csv:2: column "y": the label is empty; fill it in or drop the row`},
	} {
		_, err := readString(c.text, ReadOptions{Encode: c.o})
		require.EqualError(t, err, c.want, "%.60q", c.text)
	}
}

// FuzzEncode: whatever the text and the options, there is a dataset that checks, the same
// for any blocks, whose encoding reads its own table again; or a one-line error.
func FuzzEncode(f *testing.F) {
	f.Add("city,age,y\nLyon,3,no\n?,,yes\nNice,1,no\n", byte(2), byte(3), byte(1))
	f.Add("a;b;c;y\nu;v;1;0\nx;\"v\";2;1\n", byte(1), byte(0), byte(2))
	f.Add("a,b,y\n1,<other>,0\n2,q:r,1\n", byte(0), byte(4), byte(0))
	f.Fuzz(func(t *testing.T, text string, missing, max, hash byte) {
		o := ReadOptions{Threads: 1, Header: []Header{HeaderPresent, HeaderAbsent}[hash/4%2], Encode: EncodeOptions{
			Missing:       []Missing{MissingError, MissingMean, MissingIndicator, MissingDrop}[missing%4],
			MaxCategories: int(max % 8), HashBits: int(hash % 4),
		}}
		if o.Encode.HashBits > 0 {
			o.Encode.MaxCategories = 0
		}
		d, err := readString(text, o)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.NoError(t, d.Check())
		o.Threads, o.blockBytes = 2, 1+int(max)
		again, err := readString(text, o)
		require.NoError(t, err)
		require.Equal(t, d, again)
		if e := d.Encoding; e != nil {
			require.NoError(t, e.Check())
			if o.Encode.Missing == MissingDrop {
				return // rows with missing cells cannot be predicted
			}
			back, err := readString(text, ReadOptions{Encoding: e, Header: o.Header, NoLabel: true})
			require.NoError(t, err)
			require.Equal(t, rowsOf(d), rowsOf(back))
		}
	})
}

// What training learned is applied to raw rows in any order of columns.
func TestEncode_PredictsFromRawColumns(t *testing.T) {
	const train = "city,age,sex,y\nLyon,3,m,no\nParis,5,f,yes\nLyon,,m,no\nNice,1,,yes\nNice,1,f,yes\n"
	read := func(o EncodeOptions) *Encoding {
		d, err := readString(train, ReadOptions{Encode: o})
		require.NoError(t, err)
		text, err := json.Marshal(d.Encoding)
		require.NoError(t, err)
		var e Encoding
		require.NoError(t, json.Unmarshal(text, &e))
		require.Equal(t, d.Encoding, &e)
		return &e
	}
	for _, c := range []struct {
		name string
		o    EncodeOptions
		text string
		x    [][]float64
		err  string
	}{
		{"other order, other columns, no label", EncodeOptions{Missing: MissingMean}, "sex,id,age,city\nf,q,7,Nice\n", [][]float64{{0, 1, 0, 7, 1, 0, 0}}, ""},
		{"unseen levels are 0, missing ones a level", EncodeOptions{Missing: MissingMean}, "sex,age,city\n,,Rome\n", [][]float64{{0, 0, 0, 2.5, 0, 0, 1}}, ""},
		{"missing where training had none is unseen", EncodeOptions{Missing: MissingIndicator}, "sex,age,city\nf,4,?\n", [][]float64{{0, 0, 0, 4, 0, 1, 0, 0}}, ""},
		{"unseen levels are <other> where there is one", EncodeOptions{Missing: MissingMean, MaxCategories: 2}, "sex,age,city\nx,0,Rome\nf,0,Nice\n", [][]float64{{0, 1, 0, 0, 1}, {1, 0, 0, 0, 1}}, ""},
		{"a number is an unseen level", EncodeOptions{Missing: MissingMean}, "sex,age,city\n7,1,8\n", [][]float64{{0, 0, 0, 1, 0, 0, 0}}, ""},
		{"dropped in training, an error here", EncodeOptions{Missing: MissingDrop}, "sex,age,city\nf,1,Nice\nf,,Nice\n", nil, `t.csv:3: column "age": the cell is empty; fill it in or drop the row`},
		{"text where training had numbers", EncodeOptions{Missing: MissingMean}, "sex,age,city\nf,1,Nice\nf,old,Nice\n", nil, `t.csv:3: column "age": cannot read "old" as a number; the model was trained on numbers here`},
		{"a column is not there", EncodeOptions{Missing: MissingMean}, "sex,city\nf,Nice\n", nil, `t.csv: 1 of the model's 3 features is missing: "age"; add the columns; their order does not matter`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := readString(c.text, ReadOptions{Encoding: read(c.o), NoLabel: true})
			if c.err != "" {
				require.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.x, rowsOf(d))
		})
	}
}

// FeatureHasher(16, input_type="dict") of scikit-learn 1.9.1 gave these.
func TestHash_EqualsFeatureHasher(t *testing.T) {
	for text, want := range map[string]int32{"": 0, "a": 1009084850, "city=Paris": -33168497, "hello, world": 345750399} {
		require.Equal(t, want, int32(murmur3([]byte(text))), text)
	}
	d, err := readString("city,sex,a,y\nParis,f,2,0\nLyon,m,0,1\n", ReadOptions{Encode: EncodeOptions{HashBits: 4, Cross: [][]string{{"city", "sex"}}}})
	require.NoError(t, err)
	require.Equal(t, "a", d.FeatureNames[0])
	require.Equal(t, "hash15", d.FeatureNames[16])
	for i, texts := range [][]string{{"city=Paris", "sex=f", "city:sex=Paris:f"}, {"city=Lyon", "sex=m", "city:sex=Lyon:m"}} {
		want := make([]float64, 17)
		want[0] = float64(2 - 2*i)
		for _, text := range texts {
			j, sign := hashFeature([]byte(text), 4)
			want[1+j] += sign
		}
		require.Equal(t, want, rowsOf(d)[i])
	}
}

// naive encodes by definition: one feature at a time, each cell compared by its text.
func naive(table [][]string, names []string) (features []string, x [][]float64) {
	x = make([][]float64, len(table))
	for j, name := range names {
		var levels []string
		var sum, n float64
		numbers := true
		for _, row := range table {
			v, err := strconv.ParseFloat(row[j], 64)
			if row[j] == "" {
				continue
			}
			numbers = numbers && err == nil
			sum, n = sum+v, n+1
			levels = append(levels, row[j])
		}
		if numbers {
			features = append(features, name)
			for i, row := range table {
				v, err := strconv.ParseFloat(row[j], 64)
				if err != nil {
					v = sum / n
				}
				x[i] = append(x[i], v)
			}
			continue
		}
		slices.Sort(levels)
		levels = slices.Compact(levels)
		if slices.ContainsFunc(table, func(row []string) bool { return row[j] == "" }) {
			levels = append(levels, "")
		}
		for _, level := range levels {
			features = append(features, name+"="+orDefault(level, "<missing>"))
			for i, row := range table {
				v := 0.0
				if row[j] == level {
					v = 1
				}
				x[i] = append(x[i], v)
			}
		}
	}
	return features, x
}

func TestEncode_P6_P9_EqualsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols := rapid.IntRange(1, 5).Draw(t, "cols")
		rows := rapid.IntRange(1, 40).Draw(t, "rows")
		// Values of a small set, whose sums are exact in any order.
		levels := []string{"a", "b", "c,d", `e"f`, "g h", ""}
		if rapid.Bool().Draw(t, "many levels") { // more than 128 features: sparse
			for k := range 200 {
				levels = append(levels, fmt.Sprintf("l%d", k))
			}
		}
		var names []string
		table := make([][]string, rows)
		for j := range cols {
			names = append(names, fmt.Sprintf("c%d", j))
			text := rapid.Bool().Draw(t, "text")
			first := true
			for i := range table {
				cell := rapid.SampledFrom(levels).Draw(t, "level")
				if !text {
					cell = rapid.SampledFrom([]string{"1", "0", "-2.5", "8", ""}).Draw(t, "number")
				}
				if first && i == rows-1 { // no column without a value
					cell = "1"
					if text {
						cell = "a"
					}
				}
				first = first && cell == ""
				table[i] = append(table[i], cell)
			}
		}
		var b strings.Builder
		b.WriteString(strings.Join(names, ",") + ",y\n")
		for i, row := range table {
			for _, cell := range row {
				b.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `",`)
			}
			fmt.Fprintf(&b, "%d\n", i%2)
		}
		o := ReadOptions{Encode: EncodeOptions{Missing: MissingMean}, Header: HeaderPresent, Threads: 1}
		o.Encode.MinFrequency = 1 // groups nothing, and allows many levels in few rows
		d, err := readString(b.String(), o)
		require.NoError(t, err)
		features, x := naive(table, names)
		require.Equal(t, features, d.FeatureNames)
		got := rowsOf(d)
		for i := range x {
			for j := range x[i] {
				// A mean of numbers up to 8 differs by the rounding of their sum.
				require.InDelta(t, x[i][j], got[i][j], 40*8*0x1p-53, "row %d, %s", i, features[j])
			}
		}

		o.Threads, o.blockBytes = 3, rapid.IntRange(1, 200).Draw(t, "block")
		again, err := readString(b.String(), o)
		require.NoError(t, err)
		require.Equal(t, d, again)

		back, err := readString(b.String(), ReadOptions{Encoding: d.Encoding, Header: HeaderPresent, Float: tensor.Float64})
		require.NoError(t, err)
		require.Equal(t, got, rowsOf(back))
	})
}

func TestEncode_SparseHasNoValuesWhereAllAreOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(numbers bool) string {
		var b strings.Builder
		b.WriteString("a,b,n,y\n")
		for i := range 5000 {
			n := "u"
			if numbers {
				n = strconv.Itoa(i % 3)
			}
			fmt.Fprintf(&b, "a%d,b%d,%s,%d\n", random.IntN(300), random.IntN(100), n, i%2)
		}
		return b.String()
	}
	d, err := readString(text(false), ReadOptions{})
	require.NoError(t, err)
	require.NotNil(t, d.Sparse)
	require.Nil(t, d.Sparse.Val32)
	require.Nil(t, d.Sparse.Val64)
	require.Equal(t, int64(15_000), d.Sparse.Entries())
	require.NoError(t, d.Sparse.Check())

	d, err = readString(text(true), ReadOptions{})
	require.NoError(t, err)
	require.Len(t, d.Sparse.Val64, len(d.Sparse.Col))
	require.Equal(t, int64(10_000+5000-1667), d.Sparse.Entries(), "zeros are not stored")
	require.NoError(t, d.Sparse.Check())

	d, err = readString(text(true), ReadOptions{Float: tensor.Float32})
	require.NoError(t, err)
	require.Len(t, d.Sparse.Val32, len(d.Sparse.Col))
}

func TestEncoding_CheckRefusesWhatContradictsItself(t *testing.T) {
	mean := 1.5
	for _, c := range []struct {
		e    Encoding
		want string
	}{
		{Encoding{Missing: "mean"}, "there are no columns"},
		{Encoding{Missing: "x", Columns: []EncodedColumn{{Name: "a"}}}, `missing is "x"; it must be error, mean, drop or indicator`},
		{Encoding{Missing: "mean", Columns: []EncodedColumn{{Name: "a"}}}, `column "a" must have a mean exactly where missing cells are filled in`},
		{Encoding{Missing: "error", Columns: []EncodedColumn{{Name: "a", Mean: &mean}}}, `column "a" must have a mean exactly where missing cells are filled in`},
		{Encoding{Missing: "mean", Columns: []EncodedColumn{{Name: "a", Mean: &mean, Indicator: true}}}, `column "a" has an indicator, which belongs to missing: indicator`},
		{Encoding{Columns: []EncodedColumn{{Name: "a"}, {Name: "a"}}}, `there are two columns "a"`},
		{Encoding{Columns: []EncodedColumn{{Name: "a", Categorical: true}}}, `column "a" has no levels`},
		{Encoding{Columns: []EncodedColumn{{Name: "a", Categorical: true, Levels: []string{"u", "u"}}}}, `column "a" has the level "u" twice`},
		{Encoding{Columns: []EncodedColumn{{Name: "a", Categorical: true, Numeric: true, Levels: []string{"1.0"}}}}, `column "a" has the level "1.0", which is no number in its shortest form`},
		{Encoding{Columns: []EncodedColumn{{Name: "a", Levels: []string{"u"}}}}, `column "a" has levels, which belong to a categorical column that is not hashed`},
		{Encoding{HashBits: 3, Columns: []EncodedColumn{{Name: "a", Categorical: true, Levels: []string{"u"}}}}, `column "a" has levels, which belong to a categorical column that is not hashed`},
		{Encoding{HashBits: 40, Columns: []EncodedColumn{{Name: "a"}}}, `hash-bits is 40; it must be from 1 to 24`},
		{Encoding{Columns: []EncodedColumn{{Name: "a"}}, Crosses: []EncodedColumn{{Name: "a:a", Of: []string{"a", "a"}, Categorical: true, Levels: []string{"1"}}}}, `column "a:a" is of "a", which is no categorical column`},
		{Encoding{HashBits: 3, Columns: []EncodedColumn{{Name: "a", Categorical: true}}, Crosses: []EncodedColumn{{Name: "a", Of: []string{"a"}, Categorical: true}}}, `cross "a" is of fewer than two columns`},
	} {
		require.EqualError(t, c.e.Check(), c.want)
	}
}

// NaN in an array of numbers is a missing cell, where those are kept.
func TestEncode_ArraysHaveMissingCells(t *testing.T) {
	for _, c := range []struct {
		o    EncodeOptions
		want [][]float64
		err  string
	}{
		{EncodeOptions{}, nil, `t.npy: column "1": row 1: NaN is not finite; use --missing mean or --missing drop`},
		{EncodeOptions{Missing: MissingIndicator}, [][]float64{{1, 2, 0}, {3, 4, 1}, {5, 6, 0}}, ""},
		{EncodeOptions{Missing: MissingDrop}, [][]float64{{1, 2}, {5, 6}}, ""},
	} {
		var b bytes.Buffer
		b.WriteString("\x93NUMPY\x01\x00\x76\x00")
		fmt.Fprintf(&b, "%-117s\n", "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3), }")
		require.NoError(t, binary.Write(&b, binary.LittleEndian, []float64{1, 2, 0, 3, math.NaN(), 1, 5, 6, 1}))
		d, err := ReadFrom(context.Background(), &b, "t.npy", ReadOptions{Encode: c.o})
		if c.err != "" {
			require.EqualError(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, rowsOf(d))
	}
}

// A table from anywhere becomes the dataset that the same text becomes.
func TestTable_Dataset(t *testing.T) {
	table := &Table{Name: "t.csv", Rows: 3, Columns: []Column{
		{Name: "w", Numbers: []float64{1, 2, 0.5}},
		{Name: "city", Codes: []int32{1, 0, -1}, Levels: []string{"Paris", "Lyon", "unused"}},
		{Name: "age", Numbers: []float64{3, math.NaN(), 5}},
		{Name: "y", Codes: []int32{0, 1, 0}, Levels: []string{"yes", "no"}},
	}}
	o := ReadOptions{Weight: "w", Encode: EncodeOptions{Missing: MissingIndicator}}
	want, err := readString("w,city,age,y\n1,Lyon,3,yes\n2,Paris,,no\n0.5,,5,yes\n", o)
	require.NoError(t, err)
	got, err := table.Dataset(context.Background(), o)
	require.NoError(t, err)
	require.Equal(t, want, got)

	table.Columns[3] = Column{Name: "y", Numbers: []float64{1, 0, math.NaN()}}
	_, err = table.Dataset(context.Background(), o)
	require.EqualError(t, err, `t.csv: column "y": row 2: the label is missing; fill it in or drop the row`)
	table.Columns[3].Numbers[2] = 10
	got, err = table.Dataset(context.Background(), o)
	require.NoError(t, err)
	require.Equal(t, Classes{Names: []string{"0", "1", "10"}, Numeric: true}, got.Classes)
	require.Equal(t, []int32{1, 0, 2}, got.Labels)
}
