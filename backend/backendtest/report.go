package backendtest

import (
	"fmt"
	"math"
	"sort"
	"testing"
)

// report collects the largest share of the budget used by each kind of result.
type report struct {
	slack float64
	worst map[string]finding
}

type finding struct {
	share          float64
	where          string
	index          int
	got, want, tol float64
}

func (f finding) String() string {
	return fmt.Sprintf("%.3g of the budget at [%d]: got %v, want %v within %.3g (%s)", f.share, f.index, f.got, f.want, f.tol, f.where)
}

// compare holds got to want, number by number within tol, and fails the test with the
// worst one.
func (r *report) compare(t testing.TB, what, where string, got, want, tol []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	worst := finding{share: -1}
	for i := range want {
		limit := r.slack * tol[i]
		share := 0.0
		switch {
		case math.Float64bits(got[i]) == math.Float64bits(want[i]):
		case math.IsNaN(got[i]) || math.IsInf(got[i], 0):
			share = math.Inf(1)
		case got[i] != want[i]:
			share = math.Abs(got[i]-want[i]) / limit
		}
		if share > worst.share {
			worst = finding{share, where, i, got[i], want[i], limit}
		}
	}
	if have, ok := r.worst[what]; !ok || worst.share > have.share {
		r.worst[what] = worst
	}
	if !(worst.share <= 1) {
		t.Errorf("%s: %v", what, worst)
	}
}

func (r *report) log(t testing.TB) {
	var names []string
	for name := range r.worst {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		t.Logf("%-16s at most %v", name, r.worst[name])
	}
}
