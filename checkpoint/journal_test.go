package checkpoint_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"
	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/checkpoint"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

const rows, cols = 30, 2

// source is a small dense one with two label columns, weights, offsets and folds.
func source() *backend.Source {
	random := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, rows*cols)
	for i := range x {
		x[i] = random.NormFloat64()
	}
	src := &backend.Source{
		X:      tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(x)),
		Labels: [][]int32{make([]int32, rows), make([]int32, rows)}, Weights: [][]float64{make([]float64, rows)},
		Offsets: [][]float64{make([]float64, rows)}, Folds: make([]int32, rows),
	}
	for i := range rows {
		src.Labels[0][i], src.Labels[1][i] = int32(i%2), int32(i%3)
		src.Weights[0][i], src.Offsets[0][i], src.Folds[i] = random.Float64(), random.NormFloat64(), int32(i%4)
	}
	return src
}

func load(t require.TestingT) backend.Data {
	d, err := reference.New().Load(context.Background(), source(), backend.Float64)
	require.NoError(t, err)
	return d
}

// counted counts the questions that get to a Data and its samples, and fails them once
// there were so many.
type counted struct {
	backend.Data
	asked *int
	fail  int
}

var errGone = errors.New("the device is gone")

func (c *counted) ask() error {
	if *c.asked++; *c.asked == c.fail {
		return errGone
	}
	return nil
}

func (c *counted) Eval(ctx context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	if err := c.ask(); err != nil {
		return err
	}
	return c.Data.Eval(ctx, models, coef, out)
}

func (c *counted) Predict(ctx context.Context, models []backend.Model, coef, out []float64) error {
	if err := c.ask(); err != nil {
		return err
	}
	return c.Data.Predict(ctx, models, coef, out)
}

func (c *counted) Stats(ctx context.Context, weight int) (*backend.Stats, error) {
	if err := c.ask(); err != nil {
		return nil, err
	}
	return c.Data.Stats(ctx, weight)
}

func (c *counted) HessVec(ctx context.Context, models []backend.Model, coef, v, out []float64) error {
	if err := c.ask(); err != nil {
		return err
	}
	return c.Data.(backend.HessVec).HessVec(ctx, models, coef, v, out)
}

func (c *counted) Gram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	if err := c.ask(); err != nil {
		return err
	}
	return c.Data.(backend.Gram).Gram(ctx, models, coef, blocks, out, ev)
}

func (c *counted) ColumnGram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, cols []int, out, diagonal [][]float64) error {
	if err := c.ask(); err != nil {
		return err
	}
	return c.Data.(backend.ColumnGram).ColumnGram(ctx, models, coef, blocks, cols, out, diagonal)
}

func (c *counted) Sample(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	if err := c.ask(); err != nil {
		return nil, err
	}
	s, err := c.Data.(backend.Sampler).Sample(ctx, rows, factor)
	if err != nil {
		return nil, err
	}
	return &counted{s, c.asked, c.fail}, nil
}

func (c *counted) Direction(ctx context.Context, models []backend.Model, coef, dir []float64) (backend.Line, error) {
	if err := c.ask(); err != nil {
		return nil, err
	}
	return c.Data.(backend.LineSearcher).Direction(ctx, models, coef, dir)
}

// step is one question of a fit, about one of the Data it has.
type step struct {
	Operation string
	On        int // which Data, modulo their number
	Seed      uint64
}

var operations = []string{"eval", "predict", "stats", "hessvec", "gram", "eval and gram", "column gram", "sample", "line", "keep", "close", "most"}

func drawSteps(t *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{rapid.SampledFrom(operations).Draw(t, "operation"), rapid.IntRange(0, 3).Draw(t, "on"), rapid.Uint64Range(0, 5).Draw(t, "seed")}
	}), 1, 15).Draw(t, "steps")
}

