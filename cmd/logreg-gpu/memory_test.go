package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemory_Sizes(t *testing.T) {
	for text, want := range map[string]int64{
		"": 0, "1GB": 1e9, "1.5 gb": 15e8, "64m": 64e6, "100MiB": 100 << 20, "1g": 1e9, "100000000": 1e8, "2TiB": 2 << 40, "70000kb": 7e7,
	} {
		got, err := (&dataFlags{maxMemory: text}).memory()
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"GB", "1 pound", "-1GB", "0", "NaN", "1e300GB", "infGB", "63MB", "1GBB"} {
		_, err := (&dataFlags{maxMemory: text}).memory()
		require.ErrorContains(t, err, "--max-memory", text)
	}
}

// writeNPY writes rows x cols float32 numbers, of which few repeat, and labels that
// follow them. The test itself has to stay small.
func writeNPY(t *testing.T, x, labels string, rows, cols int) {
	create := func(path, descr, shape string) (*os.File, *bufio.Writer) {
		f, err := os.Create(path)
		require.NoError(t, err)
		w := bufio.NewWriterSize(f, 1<<20)
		header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
		for (11+len(header))%64 != 0 {
			header += " "
		}
		fmt.Fprintf(w, "\x93NUMPY\x01\x00%c%c%s\n", byte(len(header)+1), byte((len(header)+1)>>8), header)
		return f, w
	}
	xf, xw := create(x, "<f4", fmt.Sprintf("(%d, %d)", rows, cols))
	yf, yw := create(labels, "|i1", fmt.Sprintf("(%d,)", rows))
	rng := rand.New(rand.NewPCG(1, 2))
	row := make([]byte, 4*cols)
	for range rows {
		z := rng.NormFloat64()
		for j := range cols {
			v := 2*rng.Float32() - 1
			z += float64(v) / float64(j+1)
			binary.LittleEndian.PutUint32(row[4*j:], math.Float32bits(v))
		}
		label := byte(0)
		if z > 0 {
			label = 1
		}
		_, err := xw.Write(row)
		require.NoError(t, err)
		require.NoError(t, yw.WriteByte(label))
	}
	for _, w := range []*bufio.Writer{xw, yw} {
		require.NoError(t, w.Flush())
	}
	for _, f := range []*os.File{xf, yf} {
		require.NoError(t, f.Close())
	}
}

var saidPeak = regexp.MustCompile(`at most ([0-9.]+) MB of memory`)

// A file of 200 MB is fitted within 100 MB, to the very model of a fit with all of it in
// memory.
func TestMemory_P10_KeepsWithin(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what was resident at most")
	}
	dir := t.TempDir()
	writeNPY(t, filepath.Join(dir, "x.npy"), filepath.Join(dir, "y.npy"), 400000, 128)
	fit := func(args ...string) (model []byte, said string) {
		args = append([]string{"train", "x.npy", "--labels", "y.npy", "--backend", "cpu", "--threads", "2", "-v", "--model", "m.json"}, args...)
		cmd := exec.Command("logreg-gpu", args...)
		var stderr bytes.Buffer
		cmd.Dir, cmd.Stderr = dir, &stderr
		require.NoError(t, cmd.Run(), "%s", &stderr)
		model, err := os.ReadFile(filepath.Join(dir, "m.json"))
		require.NoError(t, err)
		return model, stderr.String()
	}
	want, _ := fit()
	got, said := fit("--max-memory", "125MB")
	require.Contains(t, said, "they stay on disk")
	require.NotContains(t, said, "do not fit into the memory that is allowed")
	require.Equal(t, string(want), string(got))
	peak, err := strconv.ParseFloat(saidPeak.FindStringSubmatch(said)[1], 64)
	require.NoError(t, err)
	t.Logf("at most %.1f MB", peak)
	require.Less(t, peak, 1.2*125)

	_, said = fit("--max-memory", "80MB") // smaller samples
	require.Contains(t, said, "do not fit into the memory that is allowed")
	peak, err = strconv.ParseFloat(saidPeak.FindStringSubmatch(said)[1], 64)
	require.NoError(t, err)
	t.Logf("at most %.1f MB", peak)
	require.Less(t, peak, 1.2*80)
}

// So is a LibSVM file of 300,000 rows: parsed within 100 MB, fitted from the disk to the
// same model.
func TestMemory_P10_P6_SparseKeepsWithin(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says what was resident at most")
	}
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "x.svm"))
	require.NoError(t, err)
	w := bufio.NewWriterSize(f, 1<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300000 {
		label := rng.IntN(2)
		fmt.Fprint(w, label)
		for j := 1 + rng.IntN(20); j <= 1000; j += 1 + rng.IntN(70) {
			fmt.Fprintf(w, " %d:%d", j, 1+(label+rng.IntN(4))/(1+j%3))
		}
		fmt.Fprintln(w)
	}
	require.NoError(t, w.Flush())
	require.NoError(t, f.Close())
	fit := func(args ...string) (model []byte, said string) {
		args = append([]string{"train", "x.svm", "--backend", "cpu", "--threads", "2", "--dtype", "float32", "--solver", "lbfgs", "--max-iter", "5", "-v", "--model", "m.json"}, args...)
		cmd := exec.Command("logreg-gpu", args...)
		var stderr bytes.Buffer
		cmd.Dir, cmd.Stderr = dir, &stderr
		require.NoError(t, cmd.Run(), "%s", &stderr)
		model, err := os.ReadFile(filepath.Join(dir, "m.json"))
		require.NoError(t, err)
		return model, stderr.String()
	}
	want, _ := fit()
	got, said := fit("--max-memory", "150MB") // of which CSR with float64 values takes 106
	require.Contains(t, said, "they stay on disk")
	require.Equal(t, string(want), string(got))
	peak, err := strconv.ParseFloat(saidPeak.FindStringSubmatch(said)[1], 64)
	require.NoError(t, err)
	t.Logf("at most %.1f MB", peak)
	require.Less(t, peak, 1.2*150)
}
