package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"logreg-gpu": main})
}

// TestScript runs the command as a user does: testdata/script holds one script a
// subject.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			npy, err := filepath.Abs("../../dataset/testdata/npy") // scripts hold only text
			env.Setenv("NPY", npy)
			return err
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"fails": fails,
		},
	})
}

// fails runs `fails STATUS REGEXP COMMAND...` and demands what every failure keeps:
// that exit status, nothing on stdout, one line on stderr, in our name, that
// matches, and no file more or fewer than before.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: fails status regexp command...")
	}
	before := files(ts)
	err := ts.Exec(args[2], args[3:]...)
	status := 0
	if exit, ok := err.(*exec.ExitError); ok {
		status = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	line := strings.TrimSuffix(stderr, "\n")
	switch {
	case strconv.Itoa(status) != args[0]:
		ts.Fatalf("exit status %d, want %s; stderr: %s", status, args[0], stderr)
	case stdout != "":
		ts.Fatalf("stdout is not empty: %s", stdout)
	case line == stderr || strings.Contains(line, "\n") || !strings.HasPrefix(line, "logreg-gpu: "):
		ts.Fatalf("stderr is not one line in our name: %q", stderr)
	case !regexp.MustCompile(args[1]).MatchString(line):
		ts.Fatalf("stderr %q does not match %q", line, args[1])
	}
	if after := files(ts); !slices.Equal(before, after) {
		ts.Fatalf("the failure changed the files: %q, before %q", after, before)
	}
}

// files lists the script's directory, hidden files too.
func files(ts *testscript.TestScript) (names []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	}))
	return names
}
