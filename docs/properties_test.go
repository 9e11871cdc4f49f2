package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	namedTest   = regexp.MustCompile("`(?:([a-z]+)\\.)?((?:Test|Fuzz)\\w+)`")
	suiteTest   = regexp.MustCompile("\\*suite\\* `(\\w+)`")
	definedTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	packageName = regexp.MustCompile(`(?m)^package (\w+)`)
)

// TestProperties: every test that properties.md names exists in that package, and its
// name says the property of the row.
func TestProperties(t *testing.T) {
	tests := map[string]bool{} // "package.Test"
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(string(packageName.FindSubmatch(text)[1]), "_test")
		for _, m := range definedTest.FindAllSubmatch(text, -1) {
			tests[name+"."+string(m[1])] = true
		}
		return nil
	}))
	suite, err := os.ReadFile("../backend/backendtest/run.go")
	require.NoError(t, err)
	page, err := os.ReadFile("properties.md")
	require.NoError(t, err)
	checked := 0
	for line := range strings.Lines(string(page)) {
		property, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " ")
		if !strings.HasPrefix(line, "| P") {
			continue
		}
		for _, m := range namedTest.FindAllStringSubmatch(line, -1) {
			name := m[1]
			if name == "" {
				name = "logreg"
			}
			require.Contains(t, tests, name+"."+m[2])
			require.Contains(t, m[2]+"_", "_"+property+"_")
			checked++
		}
		for _, m := range suiteTest.FindAllStringSubmatch(line, -1) {
			require.Contains(t, string(suite), `"`+m[1]+`"`)
			require.Contains(t, m[1]+"_", "_"+property+"_")
			checked++
		}
	}
	require.Greater(t, checked, 60)
}
