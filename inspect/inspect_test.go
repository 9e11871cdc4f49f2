package inspect_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/inspect"
)

// describe inspects a table given as text.
func describe(t *testing.T, text string, o dataset.ReadOptions) *inspect.Report {
	path := filepath.Join(t.TempDir(), "t.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	table, label, err := dataset.ReadTable(context.Background(), path, o)
	require.NoError(t, err)
	r, err := inspect.Describe(context.Background(), table, label)
	require.NoError(t, err)
	return r
}

func TestDescribe_Facts(t *testing.T) {
	r := describe(t, "y,n,c,m,e\nno,1,u,3,\nyes,-0,v,x,NA\nno,?,u,,\nyes,2,,3.0,nan\n,0,u,w,\n", dataset.ReadOptions{Label: "y"})
	require.Equal(t, 5, r.Rows)
	require.Equal(t, &inspect.Label{Name: "y", Missing: 1, Classes: []inspect.Level{{Name: "no", Rows: 2}, {Name: "yes", Rows: 2}}}, r.Label)
	require.Equal(t, []inspect.Column{
		{Name: "n", Kind: inspect.Number, Missing: 1, Distinct: 3, Range: &inspect.Range{Min: 0, Max: 2, Mean: 0.75, Deviation: math.Sqrt(2.75) / 2, Zeros: 2}},
		{Name: "c", Kind: inspect.Category, Missing: 1, Distinct: 2, Top: []inspect.Level{{Name: "u", Rows: 3}, {Name: "v", Rows: 1}}},
		{Name: "m", Kind: inspect.Mixed, Missing: 1, Distinct: 3, Range: &inspect.Range{Min: 3, Max: 3, Mean: 3}, Top: []inspect.Level{{Name: "3", Rows: 2}, {Name: "w", Rows: 1}, {Name: "x", Rows: 1}}},
		{Name: "e", Kind: inspect.Empty, Missing: 5},
	}, r.Columns)
}

// table is 200 rows of two honest columns and one made by cell, with balanced labels.
func table(name string, cell func(i, label int, random *rand.Rand) string) string {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	fmt.Fprintf(&b, "a,b,%s,y\n", name)
	for i := range 200 {
		y := i / 7 % 2
		fmt.Fprintf(&b, "%.3f,%d,%s,%d\n", random.NormFloat64()+float64(y)/2, random.IntN(30), cell(i, y, random), y)
	}
	return b.String()
}

func TestDescribe_WarnsOfTroubleAndOfNothingElse(t *testing.T) {
	honest := func(_, _ int, random *rand.Rand) string { return fmt.Sprint(random.IntN(4)) }
	for _, c := range []struct {
		name string
		cell func(i, label int, random *rand.Rand) string
		want []string
	}{
		{"honest numbers", honest, nil},
		{"honest text", func(_, y int, random *rand.Rand) string { return "uvw"[random.IntN(2)+y:][:1] }, nil},
		{"constant", func(int, int, *rand.Rand) string { return "7" }, []string{"c: one value alone; --ignore"}},
		{"leaking number", func(_, y int, random *rand.Rand) string {
			return fmt.Sprintf("%.4f", 4*float64(y)+random.NormFloat64())
		},
			[]string{"c: alone separates the classes with a ROC AUC of 0.999; is it known before the label is? otherwise --ignore it"}},
		{"leaking number, falling", func(_, y int, _ *rand.Rand) string { return fmt.Sprint(1 - y) },
			[]string{"c: alone separates the classes with a ROC AUC of 1; is it known before the label is? otherwise --ignore it"}},
		{"leaking text", func(i, y int, _ *rand.Rand) string { return []string{"paid", "late"}[y] + "ab"[i%2:][:1] },
			[]string{"c: alone names the class of 200 of 200 rows; is it known before the label is? otherwise --ignore it"}},
		{"row numbers", func(i, _ int, _ *rand.Rand) string { return fmt.Sprint(1000 + (i*7)%200) }, []string{"c: values hardly repeat: names, ids or row numbers; --ignore"}},
		{"names", func(i, _ int, _ *rand.Rand) string { return fmt.Sprintf("n%d", i%150) }, []string{"c: values hardly repeat: names, ids or row numbers; --ignore"}},
		{"few missing", func(i, _ int, random *rand.Rand) string { return []string{"", "1", "2"}[min(i, 1+random.IntN(2))] }, []string{"c: cells are missing; --missing mean, indicator or drop"}},
		{"mostly missing", func(i, _ int, _ *rand.Rand) string { return []string{"", "", "1", "", "2"}[i%5] }, []string{"c: more than half of the cells are missing; --missing indicator, or --ignore"}},
		{"all missing", func(int, int, *rand.Rand) string { return "NA" }, []string{"c: no cell has a value; --ignore"}},
		{"mixed", func(i, _ int, random *rand.Rand) string {
			return []string{"old", fmt.Sprint(random.IntN(9))}[min(1, i%100)]
		},
			[]string{`c: 2 of 200 cells are text among numbers, the first "old" in line 2; correct the cells, or --categorical`}},
		{"money", func(_, _ int, random *rand.Rand) string { return fmt.Sprintf("$%d.50", random.IntN(9)) },
			[]string{`c: numbers written as text, such as "$8.50", which training takes for categories; write them without signs`}},
		{"per cent and dates, which are text", func(_, _ int, random *rand.Rand) string {
			return []string{"50%", "2024-01-02"}[random.IntN(2)]
		}, nil},
		{"far from 0", func(_, _ int, random *rand.Rand) string { return fmt.Sprint(5000 + random.IntN(9)) }, []string{"c: far from 0 for their spread; --standardize"}},
		{"uneven scales", func(_, _ int, random *rand.Rand) string { return fmt.Sprint(random.IntN(90_000)) }, []string{"c, a: they vary by 2.57e+04 and 0.983: the penalty falls on them unevenly; --standardize"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := describe(t, table("c", c.cell), dataset.ReadOptions{})
			var got []string
			for _, w := range r.Warnings {
				got = append(got, w.String())
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestDescribe_WarnsOfRowsAndLabels(t *testing.T) {
	kinds := func(r *inspect.Report) (kinds []string) {
		for _, w := range r.Warnings {
			kinds = append(kinds, w.Kind)
		}
		return kinds
	}
	honest := table("c", func(_, _ int, random *rand.Rand) string { return fmt.Sprint(random.IntN(4)) })
	_, rows, _ := strings.Cut(honest, "\n")
	r := describe(t, honest+rows[:strings.LastIndexByte(rows[:len(rows)/2], '\n')+1], dataset.ReadOptions{})
	require.InDelta(t, 100, r.DuplicateRows, 5)
	require.Equal(t, []string{inspect.WarnRows}, kinds(r))

	r = describe(t, honest+"1,2,3,2\n0,1,3,2\n0.5,3,2,2\n", dataset.ReadOptions{})
	require.Equal(t, []string{inspect.WarnImbalance}, kinds(r))
	require.Equal(t, `y: class "2" has 3 of 203 rows; accuracy says little here: look at roc_auc and average_precision; --class-weight balanced weighs classes alike`, r.Warnings[0].String())

	r = describe(t, honest, dataset.ReadOptions{Label: "a"})
	require.Equal(t, []string{inspect.WarnClasses}, kinds(r))
	r = describe(t, honest+"1,2,3,\n", dataset.ReadOptions{})
	require.Equal(t, []string{inspect.WarnLabelEmpty}, kinds(r))
	r = describe(t, "a,y\n1,no\n2,no\n1,no\n", dataset.ReadOptions{})
	require.Equal(t, []string{inspect.WarnClasses, inspect.WarnRows}, kinds(r))

	r = describe(t, "a,b,y\n1,1,0\n2,2,1\n1,1,1\n", dataset.ReadOptions{})
	require.Equal(t, []string{inspect.WarnDuplicate}, kinds(r))
	require.Equal(t, `b: the same values as "a"; --ignore one of them`, r.Warnings[0].String())
}

// The built-in sets are fine, but for scales that differ.
func TestDescribe_BuiltinSets(t *testing.T) {
	for name, want := range map[string][]string{"builtin:iris": nil, "builtin:breast_cancer": {inspect.WarnScales}} {
		table, label, err := dataset.ReadTable(context.Background(), name, dataset.ReadOptions{})
		require.NoError(t, err)
		r, err := inspect.Describe(context.Background(), table, label)
		require.NoError(t, err)
		var kinds []string
		for _, w := range r.Warnings {
			kinds = append(kinds, w.Kind)
		}
		require.Equal(t, want, kinds)
	}
}

func TestDescribe_P24_TableIsNotModified(t *testing.T) {
	numbers, codes := []float64{3, math.NaN(), 1}, []int32{1, 0, -1}
	table := &dataset.Table{Rows: 3, Columns: []dataset.Column{{Name: "a", Numbers: numbers}, {Name: "y", Codes: codes, Levels: []string{"v", "u", "w"}}}}
	r, err := inspect.Describe(context.Background(), table, 1)
	require.NoError(t, err)
	require.Equal(t, []inspect.Level{{Name: "u", Rows: 1}, {Name: "v", Rows: 1}}, r.Label.Classes)
	require.Equal(t, 3.0, numbers[0])
	require.Equal(t, []int32{1, 0, -1}, codes)

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = inspect.Describe(ctx, table, 1)
	require.ErrorIs(t, err, context.Canceled)
}

// What separates a handful of rows is chance.
func TestDescribe_FewRowsProveNoLeak(t *testing.T) {
	r := describe(t, "a,c,y\n1,u,0\n2,u,0\n3,u,0\n4,v,1\n5,v,1\n6,v,1\n1,u,0\n2,u,0\n3,u,0\n6,v,1\n", dataset.ReadOptions{})
	for _, w := range r.Warnings {
		require.NotEqual(t, inspect.WarnLeak, w.Kind)
	}
}
