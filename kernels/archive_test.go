package kernels

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the program carries is what kernels/ptx holds: after a change, make generate.
func TestArchive_HoldsTheCommittedFiles(t *testing.T) {
	targets, err := os.ReadDir("ptx")
	require.NoError(t, err)
	require.Len(t, targets, len(Targets))
	for _, target := range targets {
		packed, err := unpack(target.Name())
		require.NoError(t, err)
		files, err := os.ReadDir("ptx/" + target.Name())
		require.NoError(t, err)
		require.Len(t, packed, len(files), target.Name())
		for _, f := range files {
			text, err := os.ReadFile("ptx/" + target.Name() + "/" + f.Name())
			require.NoError(t, err)
			require.True(t, string(text) == string(packed[f.Name()]), "%s of %s is not the committed one", f.Name(), target.Name())
		}
	}
}

// BenchmarkUnpack is what a process waits for before its first kernel.
func BenchmarkUnpack(b *testing.B) {
	for b.Loop() {
		if _, err := unpack("sm_80"); err != nil {
			b.Fatal(err)
		}
	}
}
