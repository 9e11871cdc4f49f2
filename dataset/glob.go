package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Files are the files that path speaks of, in sorted order: itself, where there is such a
// file or it is no pattern; else those that match it. A pattern that matches none is a
// *ReadError. Patterns are filepath.Match's: * and ? stand for any characters but a
// separator, [a-z] for one of several.
func Files(path string) ([]string, error) {
	if !strings.ContainsAny(path, "*?[") {
		return []string{path}, nil
	}
	if _, err := os.Lstat(path); err == nil {
		return []string{path}, nil
	}
	paths, err := filepath.Glob(path)
	switch {
	case err != nil:
		return nil, &ReadError{File: path, Problem: "cannot be understood as a pattern", Advice: "close the bracket, or write a backslash before one that is meant as it is", Err: err}
	case len(paths) == 0:
		return nil, &ReadError{File: path, Problem: "no file matches the pattern"}
	}
	slices.Sort(paths)
	return paths, nil
}
