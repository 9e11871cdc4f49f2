package inspect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

const (
	rareClass   = 0.05 // share of the rows below which a class is rare
	manyClasses = 50
	manyLevels  = 1000 // of one category
	unevenScale = 1000 // largest spread over the smallest
	farFromZero = 100  // mean over deviation
	manyTwice   = 0.01 // share of rows that stand twice
	idRows      = 20   // fewest rows in which values that never repeat look like ids
	mostlyGone  = 0.5  // share of cells that are missing
	namedAtMost = 8    // columns in one warning's text
)

// warnings are the troubles of the table, the worst first.
func (d *description) warnings(r *Report) (all []Warning) {
	for _, warn := range []func(*Report) []Warning{
		d.badLabels, d.leaking, d.mixed, d.dressed, d.missing, d.ids, d.constant, d.duplicates, d.levels, d.imbalance, d.far, d.scales, d.repeated, d.fewRows,
	} {
		all = append(all, warn(r)...)
	}
	return all
}

// are is the verb for n things.
func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// about is a warning of the columns that are so, if there are any.
func (d *description) about(kind, problem, advice string, so func(*facts) bool) []Warning {
	w := Warning{Kind: kind, Problem: problem, Advice: advice}
	for _, f := range d.features {
		if so(f) {
			w.Columns = append(w.Columns, f.Name)
		}
	}
	if w.Columns == nil {
		return nil
	}
	return []Warning{w}
}

func (d *description) badLabels(r *Report) (all []Warning) {
	l := r.Label
	if l == nil {
		return nil
	}
	of := []string{l.Name}
	if l.Missing > 0 {
		all = append(all, Warning{WarnLabelEmpty, of, fmt.Sprintf("%d of %d labels %s missing", l.Missing, r.Rows, are(l.Missing)), "fill them in or drop the rows"})
	}
	switch k := len(l.Classes); {
	case k < 2:
		all = append(all, Warning{WarnClasses, of, "fewer than two classes", "another --label?"})
	case k > manyClasses:
		all = append(all, Warning{WarnClasses, of, fmt.Sprintf("%d distinct labels", k), "is this a quantity rather than a class? another --label?"})
	}
	return all
}

func (d *description) leaking(*Report) (all []Warning) {
	for j, how := range d.leaks {
		if how != "" {
			all = append(all, Warning{WarnLeak, []string{d.columns[j].Name}, how, "is it known before the label is? otherwise --ignore it"})
		}
	}
	return all
}

func (d *description) mixed(*Report) (all []Warning) {
	for _, f := range d.features {
		if f.Kind != Mixed {
			continue
		}
		texts, first := 0, f.of.First()
		for _, k := range f.of.Codes {
			if k >= 0 {
				texts++
			}
		}
		where := ""
		if file, line := f.of.Place(first); line > 0 {
			where = fmt.Sprintf(" in line %d", line)
			if file != "" {
				where += " of " + file
			}
		}
		all = append(all, Warning{WarnMixed, []string{f.Name},
			fmt.Sprintf("%d of %d cells %s text among numbers, the first %.40q%s", texts, len(f.codes)-f.Missing, are(texts), f.of.Levels[first], where), "correct the cells, or --categorical"})
	}
	return all
}

func (d *description) missing(r *Report) (all []Warning) {
	all = d.about(WarnMissing, "no cell has a value", "--ignore", func(f *facts) bool { return f.Kind == Empty })
	all = append(all, d.about(WarnMissing, "more than half of the cells are missing", "--missing indicator, or --ignore", func(f *facts) bool {
		return f.Kind != Empty && float64(f.Missing) > mostlyGone*float64(r.Rows)
	})...)
	return append(all, d.about(WarnMissing, "cells are missing", "--missing mean, indicator or drop", func(f *facts) bool {
		return f.Missing > 0 && float64(f.Missing) <= mostlyGone*float64(r.Rows)
	})...)
}

func (d *description) ids(r *Report) []Warning {
	return d.about(WarnIDs, "values hardly repeat: names, ids or row numbers", "--ignore", func(f *facts) bool {
		known := r.Rows - f.Missing
		switch {
		case known < idRows:
			return false
		case f.Kind == Number: // every number of a range, once
			return f.Distinct == known && f.whole() && f.Max-f.Min == float64(known-1)
		}
		return f.Kind != Empty && 2*f.Distinct > known
	})
}

