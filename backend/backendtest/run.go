package backendtest

import (
	"testing"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// RunAll runs the whole suite. b stays open.
func RunAll(t *testing.T, b backend.Backend, o Options) {
	if o.Rounds == 0 {
		o.Rounds = 1
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Slack == 0 {
		o.Slack = 1
	}
	t.Run("Skip_IsHonest", func(t *testing.T) { checkSkips(t, b, o) })
	t.Run("Parity_P5", func(t *testing.T) { checkParity(t, b, o) })
	for _, test := range []struct {
		name string
		run  func(*testing.T, backend.Backend, Options)
	}{
		{"Sparse_P6_EqualsDense", checkSparse},
		{"Repeat_P9_BitEqual", checkRepeats},
		{"Inputs_P24_NotModified", checkInputs},
		{"Streamed_P10_BitEqual", checkStreamed},
		{"SparseStreamed_P10_BitEqual", checkSparseStreamed},
		{"ZeroWeight_P7_AddsNothing", checkZeroWeight},
		{"Margins_P19_Finite", checkMargins},
		{"NotFinite_P20_RowAndColumn", checkNotFinite},
		{"Range_P20_RowAndColumn", checkRange},
		{"Malformed_IsATypedError", checkMalformed},
		{"Predict_NeedsNoLabels", checkBarePredict},
		{"Context_StopsWithItsCause", checkContext},
		{"Close_LaterCallsAreErrors", checkClose},
	} {
		if o.OnlySparse && (test.name == "Streamed_P10_BitEqual" || test.name == "Margins_P19_Finite") {
			continue // they are over dense X alone
		}
		t.Run(test.name, func(t *testing.T) { test.run(t, b, o) })
	}
}
