//go:build !linux || !amd64 || !cgo || cpu

package cubinding

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNew_SaysWhyThereIsNoBinding(t *testing.T) {
	d, err := New()
	require.Nil(t, d)
	require.ErrorContains(t, err, reason)
	require.NotContains(t, err.Error(), "\n")
}
