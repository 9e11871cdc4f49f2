package main

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"

	"github.com/spf13/cobra"

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
no labels. Predictions are computed in float64 on the CPU.`,
		Example: `  logreg-gpu predict heart.json new.csv
  logreg-gpu predict heart.json new.csv --proba -o proba.csv`,
		Args: exactly("MODEL", "DATA"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), a, args[0], args[1]) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&p.proba, "proba", false, "probabilities instead of classes")
	flags.StringVarP(&p.output, "output", "o", "", "`file` for the CSV (default: stdout)")
	p.data.register(flags)
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
	m, err := model.Load(modelPath)
	if err != nil {
		return err
	}
	ds, err := p.data.readFor(ctx, a, dataPath, m, false)
	if err != nil {
		return err
	}
	z, err := m.DecisionFunction(ctx, ds)
	if err != nil {
		return err
	}
	if p.output != "" {
		err := atomicfile.Write(p.output, func(w io.Writer) error { return p.writeCSV(w, m, z) })
		if err != nil {
			return err
		}
	}
	switch {
	case a.json:
		return a.printJSON(p.result(m, z))
	case p.output == "":
		return p.writeCSV(a.stdout, m, z)
	}
	return nil
}

// writeCSV writes the header and a row for each row of logits.
func (p *predict) writeCSV(to io.Writer, m *model.Model, z []float64) error {
	w := csv.NewWriter(to)
	if !p.proba {
		w.Write([]string{"prediction"})
		for _, k := range m.Decide(z) {
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
	for i, v := range m.Probabilities(z) {
		row[i%k] = strconv.FormatFloat(v, 'g', -1, 64)
		if i%k == k-1 {
			w.Write(row)
		}
	}
	w.Flush()
	return w.Error()
}

func (p *predict) result(m *model.Model, z []float64) predictResult {
	decided := m.Decide(z)
	r := predictResult{Rows: len(decided), Classes: labels(m.Classes), Output: p.output}
	if p.output != "" {
		return r
	}
	for _, k := range decided {
		r.Predictions = append(r.Predictions, label(m.Classes, k))
	}
	if p.proba {
		k := len(m.Classes.Names)
		proba := m.Probabilities(z)
		for i := range decided {
			r.Probabilities = append(r.Probabilities, proba[i*k:(i+1)*k])
		}
	}
	return r
}