// walk asks d the questions and gives all the answers as text, those before an error
// too. The arguments are clobbered after each question, as a caller may.
func walk(d backend.Data, steps []step) (answers string, err error) {
	var said strings.Builder
	ctx := context.Background()
	open := []backend.Data{d}
	defer func() {
		for _, s := range open[1:] {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, s := range steps {
		d := open[s.On%len(open)]
		random := rand.New(rand.NewPCG(s.Seed, 0))
		models := []backend.Model{backend.Softmax(3), {Class: 1, Weight: 0, Offset: 0, Fold: int(s.Seed % 4)}}
		models[0].Label = 1
		vector := func() []float64 {
			v := make([]float64, 4*(cols+1))
			for i := range v {
				v[i] = random.NormFloat64()
			}
			return v
		}
		coef, other := vector(), vector()
		blocks := []backend.GramBlock{{Model: 0, Row: 0, Col: 2}, {Model: 1}}
		grams := [][]float64{make([]float64, (cols+1)*(cols+1)), make([]float64, (cols+1)*(cols+1))}
		var ev backend.Evaluation
		switch s.Operation {
		case "eval":
			err = d.Eval(ctx, models, coef, &ev)
			fmt.Fprintln(&said, ev)
		case "predict":
			out := make([]float64, 4*d.Rows())
			err = d.Predict(ctx, models, coef, out)
			fmt.Fprintln(&said, out)
		case "stats":
			var st *backend.Stats
			if st, err = d.Stats(ctx, int(s.Seed%2)-1); err == nil {
				fmt.Fprintln(&said, *st)
			}
		case "hessvec":
			out := vector()
			err = d.(backend.HessVec).HessVec(ctx, models, coef, other, out)
			fmt.Fprintln(&said, out)
		case "gram":
			err = d.(backend.Gram).Gram(ctx, models, coef, blocks, grams, nil)
			fmt.Fprintln(&said, grams)
		case "eval and gram":
			err = d.(backend.Gram).Gram(ctx, models, coef, blocks, grams, &ev)
			fmt.Fprintln(&said, grams, ev)
		case "column gram":
			chosen := []int{1}
			some := [][]float64{make([]float64, 4), make([]float64, 4)}
			diagonal := [][]float64{make([]float64, cols+1), make([]float64, cols+1)}
			err = d.(backend.ColumnGram).ColumnGram(ctx, models, coef, blocks, chosen, some, diagonal)
			fmt.Fprintln(&said, some, diagonal)
		case "sample":
			drawn, factor := make([]int, 5+random.IntN(5)), []float64(nil)
			for i := range drawn {
				drawn[i] = random.IntN(d.Rows())
			}
			if s.Seed%2 == 0 {
				factor = make([]float64, len(drawn))
				for i := range factor {
					factor[i] = random.Float64()
				}
			}
			var sample backend.Data
			if sample, err = d.(backend.Sampler).Sample(ctx, drawn, factor); err == nil {
				open = append(open, sample)
				fmt.Fprintln(&said, sample.Rows(), sample.Cols(), sample.Storage(), sample.Affine(), backend.Abilities(sample))
			}
			clear(drawn)
			clear(factor)
		case "line":
			var l backend.Line
			if l, err = d.(backend.LineSearcher).Direction(ctx, models, coef, other); err != nil {
				break
			}
			clear(coef)
			clear(other)
			clear(models)
			for range 2 {
				t := [][]float64{{random.Float64()}, {random.Float64(), 1}}
				loss, slope := [][]float64{{0}, {0, 0}}, [][]float64{{0}, {0, 0}}
				if err = l.At(ctx, t, loss, slope); err != nil {
					break
				}
				fmt.Fprintln(&said, loss, slope)
			}
			err = errors.Join(err, l.Close())
		case "keep":
			state := coef
			work := func() error {
				for range 3 {
					part, err := d.(backend.Sampler).Sample(ctx, []int{0, d.Rows() - 1}, nil)
					if err == nil {
						err = part.Eval(ctx, models, state, &ev)
						err = errors.Join(err, part.Close())
					}
					if err != nil {
						return err
					}
					copy(state, ev.Grad)
				}
				return nil
			}
			if k, ok := d.(backend.Keeper); ok {
				err = k.Keep(ctx, "three steps", [][]float64{state}, work)
			} else {
				err = work()
			}
			fmt.Fprintln(&said, state)
		case "most":
			if l, ok := d.(backend.Limited); ok {
				err = ctx.Err()
				_ = l.MostSampled()
			}
		case "close":
			if k := s.On % len(open); k > 0 {
				err = open[k].Close()
				open = append(open[:k:k], open[k+1:]...)
			}
		}
		clear(coef)
		clear(other)
		clear(models)
		if err != nil {
			return said.String(), err
		}
	}
	return said.String(), nil
}

// begin opens a journal over d, with its notices.
func begin(t require.TestingT, path string, resume bool, d backend.Data) (*checkpoint.Journal, backend.Data, *[]string) {
	var notices []string
	j, err := checkpoint.Open(checkpoint.Options{
		Path: path, Resume: resume, Every: time.Hour, // syncing is slow, and nobody pulls the plug here
		Notice: func(line string) { notices = append(notices, strings.TrimPrefix(line, path+": ")) },
	}, facts)
	require.NoError(t, err)
	return j, j.Data(d), &notices
}

var facts = []checkpoint.Fact{checkpoint.Of("fit", "of a test"), checkpoint.Of("C", 1.0)}

// With a journal the answers are those of the Data itself; cut anywhere, by the end of
// the program or by a failing device, they are so again, none is asked for twice, and
// the file ends as if there had been one run.
func TestJournal_P23_AnswersAreThoseOfTheData(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, "fit.ckpt")
		steps := drawSteps(t)
		plain := 0
		want, err := walk(&counted{load(t), &plain, 0}, steps)
		require.NoError(t, err)

		asked := 0
		j, d, notices := begin(t, path, false, &counted{load(t), &asked, 0})
		got, err := walk(d, steps)
		require.NoError(t, err)
		require.NoError(t, j.Close())
		require.Equal(t, want, got)
		require.Equal(t, plain, asked)
		require.Empty(t, *notices)
		whole, err := os.ReadFile(path)
		require.NoError(t, err)

		asked = 0
		j, d, _ = begin(t, path, true, &counted{load(t), &asked, 0})
		got, err = walk(d, steps)
		require.NoError(t, err)
		require.NoError(t, j.Close())
		require.Equal(t, want, got)
		require.Zero(t, asked, "all was known")

		header := bytes.Index(whole, []byte("]")) + 1 + 4
		cut := rapid.IntRange(header, len(whole)).Draw(t, "cut")
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o666))
		fail := rapid.IntRange(0, 3).Draw(t, "fail")
		j, d, _ = begin(t, path, true, &counted{load(t), new(int), fail})
		got, err = walk(d, steps)
		if err != nil {
			require.ErrorIs(t, err, errGone)
		}
		require.True(t, strings.HasPrefix(want, got) || err != nil)
		require.NoError(t, j.Close())

		j, d, _ = begin(t, path, true, load(t))
		got, err = walk(d, steps)
		require.NoError(t, err)
		require.NoError(t, j.Close())
		require.Equal(t, want, got)
		again, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(whole, again))
	})
}

