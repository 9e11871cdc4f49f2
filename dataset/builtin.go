package dataset

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

const builtinPrefix = "builtin:"

// Builtins are the names after "builtin:" that Read knows. Their sources are in
// builtin/README.md.
func Builtins() []string { return []string{"breast_cancer", "iris", "tutorial"} }

//go:embed builtin/*.csv builtin/tutorial.json
var builtinFiles embed.FS

// tutorial is the part of tutorial.json that is data.
var tutorial = sync.OnceValue(func() (t struct {
	X, Y, Probe []float64
	LR          float64
	Epochs      int
}) {
	text, err := builtinFiles.ReadFile("builtin/tutorial.json")
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		panic("dataset: the embedded tutorial is damaged: " + err.Error())
	}
	return t
})

// Tutorial returns the 100 points of the classic PyTorch example - numpy's seed 42,
// x = rand(100, 1), y = randint(0, 2) - and the three x whose probabilities it prints.
func Tutorial() (x []float64, y []int, probe []float64) {
	t := tutorial()
	y = make([]int, len(t.Y))
	for i, v := range t.Y {
		y[i] = int(v)
	}
	return slices.Clone(t.X), y, slices.Clone(t.Probe)
}

func readBuiltin(ctx context.Context, name string, o ReadOptions) (*Dataset, error) {
	if !slices.Contains(Builtins(), name) {
		return nil, &ReadError{File: builtinPrefix + name, Value: name, Problem: "there is no such built-in data set", Advice: "use one of " + strings.Join(Builtins(), ", ")}
	}
	o.Format, o.Delimiter = "csv", ','
	if name == "tutorial" {
		return ReadFrom(ctx, strings.NewReader(tutorialCSV()), builtinPrefix+name, o)
	}
	file, err := builtinFiles.Open("builtin/" + name + ".csv")
	if err != nil {
		return nil, &ReadError{File: builtinPrefix + name, Problem: err.Error(), Err: err}
	}
	defer file.Close()
	return ReadFrom(ctx, file, builtinPrefix+name, o)
}

// tutorialCSV is the tutorial as a table, so that it is read with the same options
// as every other.
func tutorialCSV() string {
	var b strings.Builder
	b.WriteString("x,y\n")
	x, y, _ := Tutorial()
	for i := range x {
		fmt.Fprintf(&b, "%v,%d\n", x[i], y[i])
	}
	return b.String()
}
