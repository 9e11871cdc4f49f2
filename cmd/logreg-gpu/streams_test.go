package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/model"
)

// command is the program itself as a child process: TestMain put it on the PATH.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("logreg-gpu", args...)
	cmd.Dir = t.TempDir()
	return cmd
}

// A reader that goes away (| head -1) ends the program with status 1 and one line.
func TestStreams_ClosedStdout(t *testing.T) {
	for _, args := range [][]string{
		{"version"}, {"tutorial", "--json"}, {"train", "builtin:iris"}, {"devices"},
	} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, r.Close())
		cmd := command(t, args...)
		var stderr strings.Builder
		cmd.Stdout, cmd.Stderr = w, &stderr
		err = cmd.Run()
		require.NoError(t, w.Close())
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		require.Equal(t, exitFailure, exit.ExitCode())
		require.Equal(t, "logreg-gpu: cannot write the output: broken pipe\n", stderr.String())
	}
}

func TestStreams_FullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	cmd := command(t, "tutorial")
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = full, &stderr
	require.Error(t, cmd.Run())
	require.Equal(t, exitFailure, cmd.ProcessState.ExitCode())
	require.Regexp(t, `^logreg-gpu: cannot write the output: no space left on device\n$`, stderr.String())
}

// Ctrl-C in the middle of a fit: status 130, the best point so far is saved, and it
// is a whole model.
func TestStreams_InterruptKeepsTheBestPoint(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot send itself an interrupt there")
	}
	cmd := command(t, "train", "builtin:breast_cancer", "--solver", "sgd", "--lr", "1e-9", "--max-iter", "1000000000", "-v", "--model", "m.json")
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.Contains(lines.Text(), "iteration 3:") {
	}
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	_, err = io.Copy(io.Discard, stderr)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
	require.Equal(t, "logreg-gpu: interrupted; the best point so far is in m.json", last)
	m, err := model.Load(filepath.Join(cmd.Dir, "m.json"))
	require.NoError(t, err)
	require.Equal(t, "interrupted", m.Training.Status)
	require.GreaterOrEqual(t, m.Training.Iterations, 3)
}

// Ctrl-C while DATA is still being read: status 130, no model.
func TestStreams_InterruptWhileReading(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot send itself an interrupt there")
	}
	cmd := command(t, "train", "-", "--model", "m.json")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	// More than a pipe holds: once it is written, the program has begun to read, and
	// it was listening for signals before that.
	_, err = io.WriteString(stdin, "a,y\n"+strings.Repeat("1,0\n", 1<<20))
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	for err == nil { // until the reader is gone
		_, err = io.WriteString(stdin, strings.Repeat("1,1\n", 1<<16))
	}
	require.Error(t, cmd.Wait())
	require.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode())
	require.Equal(t, "logreg-gpu: interrupted\n", stderr.String())
	entries, err := os.ReadDir(cmd.Dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}