func (d *description) constant(*Report) []Warning {
	return d.about(WarnConstant, "one value alone", "--ignore", func(f *facts) bool { return f.Distinct == 1 && f.Missing == 0 })
}

// duplicates are columns that make the same difference between the rows as one before
// them: equal values, or others in their place.
func (d *description) duplicates(*Report) (all []Warning) {
	first := make(map[uint64][]*facts)
	for _, f := range d.features {
		if f.Distinct < 2 {
			continue
		}
		h := uint64(0)
		for _, k := range f.codes {
			h = mix(h ^ uint64(uint32(k)))
		}
		same := slices.IndexFunc(first[h], func(g *facts) bool { return slices.Equal(f.codes, g.codes) && f.Kind == g.Kind && d.equal(f, g) })
		if same < 0 {
			first[h] = append(first[h], f)
			continue
		}
		all = append(all, Warning{WarnDuplicate, []string{f.Name}, fmt.Sprintf("the same values as %q", first[h][same].Name), "--ignore one of them"})
	}
	return all
}

func (d *description) equal(f, g *facts) bool {
	return slices.Equal(f.values, g.values) && slices.Equal(f.texts, g.texts)
}

func (d *description) levels(r *Report) []Warning {
	return d.about(WarnLevels, fmt.Sprintf("more than %d categories", manyLevels), "--max-categories, or --hash-bits", func(f *facts) bool {
		return f.Kind == Category && f.Distinct > manyLevels && 2*f.Distinct <= r.Rows-f.Missing
	})
}

func (d *description) imbalance(r *Report) []Warning {
	if r.Label == nil || len(r.Label.Classes) < 2 || len(r.Label.Classes) > manyClasses {
		return nil
	}
	rare := slices.MinFunc(r.Label.Classes, func(a, b Level) int { return cmp.Compare(a.Rows, b.Rows) })
	fair := 2 * rareClass / float64(len(r.Label.Classes)) // of many classes each is small
	if share := float64(rare.Rows) / float64(r.Rows); share >= min(rareClass, fair) {
		return nil
	}
	return []Warning{{WarnImbalance, []string{r.Label.Name}, fmt.Sprintf("class %q has %d of %d rows", rare.Name, rare.Rows, r.Rows),
		"accuracy says little here: look at roc_auc and average_precision; --class-weight balanced weighs classes alike"}}
}

func (d *description) far(*Report) []Warning {
	return d.about(WarnFar, "far from 0 for their spread", "--standardize", func(f *facts) bool {
		return f.Range != nil && f.Deviation > 0 && math.Abs(f.Mean) > farFromZero*f.Deviation
	})
}

func (d *description) scales(*Report) []Warning {
	var least, most *facts
	for _, f := range d.features {
		if f.Kind != Number || !(f.Deviation > 0) {
			continue
		}
		if least == nil || f.Deviation < least.Deviation {
			least = f
		}
		if most == nil || f.Deviation > most.Deviation {
			most = f
		}
	}
	if least == nil || most.Deviation < unevenScale*least.Deviation {
		return nil
	}
	return []Warning{{WarnScales, []string{most.Name, least.Name},
		fmt.Sprintf("they vary by %.3g and %.3g: the penalty falls on them unevenly", most.Deviation, least.Deviation), "--standardize"}}
}

func (d *description) repeated(r *Report) []Warning {
	if float64(r.DuplicateRows) < manyTwice*float64(r.Rows) || r.DuplicateRows == 0 {
		return nil
	}
	return []Warning{{WarnRows, nil, fmt.Sprintf("%d of %d rows %s equal to one before them", r.DuplicateRows, r.Rows, are(r.DuplicateRows)),
		"if they are the same cases, keep one of each: folds of cv would share them"}}
}

func (d *description) fewRows(r *Report) []Warning {
	n := 0
	for _, f := range d.features {
		switch f.Kind {
		case Number:
			n++
		case Category:
			n += f.Distinct
		}
	}
	if n < r.Rows {
		return nil
	}
	return []Warning{{WarnFewRows, nil, fmt.Sprintf("%d features for %d rows", n, r.Rows), "choose the penalty by cv"}}
}

// String is the warning in one line.
func (w Warning) String() string {
	var b strings.Builder
	for i, c := range w.Columns {
		if i == namedAtMost {
			fmt.Fprintf(&b, " and %d more", len(w.Columns)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(w.Problem)
	if w.Advice != "" {
		b.WriteString("; " + w.Advice)
	}
	return b.String()
}
