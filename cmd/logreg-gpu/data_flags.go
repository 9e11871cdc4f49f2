package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	logreg "github.com/logreg-gpu/logreg-gpu"
	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/model"
)

// dataFlags say how DATA is read.
type dataFlags struct {
	format, delimiter, header string
	label, weight, offset     string
	labels                    string // path
	ignore                    []string
	encode                    encodeFlags
	group                     string // column
	maxMemory, scratch        string
	zeroBased                 string
	features                  int
}

// register adds the flags; label says which column is the label by default.
func (d *dataFlags) register(flags *pflag.FlagSet, label string) {
	flags.StringVar(&d.label, "label", "", "label `column`, by name or index from 0, or from the end by -1, -2, ... (default: "+label+")")
	flags.StringVar(&d.labels, "labels", "", "NPY `file` with one label a row, instead of a label column")
	flags.StringVar(&d.weight, "sample-weight", "", "`column` of sample weights")
	flags.StringVar(&d.offset, "offset", "", "`column` added to the logit of each row")
	flags.StringSliceVar(&d.ignore, "ignore", nil, "`columns` to leave out, comma-separated")
	flags.StringVar(&d.format, "format", "", strings.Join(dataset.Formats(), ", ")+" (default: by the extension)")
	flags.StringVar(&d.delimiter, "delimiter", "", "`character` between cells (default: found out)")
	flags.StringVar(&d.maxMemory, "max-memory", "", "most `memory` to take, such as 1GB: features that do not fit stay on disk and are read in every pass")
	flags.StringVar(&d.scratch, "scratch", "", "`directory` for text that does not fit into --max-memory (default: the system's for temporary files)")
	flags.StringVar(&d.zeroBased, "zero-based", "auto", "libsvm: whether indices count from 0: auto, true or false")
	flags.IntVar(&d.features, "features", 0, "libsvm: how many features there are (default: as many as the largest index says)")
	flags.StringVar(&d.header, "header", "auto", "whether the first row holds names: auto, yes or no")
}

// options translates the flags. a.stdin is what the path "-" reads.
func (d *dataFlags) options(a *app) (dataset.ReadOptions, error) {
	o := dataset.ReadOptions{
		Format: d.format, Label: d.label, LabelFile: d.labels, Weight: d.weight, Offset: d.offset, Ignore: d.ignore,
		Cols: d.features, Threads: a.threads, Stdin: a.stdin,
	}
	bases := map[string]dataset.IndexBase{"auto": dataset.IndexAuto, "true": dataset.IndexFromZero, "false": dataset.IndexFromOne}
	var ok bool
	if o.IndexBase, ok = bases[d.zeroBased]; !ok {
		return o, usagef("--zero-based is %q; use auto, true or false", d.zeroBased)
	}
	var err error
	if o.MaxMemory, err = d.memory(); err != nil {
		return o, err
	}
	o.Scratch = d.scratch
	headers := map[string]dataset.Header{"auto": dataset.HeaderAuto, "yes": dataset.HeaderPresent, "no": dataset.HeaderAbsent}
	if o.Header, ok = headers[d.header]; !ok {
		return o, usagef("--header is %q; use auto, yes or no", d.header)
	}
	switch {
	case d.delimiter == `\t`:
		o.Delimiter = '\t'
	case len(d.delimiter) > 1:
		return o, usagef("--delimiter is %q; it must be a single ASCII character", d.delimiter)
	case d.delimiter != "":
		o.Delimiter = d.delimiter[0]
	}
	return o, nil
}

// read reads DATA for training.
func (d *dataFlags) read(ctx context.Context, a *app, path string) (*dataset.Dataset, error) {
	o, err := d.trainOptions(a)
	if err != nil {
		return nil, err
	}
	ds, err := a.readDataset(ctx, path, o)
	if err == nil {
		a.warnOfClasses(ds)
	}
	return ds, err
}

// warnOfClasses speaks of labels that hardly repeat before time is spent on them.
func (a *app) warnOfClasses(ds *dataset.Dataset) {
	const many = 20 // fewer are not worth a word
	rows, _ := ds.Shape()
	if k := len(ds.Classes.Names); k > many && 2*k > rows && k <= logreg.MaxClasses {
		a.warn("%q has %d classes in %s: is it a number rather than a class? --label names another column", ds.LabelName, k, count(rows, "row"))
	}
}

// trainOptions are those of reading a table of which nothing is known yet.
func (d *dataFlags) trainOptions(a *app) (dataset.ReadOptions, error) {
	o, err := d.options(a)
	if err != nil {
		return o, err
	}
	o.Group = d.group
	o.Encode, err = d.encode.options()
	return o, err
}

// readFor reads DATA for a model: its features by name, its classes.
func (d *dataFlags) readFor(ctx context.Context, a *app, path string, m *model.Model, labelled bool) (*dataset.Dataset, error) {
	o, err := d.options(a)
	if err != nil {
		return nil, err
	}
	o.Features, o.Encoding, o.Classes, o.NoLabel = m.FeatureNames, m.Preprocessing.Encoding, &m.Classes, !labelled
	if o.Label == "" {
		o.Label = m.LabelName
	}
	if o.Offset == "" && m.Training.Offset != "" {
		a.warn("the model was fitted with the offsets of column %q, which count as 0 here; --offset gives them", m.Training.Offset)
	}
	return a.readDataset(ctx, path, o)
}

func (a *app) readDataset(ctx context.Context, path string, o dataset.ReadOptions) (*dataset.Dataset, error) {
	keepWithin(o.MaxMemory)
	ds, err := dataset.Read(ctx, path, o)
	if err != nil {
		return nil, err
	}
	rows, cols := ds.Shape()
	a.detail("read %s: %d rows, %d features", path, rows, cols)
	if ds.OnDisk() {
		a.detail("the features do not fit into half of --max-memory %s: they stay on disk", strconv.FormatInt(o.MaxMemory/1e6, 10)+"MB")
	}
	return ds, nil
}

// count is "1 row" or "7 rows", "1 class" or "7 classes".
func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
