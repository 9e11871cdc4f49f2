package main

import (
	"os"
	"strings"

	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/internal/atomicfile"
)

// checkOutput makes sure, before an hour is spent on what goes into it, that the file
// can be written and is none of the files that the command reads, which may be patterns. An empty path is no
// file.
func checkOutput(path string, inputs ...string) error {
	switch path {
	case "":
		return nil
	case "-":
		return usagef("cannot write a file named -; give another name, or ./-")
	}
	for _, given := range inputs {
		files, err := dataset.Files(given)
		if err != nil {
			return err
		}
		for _, in := range files {
			if sameFile(path, in) {
				return usagef("%s would be overwritten by the result; write to another file", in)
			}
		}
	}
	return atomicfile.Writable(path)
}

// trimLines drops the blanks that a table leaves at the ends of its lines.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

// sameFile tells whether two paths lead to one regular file.
func sameFile(a, b string) bool {
	ai, err := os.Stat(a)
	if err != nil || !ai.Mode().IsRegular() {
		return false
	}
	bi, err := os.Stat(b)
	return err == nil && os.SameFile(ai, bi)
}
