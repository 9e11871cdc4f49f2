package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writeNoisy writes a CSV of n rows whose label follows four normal columns under
// noise.
func writeNoisy(t *testing.T, path string, n int) {
	random := rand.New(rand.NewPCG(uint64(n), 0))
	text := []byte("a,b,c,d,y\n")
	for range n {
		z := random.NormFloat64()
		for j := range 4 {
			x := random.NormFloat64()
			z += x / float64(j+1)
			text = fmt.Appendf(text, "%.4f,", x)
		}
		label := 0
		if z > 0 {
			label = 1
		}
		text = fmt.Appendf(text, "%d\n", label)
	}
	require.NoError(t, os.WriteFile(path, text, 0o666))
}

// Killed (SIGKILL) over and over, at whatever moment, and started again by the same
// command line, a fit ends in the very model file of one that was left alone. The
// moments follow lines of -v: as long as the fit lasts, one follows another, and the
// program goes on while we take aim.
func TestCheckpoint_P23_KilledAtAnyMoment(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGKILL there")
	}
	kills := 20
	if testing.Short() {
		kills = 3
	}
	dir := t.TempDir()
	writeNoisy(t, filepath.Join(dir, "large.csv"), 20000)
	writeNoisy(t, filepath.Join(dir, "small.csv"), 1000)
	for name, args := range map[string][]string{
		"newton":      {"train", "large.csv", "--solver", "newton", "--tol", "1e-10"},
		"lbfgs":       {"train", "small.csv", "--solver", "lbfgs", "--C", "100", "--tol", "1e-12"},
		"newton-cg":   {"train", "large.csv", "--solver", "newton-cg", "--tol", "1e-10"},
		"staged":      {"train", "large.csv", "--solver", "staged", "--tol", "1e-10"},
		"prox-newton": {"train", "large.csv", "--solver", "prox-newton", "--penalty", "l1", "--C", "0.01", "--tol", "1e-10"},
		"prox-staged": {"train", "large.csv", "--solver", "staged", "--penalty", "l1", "--C", "0.01", "--tol", "1e-10"},
		"owlqn":       {"train", "small.csv", "--solver", "owlqn", "--penalty", "l1", "--tol", "1e-12"},
		"sgd":         {"train", "small.csv", "--solver", "sgd", "--batch", "16", "--max-iter", "15", "--lr", "0.1"},
		"cv":          {"cv", "large.csv", "--Cs", "4", "--folds", "3", "--tol", "1e-10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model, file := name+".json", name+".ckpt"
			args = append(args, "-v", "--model", model)
			alone := exec.Command("logreg-gpu", args...)
			alone.Dir = dir
			said, err := alone.CombinedOutput()
			require.NoError(t, err, "%s", said)
			want, err := os.ReadFile(filepath.Join(dir, model))
			require.NoError(t, err)
			lines := strings.Count(string(said), "\nlogreg-gpu: ")

			args = append(args, "--checkpoint", file, "--checkpoint-every", "0", "--resume")
			random := rand.New(rand.NewPCG(23, uint64(len(name))))
			killed, runs, resumed := 0, 0, false
			for killed < kills || resumed {
				runs++
				require.Less(t, runs, 20*kills, "the fit is over before it can be killed")
				if !resumed { // the same fit, from its beginning
					require.NoError(t, os.Remove(filepath.Join(dir, model)))
					err := os.Remove(filepath.Join(dir, file))
					require.True(t, err == nil || errors.Is(err, fs.ErrNotExist))
				}
				after := math.MaxInt
				if killed < kills && (!resumed || random.IntN(2) == 0) {
					after = 1 + random.IntN(lines)
				}
				if resumed = runAndKill(t, dir, after, args); resumed {
					killed++
					t.Logf("kill %d after line %d of %d", killed, after, lines)
					continue
				}
				got, err := os.ReadFile(filepath.Join(dir, model))
				require.NoError(t, err)
				require.Equal(t, string(want), string(got))
			}
			t.Logf("%d kills in %d runs", killed, runs)
		})
	}
}

