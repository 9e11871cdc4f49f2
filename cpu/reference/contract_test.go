package reference_test

import (
	"testing"

	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
	"github.com/logreg-gpu/logreg-gpu/cpu/reference"
)

// The reference against itself: that the suite's demands can be met, and the parts of
// the contract that are not numbers.
func TestBackend_HoldsTheContract(t *testing.T) {
	backendtest.RunAll(t, reference.New(), backendtest.Options{MaxNumbers: 20000})
}
