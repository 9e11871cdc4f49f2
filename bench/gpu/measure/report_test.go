package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

func row(operation string, cols, models int, seconds float64) Row {
	return Row{Operation: operation, Rows: 1000, Cols: cols, Storage: "float32", Models: models, Seconds: seconds, GBs: 4e-6 * float64(cols) / seconds}
}

func TestReport_ComparesLikeWithLike(t *testing.T) {
	r := Report{
		Measured: Measured{
			Date: "2026-11-24", Version: "v1", Backend: "cuda",
			Device: backend.Device{Name: "NVIDIA H200 (MIG 1g)", Details: map[string]string{"driver": "12.4", "capability": "9.0"}},
			Read:   &Read{Bytes: 4e9, GBs: 4000},
			Rows: []Row{
				row("eval", 1000, 1, 0.001), // 4 GB/s
				row("eval", 1000, 4, 0.002),
				row("gram", 1000, 1, 0.002),
				{Operation: "eval", Rows: 7, Cols: 3, Storage: "float16", Models: 1, Omitted: "no | room"},
			},
		},
		Torch: &Torch{Torch: "2.11", Rows: []TorchRow{
			{Variant: "eager", Written: "autograd", Rows: 1000, Cols: 1000, Storage: "float32", Seconds: 0.005},
			{Variant: "eager", Written: "by hand", Rows: 1000, Cols: 1000, Storage: "float32", Seconds: 0.003},
			{Variant: "eager", Written: "by hand", Rows: 1000, Cols: 1000, Storage: "float64", Seconds: 0.001},
			{Variant: "eager", Written: "by hand", Rows: 999, Cols: 1000, Storage: "float32", Seconds: 0.001},
			{Variant: "compile", Written: "by hand", Rows: 1000, Cols: 1000, Storage: "float32", Omitted: "gave up"},
		}},
		Checks: []Check{{"fit", "well"}},
	}
	require.Equal(t, "nvidia-h200-mig-1g-2026-11-24", r.fileName())
	var table []string
	for line := range strings.Lines(r.markdown()) {
		if strings.HasPrefix(line, "| eval") || strings.HasPrefix(line, "| gram") {
			table = append(table, strings.TrimSpace(line))
		}
	}
	require.Equal(t, []string{
		"| eval | 1000 | 1000 | float32 | 1 | 1.000 | 4 | 0 % | 3.000 ms, 3.0 x |  |",
		"| eval | 1000 | 1000 | float32 | 4 | 2.000 | 2 | 0 % |  |  |",
		"| gram | 1000 | 1000 | float32 | 1 | 2.000 | 2 | 0 % |  |  |",
		"| eval | 7 | 3 | float16 | 1 | no / room | | | | |",
	}, table)
	require.Contains(t, r.markdown(), "capability 9.0, driver 12.4; PyTorch 2.11.\n\n- fit: well\n- plain read of 4 GB: 4000 GB/s\n")
}

func TestRunAndReport_WriteWhatWasMeasured(t *testing.T) {
	dir := t.TempDir()
	measured, out := filepath.Join(dir, "measured.json"), filepath.Join(dir, "results")
	require.NoError(t, run(t.Context(), []string{"-backend", "cpu", "-elements", "2048", "-cols", "4,3000",
		"-storage", "float64,bfloat16", "-models", "2", "-each", "0s", "-o", measured}))
	var m Measured
	require.NoError(t, readJSON(measured, &m))
	require.Nil(t, m.Read, "the CPU has no device memory of its own")
	require.Len(t, m.Rows, 2*2+1+2+3)
	for _, r := range m.Rows {
		require.Empty(t, r.Omitted)
		require.Positive(t, r.Seconds)
		require.GreaterOrEqual(t, r.Calls, 5)
		bytes := map[string]float64{"float64": 8, "float32": 4, "bfloat16": 2}[r.Storage]
		if strings.HasPrefix(r.Operation, sparsePrefix) {
			require.LessOrEqual(t, r.GBs, float64(r.Rows*rowEntries)*(4+bytes)/r.Seconds/1e9, "a row has 39 entries at most")
			require.Positive(t, r.GBs)
			continue
		}
		require.InEpsilon(t, float64(r.Rows*r.Cols)*bytes/r.Seconds/1e9, r.GBs, 1e-12)
	}
	require.Equal(t, []int{512, 1}, []int{m.Rows[0].Rows, m.Rows[1].Rows}, "at least one row of X, whatever its width")

	require.NoError(t, report(t.Context(), []string{"-measured", measured, "-check", "fit: well: done", "-o", out}))
	files, err := filepath.Glob(filepath.Join(out, "*"+m.Date+".*"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	var r Report
	require.NoError(t, json.Unmarshal(text, &r))
	require.Equal(t, m, r.Measured)
	require.Equal(t, []Check{{"fit", "well: done"}}, r.Checks)
}

func TestRun_NoDeviceIsItsReason(t *testing.T) {
	err := run(t.Context(), []string{"-backend", "nope"})
	require.EqualError(t, err, `unknown backend "nope"`)
}

// refusing offers nothing, in the way that the contract asks for.
type refusing struct{ err error }

func (b refusing) Name() string { return "refusing" }
func (b refusing) Close() error { return nil }
func (b refusing) Load(context.Context, *backend.Source, backend.Storage) (backend.Data, error) {
	return nil, b.err
}

func TestTiming_WhatIsNotOfferedIsARowThatSaysSo(t *testing.T) {
	full := &backend.OutOfMemoryError{Device: "gpu", Asked: 2, Free: 1}
	broken := errors.New("broken")
	for _, c := range []struct {
		err     error
		omitted bool
	}{{backend.ErrUnsupported, true}, {full, true}, {broken, false}} {
		tm := timing{backend: refusing{c.err}, elements: 8, budget: time.Nanosecond, numbers: numbers(8)}
		r, err := tm.row(t.Context(), point{"eval", 2, backend.Float16, 1})
		if c.omitted {
			require.NoError(t, err)
			require.Equal(t, c.err.Error(), r.Omitted)
			require.Zero(t, r.GBs)
		} else {
			require.ErrorIs(t, err, broken)
		}
	}
}
