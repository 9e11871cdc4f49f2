package main

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/logreg-gpu/logreg-gpu/dataset"
)

// encodeFlags say how columns of text and missing cells become features. A model keeps
// what they led to, so that only commands that train have them.
type encodeFlags struct {
	opts    dataset.EncodeOptions
	missing string
	cross   []string
}

func (e *encodeFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&e.missing, "missing", string(dataset.MissingError), "missing cells: error, mean (fill in), indicator (and mark them), or drop (their rows)")
	flags.StringSliceVar(&e.opts.Categorical, "categorical", nil, "`columns` of numbers, or of numbers and text, that are categories; columns of text alone are anyway")
	flags.IntVar(&e.opts.MaxCategories, "max-categories", 0, "most features of a categorical column; its rarest levels become one, <other>")
	flags.Float64Var(&e.opts.MinFrequency, "min-frequency", 0, "fewest `rows` of a level, or below 1 the least share of them; rarer ones become <other>")
	flags.StringSliceVar(&e.cross, "cross", nil, "`columns` whose levels are taken together, as city:sex; several, comma-separated")
	flags.IntVar(&e.opts.HashBits, "hash-bits", 0, "hash all categories into 2^`bits` features, at most 24 bits")
}

func (e *encodeFlags) options() (dataset.EncodeOptions, error) {
	o := e.opts
	o.Missing = dataset.Missing(e.missing)
	for _, set := range e.cross {
		o.Cross = append(o.Cross, strings.Split(set, ":"))
	}
	if err := o.Check(); err != nil {
		return o, usagef("--%v", err)
	}
	return o, nil
}
