package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadme runs the commands that the README shows and holds it to their output:
// every line it shows appears, in that order. Lines of dots stand for what it leaves
// out; times differ from run to run.
func TestReadme(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	dir := t.TempDir()
	t.Chdir(dir)
	require.NoError(t, os.MkdirAll("dataset", 0o777))
	require.NoError(t, os.CopyFS("dataset/builtin", os.DirFS(filepath.Join(root, "dataset", "builtin"))))
	tables := filepath.Join("cmd", "logreg-gpu", "testdata", "tables")
	require.NoError(t, os.CopyFS(tables, os.DirFS(filepath.Join(root, tables))))

	commands := 0
	for i, block := range strings.Split(string(text), "```") {
		if i%2 == 0 || !strings.HasPrefix(block, "\n$ ") {
			continue
		}
		for _, shown := range strings.Split(block, "\n$ ")[1:] {
			line, lines, _ := strings.Cut(shown, "\n")
			words := strings.Fields(line)
			require.Equal(t, "logreg-gpu", filepath.Base(words[0]))
			var out bytes.Buffer
			require.Zero(t, run(words[1:], strings.NewReader(""), &out, io.Discard), line)
			rest := out.String()
			for want := range strings.Lines(lines) {
				if want = strings.TrimRight(want, "\n"); want == "" || want == "..." || elapsed.MatchString(want) {
					continue
				}
				_, after, found := strings.Cut(rest, want+"\n")
				require.True(t, found, "README shows, after %s,\n%s\nwhich is not in\n%s", line, want, rest)
				rest = after
			}
			commands++
		}
	}
	require.Equal(t, 7, commands)
}

var elapsed = regexp.MustCompile(`^time +[0-9.e-]+ s to fit$`)