// runAndKill runs the program and kills it once it has said so many lines; it tells
// whether the program was still there to be killed.
func runAndKill(t *testing.T, dir string, lines int, args []string) (killed bool) {
	cmd := exec.Command("logreg-gpu", args...)
	cmd.Dir = dir
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := bufio.NewScanner(stderr)
	for n := 0; said.Scan(); {
		if n++; n == lines {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	err = cmd.Wait()
	if cmd.ProcessState.Exited() {
		require.NoError(t, err)
		return false
	}
	return true
}

// Ctrl-C says where to go on from, and going on is as if nothing had happened.
func TestCheckpoint_P23_Interrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot send itself an interrupt there")
	}
	dir := t.TempDir()
	args := []string{"train", "builtin:breast_cancer", "--solver", "sgd", "--lr", "1e-9", "--max-iter", "3000", "-v", "--model"}
	alone := exec.Command("logreg-gpu", append(args, "alone.json")...)
	alone.Dir = dir
	require.NoError(t, alone.Run())
	want, err := os.ReadFile(filepath.Join(dir, "alone.json"))
	require.NoError(t, err)

	args = append(args, "m.json", "--checkpoint", "fit.ckpt", "--resume")
	cmd := exec.Command("logreg-gpu", args...)
	cmd.Dir = dir
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines, last := bufio.NewScanner(stderr), ""
	for lines.Scan() {
		if last = lines.Text(); strings.Contains(last, "iteration 3:") {
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
		}
	}
	require.Error(t, cmd.Wait())
	require.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
	require.Equal(t, "logreg-gpu: interrupted; the best point so far is in m.json; --resume goes on from fit.ckpt", last)

	cmd = exec.Command("logreg-gpu", args...)
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	require.NoError(t, err)
	require.Regexp(t, `logreg-gpu: fit.ckpt: going on after [1-9][0-9]* operations\n`, string(said))
	got, err := os.ReadFile(filepath.Join(dir, "m.json"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// Where the best point so far cannot be kept, Ctrl-C says why.
func TestTrain_InterruptedOnAFullDisk(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no ulimit there")
	}
	cmd := exec.Command("sh", "-c", "ulimit -f 1; exec logreg-gpu train builtin:breast_cancer --solver sgd --lr 1e-9 --max-iter 1000000 -v --model m.json")
	cmd.Dir = t.TempDir()
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines, last := bufio.NewScanner(stderr), ""
	for lines.Scan() {
		if last = lines.Text(); strings.Contains(last, "iteration 3:") {
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
		}
	}
	require.Error(t, cmd.Wait())
	require.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
	require.Equal(t, "logreg-gpu: interrupted; m.json: cannot write: file too large", last)
}

// A disk that fills up ends the checkpoint, not the fit; what was kept is still good.
func TestCheckpoint_P23_FullDisk(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no ulimit there")
	}
	dir := t.TempDir()
	run := func(script string) (stdout, stderr string) {
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir = dir
		var out, said strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &said
		require.NoError(t, cmd.Run(), "%s", &said)
		return out.String(), said.String()
	}
	const train = "logreg-gpu train builtin:breast_cancer --solver lbfgs --standardize --max-iter 30 --quiet --model "
	run(train + "alone.json")
	want, err := os.ReadFile(filepath.Join(dir, "alone.json"))
	require.NoError(t, err)

	// 8 KiB are room for the model and for a dozen of the 30 iterations.
	limited := strings.Replace(train, "--quiet", "", 1)
	_, said := run("ulimit -f 16; " + limited + "full.json --checkpoint fit.ckpt --checkpoint-every 0")
	require.Regexp(t, `logreg-gpu: fit.ckpt: cannot be written any more, the fit goes on without: .*file too large\n`, said)
	full, err := os.ReadFile(filepath.Join(dir, "full.json"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(full))

	_, said = run(limited + "resumed.json --checkpoint fit.ckpt --resume")
	require.Regexp(t, `logreg-gpu: fit.ckpt: going on after [1-9][0-9]* operations\n`, said, "no torn record takes room on a full disk")
	resumed, err := os.ReadFile(filepath.Join(dir, "resumed.json"))
	require.NoError(t, err)
	require.Equal(t, string(want), string(resumed))
}
