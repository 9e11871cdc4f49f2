package logreg

import (
	"context"
	"math"

	"github.com/logreg-gpu/logreg-gpu/metrics"
	"github.com/logreg-gpu/logreg-gpu/model"
	"github.com/logreg-gpu/logreg-gpu/objective"
)

// Scoring is a measure of predictions. All weigh rows by the sample weights, not by
// those of classes, as scikit-learn does.
type Scoring string

const (
	LogLoss  Scoring = "log_loss" // smaller is better
	ROCAUC   Scoring = "roc_auc"  // of several classes, each against the others, the mean
	Accuracy Scoring = "accuracy"
)

// sign is 1 where smaller is better, else -1.
func (s Scoring) sign() float64 {
	if s == LogLoss {
		return 1
	}
	return -1
}

// of measures the logits z of labelled rows.
func (s Scoring) of(m *model.Model, labels []int32, z, weights []float64) float64 {
	k := len(m.Classes.Names)
	switch s {
	case Accuracy:
		return metrics.Accuracy(labels, m.Decide(z), weights)
	case ROCAUC:
		if k == 2 {
			return metrics.ROCAUC(labels, z, weights) // logits tie less than probabilities
		}
		return metrics.ROCAUCOvR(labels, m.Probabilities(z), k, weights)
	}
	return metrics.LogLoss(labels, m.Probabilities(z), k, weights)
}

// scores measures every member on the rows that it leaves out. Where the weights of
// the fit are those of the score, the log loss has come with the last read of X.
func (v *validation) scores(ctx context.Context, family *objective.Family, theta [][]float64, fits []objective.Fit) ([]float64, error) {
	if v.scoring == LogLoss && v.factors == nil {
		scores, err := family.Held(ctx, theta)
		for k := range scores {
			scores[k] /= v.held[k%v.folds]
		}
		return scores, err
	}
	scores := make([]float64, len(fits))
	for f := range v.folds {
		if err := v.scoreFold(ctx, f, fits, scores); err != nil {
			return nil, err
		}
	}
	return scores, nil
}

// scoreRows is how many held-out rows are copied at a time.
const scoreRows = 8192

// scoreFold measures the members that leave out fold f.
func (v *validation) scoreFold(ctx context.Context, f int, fits []objective.Fit, scores []float64) error {
	var rows []int
	for i, in := range v.source.Folds {
		if int(in) == f {
			rows = append(rows, i)
		}
	}
	models, logits := make([]*model.Model, len(v.cs)), make([][]float64, len(v.cs))
	for c := range models {
		models[c] = v.modelOf(fits[c*v.folds+f])
	}
	var labels []int32
	var weights []float64
	for first := 0; first < len(rows); first += scoreRows {
		part := v.ds.Take(rows[first:min(first+scoreRows, len(rows))])
		labels, weights = append(labels, part.Labels...), append(weights, part.Weights...)
		for c, m := range models {
			z, err := m.DecisionFunction(ctx, part)
			if err != nil {
				return err
			}
			logits[c] = append(logits[c], z...)
		}
	}
	for c, m := range models {
		scores[c*v.folds+f] = v.scoring.of(m, labels, logits[c], weights)
	}
	return nil
}

// choose fills in what follows from the scores.
func (r *CVResult) choose() {
	n, sign := float64(r.Folds), r.Scoring.sign()
	r.Mean, r.Std = make([]float64, len(r.Cs)), make([]float64, len(r.Cs))
	for c, row := range r.Scores {
		for _, s := range row {
			r.Mean[c] += s / n
		}
		squares := 0.0
		for _, s := range row {
			squares += (s - r.Mean[c]) * (s - r.Mean[c])
		}
		r.Std[c] = math.Sqrt(squares / n)
	}
	r.Best = r.smallest(func(c int) float64 { return sign * r.Mean[c] })
	limit := sign*r.Mean[r.Best] + r.Std[r.Best]/math.Sqrt(n-1)
	r.OneSE = r.smallest(func(c int) float64 {
		if sign*r.Mean[c] <= limit {
			return 0
		}
		return 1
	})
}

// smallest is the C of the lowest rank, of several the smallest C.
func (r *CVResult) smallest(rank func(c int) float64) (best int) {
	for c := range r.Cs {
		a, b := rank(c), rank(best)
		if a < b || a == b && r.Cs[c] < r.Cs[best] {
			best = c
		}
	}
	return best
}