// A fit that takes another way gets the answers of the Data all the same: from the
// first question that differs on, the file is that of the new way.
func TestJournal_P23_AnotherWay(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path, fresh := filepath.Join(dir, "fit.ckpt"), filepath.Join(dir, "fresh.ckpt")
		old := drawSteps(t)
		steps := slices.Clone(old)
		other := drawSteps(t)[0]
		switch s := &steps[rapid.IntRange(0, len(steps)-1).Draw(t, "step")]; rapid.IntRange(0, 3).Draw(t, "change") {
		case 0:
			s.On = other.On
		case 1:
			s.Seed = other.Seed
		case 2:
			s.Operation = other.Operation
		case 3:
			steps = append(steps[:rapid.IntRange(0, len(old)).Draw(t, "steps")], other)
		}
		keep := func(path string, resume bool, steps []step) (notices []string) {
			want, err := walk(load(t), steps)
			require.NoError(t, err)
			j, d, said := begin(t, path, resume, load(t))
			got, err := walk(d, steps)
			require.NoError(t, err)
			require.NoError(t, j.Close())
			require.Equal(t, want, got)
			return *said
		}
		keep(path, false, old)
		keep(fresh, false, steps)
		if notices := keep(path, true, steps); len(notices) == 0 {
			return // nothing new was asked
		}
		a, err := os.ReadFile(path)
		require.NoError(t, err)
		b, err := os.ReadFile(fresh)
		require.NoError(t, err)
		require.True(t, bytes.Equal(a, b))
	})
}

