package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// convert is the convert command: its flags.
type convert struct {
	data    dataFlags
	to      string
	dtype   string
	noLabel bool
}

func (a *app) convertCommand() *cobra.Command {
	var c convert
	cmd := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Write a table in another format",
		Long: `Reads IN as train does and writes OUT: features, labels, sample weights and offsets,
in the format of OUT's extension or of --to, packed where the name ends in .gz or .zst.
Numbers read back as the same bits; text and missing cells become numbers by the flags
that train has for them. OUT is written whole or not at all.

.lrb is the format to fit large data from: it is read at the speed of the disk, and in
pieces with --max-memory.`,
		Example: `  logreg-gpu convert clicks.svm.gz clicks.lrb
  logreg-gpu convert people.csv people.lrb --missing indicator --dtype float32
  logreg-gpu convert big.parquet big.lrb --max-memory 1GB --scratch /mnt/ssd`,
		Args: exactly("IN", "OUT"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), a, args[0], args[1]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&c.to, "to", "", "`format` of OUT (default: by its extension)")
	flags.StringVar(&c.dtype, "dtype", backend.Auto.String(), "number format of the features in OUT: auto (as they are in IN), float64 or float32")
	flags.BoolVar(&c.noLabel, "no-label", false, "IN has no labels: all of its columns are features")
	c.data.register(flags, "the last")
	c.data.encode.register(flags)
	flags.SortFlags = false
	return cmd
}

// convertResult is the JSON of convert.
type convertResult struct {
	Input   string `json:"input"`
	Output  string `json:"output"`
	Format  string `json:"format"`
	Rows    int    `json:"rows"`
	Cols    int    `json:"cols"`
	Dropped int    `json:"dropped_rows,omitempty"`
	Dtype   string `json:"dtype"`
	Entries *int64 `json:"entries,omitempty"` // of sparse features
	Label   string `json:"label,omitempty"`
	Classes []any  `json:"classes,omitempty"`
	Weights bool   `json:"sample_weight"`
	Offsets bool   `json:"offset"`
	Bytes   int64  `json:"bytes"`
	Seconds struct {
		Read  float64 `json:"read"`
		Write float64 `json:"write"`
	} `json:"seconds"`
}

func (c *convert) run(ctx context.Context, a *app, in, out string) error {
	format, err := dataset.WriteFormat(out, c.to)
	if err != nil {
		return err
	}
	if err := checkOutput(out, in, c.data.labels); err != nil {
		return err
	}
	o, err := c.options(a)
	if err != nil {
		return err
	}
	start := time.Now()
	ds, err := a.readDataset(ctx, in, o)
	if err != nil {
		return err
	}
	defer ds.Close()
	defer a.sayPeak(&c.data)
	read := time.Since(start)
	if err := dataset.WriteFile(ctx, out, ds, format); err != nil {
		return err
	}
	if !ds.KeepsNames(format) {
		a.warn("%s has no names of features: in %s they are numbers", format, out)
	}
	r := converted(ds, in, out, format)
	r.Seconds.Read, r.Seconds.Write = read.Seconds(), (time.Since(start) - read).Seconds()
	if a.json {
		return a.printJSON(r)
	}
	a.printConverted(r)
	return nil
}

// options are those of reading IN.
func (c *convert) options(a *app) (dataset.ReadOptions, error) {
	o, err := c.data.trainOptions(a)
	if err != nil {
		return o, err
	}
	switch storage, err := backend.ParseStorage(c.dtype); {
	case err != nil:
		return o, &usageError{err}
	case storage == backend.Float64:
		o.Float = tensor.Float64
	case storage == backend.Float32:
		o.Float = tensor.Float32
	case storage != backend.Auto:
		return o, usagef("--dtype is %q; files have float64 or float32, of which train makes %s", c.dtype, c.dtype)
	}
	if c.noLabel && (c.data.label != "" || c.data.labels != "") {
		return o, usagef("--no-label says that there are no labels; leave out --label and --labels")
	}
	o.NoLabel = c.noLabel
	return o, nil
}

func converted(ds *dataset.Dataset, in, out, format string) *convertResult {
	r := &convertResult{
		Input: in, Output: out, Format: format, Dropped: ds.Dropped, Dtype: ds.Dtype().String(),
		Weights: ds.Weights != nil, Offsets: ds.Offsets != nil,
	}
	r.Rows, r.Cols = ds.Shape()
	if entries := ds.Source().Entries(); entries >= 0 {
		r.Entries = &entries
	}
	if ds.Labels != nil {
		r.Label, r.Classes = ds.LabelName, labels(ds.Classes)
	}
	if info, err := os.Stat(out); err == nil {
		r.Bytes = info.Size()
	}
	return r
}

func (a *app) printConverted(r *convertResult) {
	a.print("%s: %s, %s", r.Output, count(r.Rows, "row"), count(r.Cols, "feature"))
	if r.Classes != nil {
		a.print(", %d classes of %q", len(r.Classes), r.Label)
	}
	if r.Entries != nil {
		a.print(", %d entries", *r.Entries)
	}
	a.print("; %s of %s, %s\n", r.Format, r.Dtype, bytesText(r.Bytes))
	if r.Dropped > 0 {
		a.print("%s with missing cells left out\n", count(r.Dropped, "more row"))
	}
}

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	v, unit := float64(n)/1e3, "kB"
	for _, next := range []string{"MB", "GB", "TB"} {
		if v < 1000 {
			break
		}
		v, unit = v/1e3, next
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}
