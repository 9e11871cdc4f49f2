package checkpoint

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// data stands before another Data and puts its questions to the journal. It has the
// methods of all abilities and the abilities of the other.
//
// While the journal knows the answers, a sample is only a name: it is drawn when it is
// first needed, and mostly never.
type data struct {
	journal    *Journal
	id         request // names the sample; zero for all rows
	rows, cols int
	storage    backend.Storage
	affine     backend.Affine
	abilities  backend.Ability

	live   backend.Data // nil: not drawn yet
	draw   func(context.Context) (backend.Data, error)
	closed bool
}

var (
	_ backend.Data         = (*data)(nil)
	_ backend.Selective    = (*data)(nil)
	_ backend.Keeper       = (*data)(nil)
	_ backend.Limited      = (*data)(nil)
	_ backend.Rated        = (*data)(nil)
	_ backend.HessVec      = (*data)(nil)
	_ backend.Gram         = (*data)(nil)
	_ backend.ColumnGram   = (*data)(nil)
	_ backend.Sampler      = (*data)(nil)
	_ backend.LineSearcher = (*data)(nil)
)

func (d *data) Rows() int                  { return d.rows }
func (d *data) Cols() int                  { return d.cols }
func (d *data) Storage() backend.Storage   { return d.storage }
func (d *data) Affine() backend.Affine     { return d.affine }
func (d *data) Abilities() backend.Ability { return d.abilities }
func (d *data) can(a backend.Ability) error {
	if d.abilities&a != a {
		return backend.ErrUnsupported
	}
	return nil
}

// now is the Data behind, drawn if need be.
func (d *data) now(ctx context.Context) (live backend.Data, err error) {
	if d.closed {
		return nil, backend.ErrClosed
	}
	if d.live == nil {
		d.live, err = d.draw(ctx)
	}
	return d.live, err
}

// put puts a question to the journal, or to the Data behind.
func (d *data) put(ctx context.Context, a answer, work func(backend.Data) error, operation string, args ...any) error {
	asked := func() request { return ask(d.id, operation, args...) }
	return d.journal.once(ctx, asked, a, func() error {
		live, err := d.now(ctx)
		if err != nil {
			return err
		}
		return work(live)
	})
}

func (d *data) Eval(ctx context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	return d.put(ctx, intoEvaluation(out, models, d.cols), func(live backend.Data) error {
		return live.Eval(ctx, models, coef, out)
	}, "eval", models, coef)
}

func (d *data) Predict(ctx context.Context, models []backend.Model, coef []float64, out []float64) error {
	return d.put(ctx, into(out), func(live backend.Data) error {
		return live.Predict(ctx, models, coef, out)
	}, "predict", models, coef)
}

func (d *data) Stats(ctx context.Context, weight int) (*backend.Stats, error) {
	st := new(backend.Stats)
	err := d.put(ctx, intoStats(st, d.cols), func(live backend.Data) error {
		found, err := live.Stats(ctx, weight)
		if err == nil {
			*st = *found
		}
		return err
	}, "stats", weight)
	if err != nil {
		return nil, err
	}
	return st, nil
}

func (d *data) HessVec(ctx context.Context, models []backend.Model, coef, v, out []float64) error {
	if err := d.can(backend.CanHessVec); err != nil {
		return err
	}
	return d.put(ctx, into(out), func(live backend.Data) error {
		return live.(backend.HessVec).HessVec(ctx, models, coef, v, out)
	}, "hessvec", models, coef, v)
}

func (d *data) Gram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	if err := d.can(backend.CanGram); err != nil {
		return err
	}
	operation, rest := "gram", into()
	if ev != nil {
		operation, rest = "eval and gram", intoEvaluation(ev, models, d.cols)
	}
	return d.put(ctx, intoMatrices(d.cols+1, out, rest), func(live backend.Data) error {
		return live.(backend.Gram).Gram(ctx, models, coef, blocks, out, ev)
	}, operation, models, coef, blocks)
}

func (d *data) ColumnGram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, cols []int, out, diagonal [][]float64) error {
	if err := d.can(backend.CanColumnGram); err != nil {
		return err
	}
	return d.put(ctx, intoMatrices(len(cols)+1, out, into(diagonal...)), func(live backend.Data) error {
		return live.(backend.ColumnGram).ColumnGram(ctx, models, coef, blocks, cols, out, diagonal)
	}, "column gram", models, coef, blocks, cols)
}

// refused is the answer of samples that take more memory than is allowed. There may be more
// when it is read again, so they are then asked for again.
const refused = -1

