package metrics

import (
	"encoding/json"
	"math"
)

// Value is a number that JSON shows as null where it is undefined (NaN).
type Value float64

// MarshalJSON implements json.Marshaler.
func (v Value) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(v)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(v))
}

// Report holds every metric of one set of predictions. For two classes precision,
// recall and F1 are those of the second class, otherwise the macro averages; the
// weighted averages are set for more than two classes only.
type Report struct {
	Rows              int               `json:"rows"`
	LogLoss           Value             `json:"log_loss"`
	Accuracy          Value             `json:"accuracy"`
	BalancedAccuracy  Value             `json:"balanced_accuracy"`
	ROCAUC            Value             `json:"roc_auc"`
	AveragePrecision  Value             `json:"average_precision"`
	Brier             Value             `json:"brier"`
	F1                Value             `json:"f1"`
	Precision         Value             `json:"precision"`
	Recall            Value             `json:"recall"`
	F1Weighted        *Value            `json:"f1_weighted,omitempty"`
	PrecisionWeighted *Value            `json:"precision_weighted,omitempty"`
	RecallWeighted    *Value            `json:"recall_weighted,omitempty"`
	ConfusionMatrix   Confusion         `json:"confusion_matrix"`
	Undefined         map[string]string `json:"undefined,omitempty"` // metric -> why it is null
}

// Why a metric is null, by its name in the JSON.
var undefinedBecause = map[string]string{
	"log_loss":          "all rows have weight 0",
	"accuracy":          "all rows have weight 0",
	"balanced_accuracy": "all rows have weight 0",
	"brier":             "all rows have weight 0",
	"roc_auc":           "not every class is present",
	"average_precision": "not every class is present",
	"precision":         "no row is predicted to be of the second class",
	"recall":            "no row is of the second class",
	"f1":                "no row is of the second class or predicted to be",
}

// Evaluate computes all metrics of predictions over k classes.
func Evaluate(y, pred []int32, p []float64, k int, w []float64) *Report {
	c := ConfusionMatrix(y, pred, k, w)
	r := &Report{
		Rows:             len(y),
		LogLoss:          Value(LogLoss(y, p, k, w)),
		Accuracy:         Value(Accuracy(y, pred, w)),
		BalancedAccuracy: Value(BalancedAccuracy(c)),
		Brier:            Value(Brier(y, p, k, w)),
		ConfusionMatrix:  c,
	}
	var prf PRF
	if k == 2 {
		score := column(p, 2, 1)
		r.ROCAUC = Value(ROCAUC(y, score, w))
		r.AveragePrecision = Value(AveragePrecision(y, score, w))
		prf = PrecisionRecallF1(c, 1)
	} else {
		r.ROCAUC = Value(ROCAUCOvR(y, p, k, w))
		r.AveragePrecision = Value(AveragePrecisionOvR(y, p, k, w))
		prf = MacroPrecisionRecallF1(c)
		weighted := WeightedPrecisionRecallF1(c)
		r.PrecisionWeighted, r.RecallWeighted, r.F1Weighted = (*Value)(&weighted.Precision), (*Value)(&weighted.Recall), (*Value)(&weighted.F1)
	}
	r.Precision, r.Recall, r.F1 = Value(prf.Precision), Value(prf.Recall), Value(prf.F1)
	r.explain()
	return r
}

// explain fills in Undefined.
func (r *Report) explain() {
	for name, v := range map[string]Value{
		"log_loss": r.LogLoss, "accuracy": r.Accuracy, "balanced_accuracy": r.BalancedAccuracy,
		"brier": r.Brier, "roc_auc": r.ROCAUC, "average_precision": r.AveragePrecision,
		"precision": r.Precision, "recall": r.Recall, "f1": r.F1,
	} {
		if !math.IsNaN(float64(v)) {
			continue
		}
		if r.Undefined == nil {
			r.Undefined = map[string]string{}
		}
		r.Undefined[name] = undefinedBecause[name]
		if math.IsNaN(float64(r.Accuracy)) {
			r.Undefined[name] = undefinedBecause["accuracy"]
		}
	}
}
