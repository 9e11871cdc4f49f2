package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/logreg-gpu/logreg-gpu/metrics"
	"github.com/logreg-gpu/logreg-gpu/model"
)

func (a *app) evaluateCommand() *cobra.Command {
	var data dataFlags
	cmd := &cobra.Command{
		Use:   "evaluate MODEL DATA",
		Short: "Measure a model on labelled data",
		Long: `Compares the predictions of MODEL with the labels of DATA. Of two classes the second
in sorted order is the positive one; of more, precision, recall, F1, ROC AUC and
average precision are means over the classes. The numbers are scikit-learn's. A metric
that the data leave undefined is null in JSON, with the reason under "undefined".`,
		Example: `  logreg-gpu evaluate heart.json test.csv
  logreg-gpu evaluate heart.json test.csv --json | jq .roc_auc`,
		Args: exactly("MODEL", "DATA"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.evaluate(cmd.Context(), &data, args[0], args[1])
		},
	}
	data.register(cmd.Flags(), "the model's")
	cmd.Flags().SortFlags = false
	return cmd
}

// evaluateResult is the JSON of evaluate; rows and columns of the confusion matrix
// (truth and prediction) are in the order of the classes.
type evaluateResult struct {
	*metrics.Report
	Classes []any `json:"classes"`
}

func (a *app) evaluate(ctx context.Context, data *dataFlags, modelPath, dataPath string) error {
	m, err := model.Load(modelPath)
	if err != nil {
		return err
	}
	ds, err := data.readFor(ctx, a, dataPath, m, true)
	if err != nil {
		return err
	}
	defer ds.Close()
	defer a.sayPeak(data)
	said, err := a.apply(ctx, m, ds, data)
	if err != nil {
		return err
	}
	r := metrics.Evaluate(ds.Labels, said.Classes, said.Proba, len(m.Classes.Names), ds.Weights)
	if a.json {
		return a.printJSON(evaluateResult{r, labels(m.Classes)})
	}
	a.print("%s on %s: %s, label %q\n\n", modelPath, dataPath, count(r.Rows, "row"), m.LabelName)
	a.printReport(r, m)
	return nil
}

// shownConfusion is the most classes whose confusion matrix is shown.
const shownConfusion = 12

func (a *app) printReport(r *metrics.Report, m *model.Model) {
	of := " of " + m.Classes.Names[1]
	if len(m.Classes.Names) > 2 {
		of = ", mean over classes"
	}
	for _, line := range []struct {
		name, key string
		value     metrics.Value
	}{
		{"log loss", "log_loss", r.LogLoss},
		{"accuracy", "accuracy", r.Accuracy},
		{"balanced accuracy", "balanced_accuracy", r.BalancedAccuracy},
		{"ROC AUC", "roc_auc", r.ROCAUC},
		{"average precision", "average_precision", r.AveragePrecision},
		{"Brier score", "brier", r.Brier},
		{"precision" + of, "precision", r.Precision},
		{"recall" + of, "recall", r.Recall},
		{"F1" + of, "f1", r.F1},
	} {
		if why := r.Undefined[line.key]; why != "" {
			a.print("%-30s undefined: %s\n", line.name, why)
			continue
		}
		a.print("%-30s %.6g\n", line.name, float64(line.value))
	}
	if len(m.Classes.Names) > shownConfusion {
		return
	}
	a.print("\nrows of each class (down) by predicted class (across):\n")
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\t")
	for _, name := range m.Classes.Names {
		fmt.Fprintf(w, "%s\t", name)
	}
	fmt.Fprintln(w)
	for c, row := range r.ConfusionMatrix {
		fmt.Fprintf(w, "  %s\t", m.Classes.Names[c])
		for _, v := range row {
			fmt.Fprintf(w, "%.6g\t", v)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
}
