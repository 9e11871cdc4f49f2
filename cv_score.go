package logreg

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/logreg-gpu/logreg-gpu/metrics"
	"github.com/logreg-gpu/logreg-gpu/model"
	"github.com/logreg-gpu/logreg-gpu/objective"
)

// Scoring is a measure of predictions. All weigh rows by the sample weights, not by
// those of classes, as scikit-learn does.
type Scoring string

const (
	// LogLoss is smaller where it is better. It is that of the logits: scikit-learn's, but
	// for rows that are more than 36 from their side, which that counts as 36.
	LogLoss Scoring = "log_loss"

	ROCAUC   Scoring = "roc_auc" // of several classes, each against the others, the mean
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
	return metrics.LogLossOfLogits(labels, z, k, weights)
}

// scores measures every member on the rows that it leaves out. Where the weights of
// the fit are those of the score, the log loss has come with the last read of X.
func (v *validation) scores(ctx context.Context, family *objective.Family, theta [][]float64, fits []objective.Fit) ([]float64, error) {
	if v.cv.Scoring == LogLoss && v.factors == nil {
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
	trials := len(fits) / v.folds
	models, logits := make([]*model.Model, trials), make([][]float64, trials)
	for t := range models {
		models[t] = v.modelOf(fits[t*v.folds+f])
		logits[t] = make([]float64, 0, len(rows)*models[t].Outputs())
	}
	var labels []int32
	var weights []float64
	for first := 0; first < len(rows); first += scoreRows {
		part := v.ds.Take(rows[first:min(first+scoreRows, len(rows))])
		labels, weights = append(labels, part.Labels...), append(weights, part.Weights...)
		for t, m := range models {
			z, err := m.DecisionFunction(ctx, part)
			if err != nil {
				return err
			}
			logits[t] = append(logits[t], z...)
		}
	}
	v.inParallel(trials, func(t int) {
		scores[t*v.folds+f] = v.cv.Scoring.of(models[t], labels, logits[t], weights)
	})
	return nil
}

// inParallel calls do for 0 to n-1 on several threads.
func (v *validation) inParallel(n int, do func(int)) {
	threads := v.cv.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	var (
		taken atomic.Int64
		done  sync.WaitGroup
	)
	for range min(n, threads) {
		done.Go(func() {
			for i := int(taken.Add(1)) - 1; i < n; i = int(taken.Add(1)) - 1 {
				do(i)
			}
		})
	}
	done.Wait()
}

// choose fills in what follows from the scores.
func (r *CVResult) choose() {
	n, sign := float64(r.Folds), r.Scoring.sign()
	for i := range r.Trials {
		t := &r.Trials[i]
		for _, s := range t.Scores {
			t.Mean += s / n
		}
		squares := 0.0
		for _, s := range t.Scores {
			squares += float64((s - t.Mean) * (s - t.Mean))
		}
		t.Std = math.Sqrt(squares / n)
	}
	for i, t := range r.Trials {
		best := r.Trials[r.Best]
		a, b := float64(sign*t.Mean), float64(sign*best.Mean)
		if a < b || a == b && t.C < best.C {
			r.Best = i
		}
	}
	best := r.Trials[r.Best]
	limit := float64(sign*best.Mean) + best.Std/math.Sqrt(n-1)
	r.OneSE = r.Best
	for i, t := range r.Trials {
		if t.L1Ratio == best.L1Ratio && float64(sign*t.Mean) <= limit && t.C < r.Trials[r.OneSE].C {
			r.OneSE = i
		}
	}
}