// Sample names a sample; its abilities are the answer.
func (d *data) Sample(ctx context.Context, rows []int, factor []float64) (backend.Data, error) {
	if err := d.can(backend.CanSample); err != nil {
		return nil, err
	}
	if d.journal.inside > 0 {
		live, err := d.now(ctx)
		if err != nil {
			return nil, err
		}
		return live.(backend.Sampler).Sample(ctx, rows, factor)
	}
	s := &data{
		journal: d.journal, id: ask(d.id, "sample", rows, factor),
		rows: len(rows), cols: d.cols, storage: d.storage, affine: d.affine,
	}
	abilities := make([]float64, 1)
	asked := func() request { return s.id }
	var refusal error
	draw := func() (err error) {
		live, err := d.now(ctx)
		if err != nil {
			return err
		}
		if l, ok := live.(backend.Limited); ok && l.MostSampled() < d.rows { // those take memory, too
			if err := d.journal.drawAll(ctx); err != nil {
				return err
			}
		}
		s.live, err = live.(backend.Sampler).Sample(ctx, rows, factor)
		if errors.As(err, new(*backend.MemoryLimitError)) {
			abilities[0], refusal = refused, err
			return nil
		}
		if err == nil {
			abilities[0] = float64(backend.Abilities(s.live))
		}
		return err
	}
	err := d.journal.once(ctx, asked, into(abilities), draw)
	if err == nil && abilities[0] == refused && refusal == nil {
		err = draw()
	}
	if err = cmp.Or(err, refusal); err != nil {
		return nil, err
	}
	s.abilities = backend.Ability(abilities[0])
	if s.live == nil {
		s.draw = d.later(slices.Clone(rows), slices.Clone(factor))
		d.journal.undrawn = append(d.journal.undrawn, s)
	}
	return s, nil
}

// MostSampled depends on which samples are open, so those that are only names so far
// are drawn before it is asked for anew.
func (d *data) MostSampled() int {
	ctx, most := context.Background(), []float64{float64(d.rows)}
	err := d.put(ctx, into(most), func(live backend.Data) error {
		l, ok := live.(backend.Limited)
		if !ok {
			return nil
		}
		if err := d.journal.drawAll(ctx); err != nil {
			return err
		}
		most[0] = float64(l.MostSampled())
		return nil
	}, "most sampled")
	if err != nil {
		return 0
	}
	return int(most[0])
}

// drawAll draws the samples that are only names so far.
func (j *Journal) drawAll(ctx context.Context) error {
	for _, s := range j.undrawn {
		if _, err := s.now(ctx); err != nil && !s.closed {
			return err
		}
	}
	j.undrawn = nil
	return nil
}

// Rates are remembered too: a fit that goes on where another instruction set is goes on
// with its plan.
func (d *data) Rates() backend.Rates {
	rates := make([]float64, 5)
	err := d.put(context.Background(), into(rates), func(live backend.Data) error {
		r := backend.RatesOf(live)
		copy(rates, []float64{r.Read, r.Flops, r.Link, r.Entry, r.Product})
		return nil
	}, "rates")
	if err != nil { // as of a Data that was closed: what is asked next says so
		return backend.RatesOf(nil)
	}
	return backend.Rates{Read: rates[0], Flops: rates[1], Link: rates[2], Entry: rates[3], Product: rates[4]}
}

// later draws a sample of d, which may have been closed by then.
func (d *data) later(rows []int, factor []float64) func(context.Context) (backend.Data, error) {
	return func(ctx context.Context) (backend.Data, error) {
		if !d.closed || d.draw == nil {
			live, err := d.now(ctx)
			if err != nil {
				return nil, err
			}
			return live.(backend.Sampler).Sample(ctx, rows, factor)
		}
		live, err := d.draw(ctx)
		if err != nil {
			return nil, err
		}
		s, err := live.(backend.Sampler).Sample(ctx, rows, factor)
		if cerr := live.Close(); err == nil {
			err = cerr
		}
		return s, err
	}
}

func (d *data) Direction(ctx context.Context, models []backend.Model, coef, dir []float64) (backend.Line, error) {
	if err := d.can(backend.CanLine); err != nil {
		return nil, err
	}
	l := &line{data: d, id: ask(d.id, "direction", models, coef, dir), models: models, coef: coef, dir: dir}
	asked := func() request { return l.id }
	if err := d.journal.once(ctx, asked, into(), func() error { return l.compute(ctx) }); err != nil {
		return nil, err
	}
	if l.live == nil {
		l.models, l.coef, l.dir = slices.Clone(models), slices.Clone(coef), slices.Clone(dir)
	}
	return l, nil
}

// Keep implements backend.Keeper.
func (d *data) Keep(ctx context.Context, what string, state [][]float64, work func() error) error {
	j := d.journal
	asked := func() request { return ask(d.id, "keep "+what, state) }
	return j.once(ctx, asked, into(state...), func() error {
		j.inside++
		defer func() { j.inside-- }()
		return work()
	})
}

// Close closes the Data behind, if it was drawn.
func (d *data) Close() error {
	if d.closed {
		return backend.ErrClosed
	}
	d.closed = true
	if d.live == nil {
		return nil
	}
	return d.live.Close()
}

// line is a Line whose products are computed when they are first needed.
type line struct {
	data      *data
	id        request
	models    []backend.Model
	coef, dir []float64
	live      backend.Line // nil: not computed yet
}

func (l *line) At(ctx context.Context, t, loss, slope [][]float64) error {
	asked := func() request { return ask(l.id, "at", t) }
	return l.data.journal.once(ctx, asked, into(append(slices.Clone(loss), slope...)...), func() error {
		if l.live == nil {
			if err := l.compute(ctx); err != nil {
				return err
			}
		}
		return l.live.At(ctx, t, loss, slope)
	})
}

func (l *line) compute(ctx context.Context) error {
	live, err := l.data.now(ctx)
	if err == nil {
		l.live, err = live.(backend.LineSearcher).Direction(ctx, l.models, l.coef, l.dir)
	}
	return err
}

func (l *line) Close() error {
	if l.live == nil {
		return nil
	}
	return l.live.Close()
}
