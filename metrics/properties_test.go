package metrics

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sample is a set of predictions with whole weights and many tied probabilities.
type sample struct {
	y, pred []int32
	p, w    []float64
	k       int
}

func (s sample) report() *Report { return Evaluate(s.y, s.pred, s.p, s.k, s.w) }

// rows is the sample with the given rows, in that order.
func (s sample) rows(order []int) sample {
	out := sample{k: s.k}
	for _, i := range order {
		out.y, out.pred, out.w = append(out.y, s.y[i]), append(out.pred, s.pred[i]), append(out.w, s.w[i])
		out.p = append(out.p, s.p[i*s.k:(i+1)*s.k]...)
	}
	return out
}

func drawSample(t *rapid.T) sample {
	s := sample{k: rapid.IntRange(2, 4).Draw(t, "classes")}
	n := rapid.IntRange(1, 40).Draw(t, "rows")
	class := rapid.Int32Range(0, int32(s.k-1))
	for range n {
		s.y = append(s.y, class.Draw(t, "y"))
		s.pred = append(s.pred, class.Draw(t, "pred"))
		s.w = append(s.w, float64(rapid.IntRange(0, 3).Draw(t, "w")))
		parts, sum := make([]float64, s.k), 0.0
		for c := range parts {
			parts[c] = float64(rapid.IntRange(0, 4).Draw(t, "p"))
			sum += parts[c]
		}
		if sum == 0 {
			parts[0], sum = 1, 1
		}
		for _, v := range parts {
			s.p = append(s.p, v/sum)
		}
	}
	return s
}

// requireSame compares reports as programs see them, to rounding; null equals null.
func requireSame(t require.TestingT, want, have *Report) {
	w, h := asJSON(t, want), asJSON(t, have)
	delete(w, "rows")
	delete(h, "rows")
	require.Len(t, h, len(w))
	for name, v := range w {
		switch v := v.(type) {
		case float64:
			require.InDelta(t, v, h[name], 1e-12*(1+math.Abs(v)), name)
		default:
			require.Equal(t, v, h[name], name)
		}
	}
}

func TestEvaluate_P7_IntegerWeightsAreRepeatedRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		var order []int
		for i, w := range s.w {
			for range int(w) {
				order = append(order, i)
			}
		}
		repeated := s.rows(order)
		repeated.w = nil
		requireSame(t, s.report(), repeated.report())
	})
}

func TestEvaluate_P8_RowOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		order := make([]int, len(s.y))
		for i := range order {
			order[i] = i
		}
		requireSame(t, s.report(), s.rows(rapid.Permutation(order).Draw(t, "order")).report())
	})
}

func TestEvaluate_P7_ScaledWeightsChangeOnlyTheConfusionMatrix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		one := s.report()
		for i := range s.w {
			s.w[i] *= 4
		}
		four := s.report()
		for a, row := range one.ConfusionMatrix {
			for b := range row {
				require.Equal(t, 4*row[b], four.ConfusionMatrix[a][b])
			}
		}
		four.ConfusionMatrix = one.ConfusionMatrix
		requireSame(t, one, four)
	})
}

func TestROCAUC_IsTheShareOfPairsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		score := column(s.p, s.k, 1)
		y := isClass(s.y, 1)
		won, pairs := 0.0, 0.0
		for i := range y {
			for j := range y {
				if y[i] != 1 || y[j] != 0 {
					continue
				}
				w := s.w[i] * s.w[j]
				pairs += w
				switch {
				case score[i] > score[j]:
					won += w
				case score[i] == score[j]:
					won += w / 2
				}
			}
		}
		have := ROCAUC(y, score, s.w)
		if pairs == 0 {
			require.True(t, math.IsNaN(have))
			return
		}
		require.InDelta(t, won/pairs, have, 1e-12)
	})
}

func TestRanking_DependsOnTheOrderOfScoresAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSample(t)
		score, y := column(s.p, s.k, 1), isClass(s.y, 1)
		stretched, reversed := make([]float64, len(score)), make([]float64, len(score))
		for i, v := range score {
			stretched[i] = math.Exp(7*v) - 3
			reversed[i] = -v
		}
		auc := ROCAUC(y, score, s.w)
		if math.IsNaN(auc) {
			return
		}
		require.Equal(t, auc, ROCAUC(y, stretched, s.w))
		require.Equal(t, AveragePrecision(y, score, s.w), AveragePrecision(y, stretched, s.w))
		require.InDelta(t, 1-auc, ROCAUC(y, reversed, s.w), 1e-12)
		require.InDelta(t, auc, ROCAUC(isClass(y, 0), reversed, s.w), 1e-12, "swapped classes")
	})
}

func TestEvaluate_PerfectPredictions(t *testing.T) {
	y := []int32{0, 1, 2, 1}
	p := []float64{1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0}
	r := Evaluate(y, y, p, 3, nil)
	for _, v := range []Value{r.Accuracy, r.BalancedAccuracy, r.ROCAUC, r.AveragePrecision, r.F1, r.Precision, r.Recall, *r.F1Weighted} {
		require.Equal(t, Value(1), v)
	}
	require.Equal(t, Value(0), r.Brier)
	require.InDelta(t, 0, float64(r.LogLoss), 0x1p-51)
}

// A certain mistake costs -log(2^-52), not infinity.
func TestLogLoss_P19_CertainMistake(t *testing.T) {
	require.Equal(t, 52*math.Ln2, LogLoss([]int32{1}, []float64{1, 0}, 2, nil))
}

func TestEvaluate_P18_OneClassIsNullWithAReason(t *testing.T) {
	p := []float64{0.9, 0.1, 0.8, 0.2}
	have := asJSON(t, Evaluate([]int32{0, 0}, []int32{0, 0}, p, 2, nil))
	require.Equal(t, map[string]any{
		"roc_auc":           "not every class is present",
		"average_precision": "not every class is present",
		"precision":         "no row is predicted to be of the second class",
		"recall":            "no row is of the second class",
		"f1":                "no row is of the second class or predicted to be",
	}, have["undefined"])
	for name := range have["undefined"].(map[string]any) {
		require.Contains(t, have, name)
		require.Nil(t, have[name])
	}
	require.Equal(t, 1.0, have["accuracy"])
	require.Equal(t, 1.0, have["balanced_accuracy"])
}

func TestEvaluate_P18_NoRowsOrNoWeight(t *testing.T) {
	for _, r := range []*Report{
		Evaluate(nil, nil, nil, 2, nil),
		Evaluate([]int32{0, 1}, []int32{0, 0}, []float64{1, 0, 1, 0}, 2, []float64{0, 0}),
		Evaluate(nil, nil, nil, 3, nil),
	} {
		have := asJSON(t, r)
		require.Len(t, have["undefined"], 9)
		require.Nil(t, have["log_loss"])
	}
}

func BenchmarkROCAUC(b *testing.B) {
	const n = 1 << 18
	y, score := make([]int32, n), make([]float64, n)
	for i := range y {
		score[i] = math.Abs(math.Sin(float64(i)))
		y[i] = int32(i * 7 % 3 / 2)
	}
	b.SetBytes(12 * n)
	for b.Loop() {
		ROCAUC(y, score, nil)
	}
}
