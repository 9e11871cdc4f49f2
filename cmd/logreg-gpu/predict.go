package main

import (
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/internal/atomicfile"
	"github.com/logreg-gpu/logreg-gpu/model"
)

type predict struct {
	data   dataFlags
	proba  bool
	output string
}

func (a *app) predictCommand() *cobra.Command {
	var p predict
	cmd := &cobra.Command{
		Use:   "predict MODEL DATA",
		Short: "Predict classes or probabilities",
		Long: `Writes a CSV with a row for each row of DATA: the column prediction, or with --proba
one column proba_CLASS a class. Features are found by name, in any order; DATA needs
no labels. Predictions are computed in float64, where DATA was read; naming a --backend
computes them there.`,
		Example: `  logreg-gpu predict heart.json new.csv
  logreg-gpu predict heart.json new.csv --proba -o proba.csv`,
		Args: exactly("MODEL", "DATA"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), a, args[0], args[1]) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&p.proba, "proba", false, "probabilities instead of classes")
	flags.StringVarP(&p.output, "output", "o", "", "`file` for the CSV (default: stdout, as with -)")
	p.data.register(flags, "the model's")
	flags.SortFlags = false
	return cmd
}

// predictResult is the JSON of predict. With -o the predictions are in the file.
type predictResult struct {
	Rows          int         `json:"rows"`
	Classes       []any       `json:"classes"`
	Predictions   []any       `json:"predictions,omitempty"`
	Probabilities [][]float64 `json:"probabilities,omitempty"` // with --proba
	Output        string      `json:"output,omitempty"`
}

func (p *predict) run(ctx context.Context, a *app, modelPath, dataPath string) error {
	if p.output == "-" {
		p.output = ""
	}
	if err := checkOutput(p.output, modelPath, dataPath); err != nil {
		return err
	}
	m, err := model.Load(modelPath)
	if err != nil {
		return err
	}
	ds, err := p.data.readFor(ctx, a, dataPath, m, false)
	if err != nil {
		return err
	}
	defer ds.Close()
	defer a.sayPeak(&p.data)
	said, err := a.apply(ctx, m, ds, &p.data)
	if err != nil {
		return err
	}
	if p.output != "" {
		err := atomicfile.Write(p.output, func(w io.Writer) error { return p.writeCSV(w, m, said) })
		if err != nil {
			return err
		}
	}
	switch {
	case a.json:
		return a.printJSON(p.result(m, said))
	case p.output == "":
		if err := p.writeCSV(a.stdout, m, said); err != nil {
			return &outputError{err}
		}
	}
	return nil
}

// apply computes the model's predictions where --backend says.
func (a *app) apply(ctx context.Context, m *model.Model, ds *dataset.Dataset, data *dataFlags) (*logreg.Prediction, error) {
	o := logreg.PredictOptions{Backend: a.backend, Threads: a.threads}
	var err error
	if o.MaxMemory, err = data.memory(); err != nil {
		return nil, err
	}
	return logreg.Predict(ctx, m, ds, o)
}

// writeCSV writes the header and a row for each row of DATA.
func (p *predict) writeCSV(to io.Writer, m *model.Model, said *logreg.Prediction) error {
	w := csv.NewWriter(to)
	if !p.proba {
		w.Write([]string{"prediction"})
		for _, k := range said.Classes {
			w.Write([]string{m.Classes.Names[k]})
		}
		w.Flush()
		return w.Error()
	}
	k := len(m.Classes.Names)
	row := make([]string, k)
	for c, name := range m.Classes.Names {
		row[c] = "proba_" + name
	}
	w.Write(row)
	for i, v := range said.Proba {
		row[i%k] = strconv.FormatFloat(v, 'g', -1, 64)
		if i%k == k-1 {
			w.Write(row)
		}
	}
	w.Flush()
	return w.Error()
}

func (p *predict) result(m *model.Model, said *logreg.Prediction) predictResult {
	r := predictResult{Rows: len(said.Classes), Classes: labels(m.Classes), Output: p.output}
	if p.output != "" {
		return r
	}
	for _, k := range said.Classes {
		r.Predictions = append(r.Predictions, label(m.Classes, k))
	}
	if p.proba {
		k := len(m.Classes.Names)
		r.Probabilities = slices.Collect(slices.Chunk(said.Proba, k))
	}
	return r
}
