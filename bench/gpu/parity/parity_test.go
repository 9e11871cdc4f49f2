package parity

import (
	"errors"
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
	_ "github.com/logreg-gpu/logreg-gpu/backend/all"
	"github.com/logreg-gpu/logreg-gpu/backend/backendtest"
)

var name = flag.String("backend", "", "the backend to hold to the reference")

// TestBackend_P5 fails where the backend named does not open.
func TestBackend_P5(t *testing.T) {
	if *name == "" {
		t.Skip("needs -backend: every backend's own tests run the suite, this one is for machines without Go")
	}
	b, _, err := backend.Open(*name, backend.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	backendtest.RunAll(t, b, backendtest.Options{})
}

// TestFixedPoint_P5 is the same over sparse X held once, where the backend can do so.
func TestFixedPoint_P5(t *testing.T) {
	if *name == "" {
		t.Skip("needs -backend, as TestBackend_P5")
	}
	b, _, err := backend.Open(*name, backend.Options{FixedPoint: true})
	if errors.Is(err, backend.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	backendtest.RunAll(t, b, backendtest.Options{OnlySparse: true})
}