// Questions that differ in a single argument are different questions, and so are those
// to samples that differ in what they are drawn of, their rows or their factors.
func TestJournal_P23_QuestionsAreToldApart(t *testing.T) {
	ctx := t.Context()
	one, other := []float64{1, 2, 3}, []float64{1, 2, 4}
	binary, weighted := []backend.Model{backend.Binary()}, []backend.Model{{Class: 1, Weight: 0, Offset: -1, Fold: -1}}
	type question func(d, a backend.Data) []float64
	sample := func(rows []int, factor []float64, ofA bool) question {
		return func(d, a backend.Data) []float64 {
			if ofA {
				d = a
			}
			s, err := d.(backend.Sampler).Sample(ctx, rows, factor)
			require.NoError(t, err)
			var ev backend.Evaluation
			require.NoError(t, s.Eval(ctx, binary, one, &ev))
			return ev.Grad
		}
	}
	eval := func(models []backend.Model, coef []float64) question {
		return func(d, _ backend.Data) []float64 {
			var ev backend.Evaluation
			require.NoError(t, d.Eval(ctx, models, coef, &ev))
			return ev.Grad
		}
	}
	hessVec := func(v []float64) question {
		return func(d, _ backend.Data) []float64 {
			out := make([]float64, 3)
			require.NoError(t, d.(backend.HessVec).HessVec(ctx, binary, one, v, out))
			return out
		}
	}
	gram := func(row, col int) question {
		return func(d, _ backend.Data) []float64 {
			m := backend.Softmax(3)
			m.Label = 1
			out := [][]float64{make([]float64, 9)}
			require.NoError(t, d.(backend.Gram).Gram(ctx, []backend.Model{m}, slices.Concat(one, other, one), []backend.GramBlock{{Row: row, Col: col}}, out, nil))
			return out[0]
		}
	}
	columnGram := func(column int) question {
		return func(d, _ backend.Data) []float64 {
			out, diagonal := [][]float64{make([]float64, 4)}, [][]float64{make([]float64, 3)}
			require.NoError(t, d.(backend.ColumnGram).ColumnGram(ctx, binary, one, []backend.GramBlock{{}}, []int{column}, out, diagonal))
			return out[0]
		}
	}
	stats := func(weight int) question {
		return func(d, _ backend.Data) []float64 {
			st, err := d.Stats(ctx, weight)
			require.NoError(t, err)
			return append(st.Weighted.Mean, st.Mean...)
		}
	}
	line := func(dir []float64, at float64) question {
		return func(d, _ backend.Data) []float64 {
			l, err := d.(backend.LineSearcher).Direction(ctx, binary, one, dir)
			require.NoError(t, err)
			loss, slope := []float64{0}, []float64{0}
			require.NoError(t, l.At(ctx, [][]float64{{at}}, [][]float64{loss}, [][]float64{slope}))
			require.NoError(t, l.Close())
			return append(loss, slope...)
		}
	}
	keep := func(what string, add, state float64) question {
		return func(d, _ backend.Data) []float64 {
			x := []float64{state}
			work := func() error { x[0] += add; return nil }
			if k, ok := d.(backend.Keeper); ok {
				require.NoError(t, k.Keep(ctx, what, [][]float64{x}, work))
			} else {
				require.NoError(t, work())
			}
			return x
		}
	}
	questions := []question{
		sample([]int{0, 1}, nil, false), sample([]int{1, 0}, nil, false), sample([]int{0, 1}, nil, true),
		sample([]int{0, 1}, []float64{1, 2}, false), sample([]int{0, 1}, []float64{2, 1}, false),
		eval(binary, one), eval(binary, other), eval(weighted, one),
		hessVec(one), hessVec(other), gram(0, 1), gram(0, 2), columnGram(0), columnGram(1), stats(0), stats(backend.None),
		line(one, 1), line(other, 1), line(one, 2),
		keep("add 1", 1, 5), keep("add 1", 1, 6), keep("add 2", 2, 5),
	}
	ask := func(d backend.Data, q question) []float64 {
		a, err := d.(backend.Sampler).Sample(ctx, []int{5, 7, 9}, nil)
		require.NoError(t, err)
		return q(d, a)
	}
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	for i, old := range questions {
		for k, now := range questions {
			j, d, _ := begin(t, path, false, load(t))
			ask(d, old)
			require.NoError(t, j.Close())
			j, d, notices := begin(t, path, true, load(t))
			require.Equal(t, ask(load(t), now), ask(d, now), "%d after %d", k, i)
			require.NoError(t, j.Close())
			require.Equal(t, i == k, len(*notices) == 0, "%d after %d", k, i)
		}
	}
}

