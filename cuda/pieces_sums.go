package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// addTo adds v to total, number by number.
func addTo(total, v []float64) {
	for i, s := range v {
		total[i] += s
	}
}

func addEvaluation(total, e *backend.Evaluation) {
	addTo(total.Loss, e.Loss)
	addTo(total.Held, e.Held)
	addTo(total.Grad, e.Grad)
}

// Eval implements backend.Data.
func (p *pieces) Eval(ctx context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	if err := p.columns.CheckModels(models, coef); err != nil {
		return p.orClosed(err)
	}
	out.Reset(models, p.columns.Cols)
	var ev backend.Evaluation
	return p.each(ctx, func(_ int, d *data) error {
		err := d.Eval(ctx, models, coef, &ev)
		if err == nil {
			addEvaluation(out, &ev)
		}
		return err
	})
}

// HessVec implements backend.HessVec.
func (p *pieces) HessVec(ctx context.Context, models []backend.Model, coef, v, out []float64) error {
	if err := p.columns.CheckModels(models, coef, v, out); err != nil {
		return p.orClosed(err)
	}
	part, total := make([]float64, len(out)), make([]float64, len(out)) // out may be v
	err := p.each(ctx, func(_ int, d *data) error {
		err := d.HessVec(ctx, models, coef, v, part)
		if err == nil {
			addTo(total, part)
		}
		return err
	})
	if err == nil {
		copy(out, total)
	}
	return err
}

// Gram implements backend.Gram.
func (p *pieces) Gram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, out [][]float64, ev *backend.Evaluation) error {
	if err := p.columns.CheckGram(models, coef, blocks, out); err != nil {
		return p.orClosed(err)
	}
	part := like(out)
	var partEv *backend.Evaluation
	if ev != nil {
		ev.Reset(models, p.columns.Cols)
		partEv = new(backend.Evaluation)
	}
	return p.each(ctx, func(_ int, d *data) error {
		if err := d.Gram(ctx, models, coef, blocks, part, partEv); err != nil {
			return err
		}
		addAll(out, part)
		if ev != nil {
			addEvaluation(ev, partEv)
		}
		return nil
	})
}

// ColumnGram implements backend.ColumnGram.
func (p *pieces) ColumnGram(ctx context.Context, models []backend.Model, coef []float64, blocks []backend.GramBlock, cols []int, out, diagonal [][]float64) error {
	if err := p.columns.CheckColumnGram(models, coef, blocks, cols, out, diagonal); err != nil {
		return p.orClosed(err)
	}
	part, partDiagonal := like(out), like(diagonal)
	return p.each(ctx, func(_ int, d *data) error {
		err := d.ColumnGram(ctx, models, coef, blocks, cols, part, partDiagonal)
		if err == nil {
			addAll(out, part)
			addAll(diagonal, partDiagonal)
		}
		return err
	})
}

// like clears out and returns as much again.
func like(out [][]float64) [][]float64 {
	same := make([][]float64, len(out))
	for b := range out {
		clear(out[b])
		same[b] = make([]float64, len(out[b]))
	}
	return same
}

func addAll(total, v [][]float64) {
	for b := range total {
		addTo(total[b], v[b])
	}
}

// Predict implements backend.Data.
func (p *pieces) Predict(ctx context.Context, models []backend.Model, coef []float64, out []float64) error {
	if err := p.columns.CheckPredict(models, coef, out); err != nil {
		return p.orClosed(err)
	}
	width := backend.Outputs(models)
	return p.each(ctx, func(i int, d *data) error {
		return d.Predict(ctx, models, coef, out[p.first[i]*width:p.first[i+1]*width])
	})
}

// Stats implements backend.Data.
func (p *pieces) Stats(ctx context.Context, weight int) (*backend.Stats, error) {
	if weight < backend.None || weight >= len(p.host) {
		return nil, p.orClosed(&backend.SourceError{Part: "stats", Reason: fmt.Sprintf("asks for weight column %d of %d", weight, len(p.host))})
	}
	var s *backend.Stats
	err := p.each(ctx, func(i int, d *data) error {
		part, err := d.Stats(ctx, weight)
		if err != nil {
			return err
		}
		if i == 0 {
			s = part
			return nil
		}
		mergeMoments(&s.Moments, &part.Moments)
		if weight != backend.None {
			mergeMoments(&s.Weighted, &part.Weighted)
		}
		for j := range s.Min {
			s.Min[j], s.Max[j] = min(s.Min[j], part.Min[j]), max(s.Max[j], part.Max[j])
			s.NonZero[j] += part.NonZero[j]
		}
		return nil
	})
	return s, err
}

// mergeMoments adds the moments of other rows (Chan, Golub, LeVeque 1979).
func mergeMoments(m, o *backend.Moments) {
	if o.Sum == 0 {
		return
	}
	sum := m.Sum + o.Sum
	share := o.Sum / sum
	for j, mean := range o.Mean {
		delta := mean - m.Mean[j]
		m.Mean[j] += float64(delta * share)
		m.Var[j] = float64(m.Var[j]*(1-share)) + float64(o.Var[j]*share) + float64(float64(delta*delta)*float64(share*(1-share)))
	}
	m.Sum = sum
}

// Direction implements backend.LineSearcher.
func (p *pieces) Direction(ctx context.Context, models []backend.Model, coef, dir []float64) (backend.Line, error) {
	if err := p.columns.CheckModels(models, coef, dir); err != nil {
		return nil, p.orClosed(err)
	}
	l := &pieceLines{models: append([]backend.Model(nil), models...)}
	err := p.each(ctx, func(_ int, d *data) error {
		one, err := d.Direction(ctx, models, coef, dir)
		if err == nil {
			l.lines = append(l.lines, one)
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// pieceLines are the lines of all parts. They need no X.
type pieceLines struct {
	models []backend.Model
	lines  []backend.Line
	closed bool
}

// At implements backend.Line.
func (l *pieceLines) At(ctx context.Context, t, loss, slope [][]float64) error {
	if l.closed {
		return errClosed
	}
	if err := backend.CheckSteps(l.models, t, loss, slope); err != nil {
		return err
	}
	partLoss, partSlope := like(loss), like(slope)
	for _, one := range l.lines {
		if err := one.At(ctx, t, partLoss, partSlope); err != nil {
			return err
		}
		addAll(loss, partLoss)
		addAll(slope, partSlope)
	}
	return nil
}

func (l *pieceLines) Close() (err error) {
	if l.closed {
		return errClosed
	}
	l.closed = true
	for _, one := range l.lines {
		err = errors.Join(err, one.Close())
	}
	return err
}

// orClosed is err, unless p is closed.
func (p *pieces) orClosed(err error) error {
	if p.closed {
		return errClosed
	}
	return err
}