// A sample of a sample that was closed before either was drawn again.
func TestJournal_P23_SampleOfAClosedSample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	steps := []step{{"sample", 0, 2}, {"sample", 1, 4}, {"close", 1, 0}}
	j, d, _ := begin(t, path, false, load(t))
	_, err := walk(d, steps)
	require.NoError(t, err)
	require.NoError(t, j.Close())

	steps = append(steps, step{"eval", 1, 1}, step{"gram", 1, 1})
	want, err := walk(load(t), steps)
	require.NoError(t, err)
	j, d, _ = begin(t, path, true, load(t))
	got, err := walk(d, steps)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	require.Equal(t, want, got)
}

// A file that is damaged beyond its header is used up to there.
func TestJournal_P23_Damaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	steps := []step{{"stats", 0, 0}, {"eval", 0, 1}, {"sample", 0, 2}, {"eval and gram", 1, 3}, {"line", 1, 1}, {"keep", 0, 2}}
	want, err := walk(load(t), steps)
	require.NoError(t, err)
	j, d, _ := begin(t, path, false, load(t))
	header := j.Size()
	_, err = walk(d, steps)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for at := header; at < int64(len(whole)); at += 5 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1 << (at % 8)
		require.NoError(t, os.WriteFile(path, damaged, 0o666))
		j, d, notices := begin(t, path, true, load(t))
		got, err := walk(d, steps)
		require.NoError(t, err)
		require.NoError(t, j.Close())
		require.Equal(t, want, got)
		require.Len(t, *notices, 1)
		require.Regexp(t, `^going on after [0-9] operations; the last [0-9]+ bytes are of no use$`, (*notices)[0])
		again, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(whole, again), "byte %d", at)
	}
}

// A write that fails ends the journal, and nothing else.
func TestJournal_WriteFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	steps := []step{{"eval", 0, 1}, {"eval", 0, 2}, {"eval", 0, 3}}
	want, err := walk(load(t), steps)
	require.NoError(t, err)
	j, d, notices := begin(t, path, false, load(t))
	require.NoError(t, j.Break())
	got, err := walk(d, steps)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.ErrorIs(t, j.Close(), fs.ErrClosed)
	require.Len(t, *notices, 1)
	require.Regexp(t, "^cannot be written any more, the fit goes on without: ", (*notices)[0])
}

// At its limit a journal stops growing; what it holds is good.
func TestJournal_SizeLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	steps := []step{{"eval", 0, 1}, {"eval", 0, 2}, {"eval", 0, 3}}
	want, err := walk(load(t), steps)
	require.NoError(t, err)
	defer checkpoint.LimitSize(600)()
	for resume, first := range map[bool]string{false: "has reached its limit of 6e-07 GB: what comes after would be computed again", true: "going on after 2 operations"} {
		require.NoError(t, os.RemoveAll(path))
		if resume {
			j, d, _ := begin(t, path, false, load(t))
			_, err := walk(d, steps)
			require.NoError(t, err)
			require.NoError(t, j.Close())
		}
		j, d, notices := begin(t, path, resume, load(t))
		got, err := walk(d, steps)
		require.NoError(t, err)
		require.NoError(t, j.Close())
		require.Equal(t, want, got)
		require.Equal(t, first, (*notices)[0])
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(600))
	}
}

// A context that has ended ends a fit that is still among the known answers.
func TestJournal_ContextEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fit.ckpt")
	steps := []step{{"stats", 0, 0}} // without weights
	j, d, _ := begin(t, path, false, load(t))
	_, err := walk(d, steps)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	j, d, notices := begin(t, path, true, load(t))
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err = d.Stats(ctx, backend.None)
	require.ErrorIs(t, err, cause)
	require.Empty(t, *notices)
	require.NoError(t, j.Close())
}
