package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// classIndex finds the class of a label's text.
type classIndex struct {
	names  map[string]int32
	values map[float64]int32 // of numeric classes, which compare by value
}

func (c *Classes) index() classIndex {
	ix := classIndex{}
	if c.Numeric {
		ix.values = make(map[float64]int32, len(c.Names))
		for k, name := range c.Names {
			if v, ok := parseNumber([]byte(name)); ok {
				ix.values[v] = int32(k)
			}
		}
		return ix
	}
	ix.names = make(map[string]int32, len(c.Names))
	for k, name := range c.Names {
		ix.names[name] = int32(k)
	}
	return ix
}

// of returns the class of the label, or false where it is none of the classes.
func (ix classIndex) of(label string) (int32, bool) {
	if ix.values == nil {
		k, ok := ix.names[label]
		return k, ok
	}
	v, ok := parseNumber([]byte(label))
	if !ok {
		return 0, false
	}
	k, ok := ix.values[v]
	return k, ok
}

func (ix classIndex) has(label string) bool {
	_, ok := ix.of(label)
	return ok
}

// Index returns the class of a label's text; numeric classes compare by value. ok is
// false where the label is none of the classes.
func (c *Classes) Index(label string) (class int32, ok bool) { return c.index().of(label) }

// numericClasses are the classes of finite numbers.
func numericClasses(values []float64) Classes {
	sorted := slices.Clone(values)
	for i := range sorted {
		sorted[i] += 0 // -0 is 0
	}
	slices.Sort(sorted)
	c := Classes{Numeric: true}
	for _, v := range slices.Compact(sorted) {
		c.Names = append(c.Names, ClassName(v))
	}
	return c
}

// ClassName is the name of a class that is a number: the shortest that reads back as v,
// without an exponent where v is whole and exact, as codes and ids are.
func ClassName(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// classesOf are the classes of labels given as text.
func classesOf(labels []string) Classes {
	values := make([]float64, 0, len(labels))
	for _, l := range labels {
		v, ok := parseNumber([]byte(l))
		if !ok || math.IsInf(v, 0) {
			break
		}
		values = append(values, v)
	}
	if len(values) == len(labels) && len(labels) > 0 {
		return numericClasses(values)
	}
	names := slices.Clone(labels)
	slices.Sort(names)
	return Classes{Names: slices.Compact(names)}
}

// Encode numbers the labels by their classes in sorted order: numbers by value,
// strings as scikit-learn's LabelEncoder; strings that are all numbers are numbers.
// Infinite and NaN labels, empty and invalid strings and more than
// backend.MaxClasses classes are errors.
func Encode[L int | float64 | string](labels []L) ([]int32, Classes, error) {
	classOf := make(map[L]int32)
	var distinct []L
	for i, l := range labels {
		if l != l {
			return nil, Classes{}, fmt.Errorf("label %d is NaN; every row needs a label", i)
		}
		if _, seen := classOf[l]; !seen {
			classOf[l] = 0
			distinct = append(distinct, l)
		}
	}
	slices.SortFunc(distinct, cmp.Compare)
	if len(distinct) > backend.MaxClasses {
		return nil, Classes{}, fmt.Errorf("there are %d distinct labels; at most %d classes are supported", len(distinct), backend.MaxClasses)
	}
	texts := make([]string, len(distinct))
	for i, l := range distinct {
		switch l := any(l).(type) {
		case int:
			texts[i] = strconv.Itoa(l)
		case float64:
			if math.IsInf(l, 0) {
				return nil, Classes{}, fmt.Errorf("a label is %v; labels must be finite", l)
			}
			texts[i] = strconv.FormatFloat(l, 'g', -1, 64)
		case string:
			if l == "" || !utf8.ValidString(l) {
				return nil, Classes{}, fmt.Errorf("a label is %q; labels must be non-empty UTF-8", l)
			}
			texts[i] = l
		}
	}
	classes := classesOf(texts)
	ix := classes.index()
	for i, l := range distinct {
		classOf[l], _ = ix.of(texts[i])
	}
	codes := make([]int32, len(labels))
	for i, l := range labels {
		codes[i] = classOf[l]
	}
	return codes, classes, nil
}

// reclass numbers the labels by the classes of a model; nil leaves them. A label that is
// none of them is a *ReadError.
func (d *Dataset) reclass(classes *Classes) error {
	if classes == nil {
		return nil
	}
	index := classes.index()
	of := make([]int32, len(d.Classes.Names))
	for k, name := range d.Classes.Names {
		class, ok := index.of(name)
		if !ok {
			class = -1
		}
		of[k] = class
	}
	labels := make([]int32, len(d.Labels))
	for i, l := range d.Labels {
		if labels[i] = of[l]; of[l] < 0 {
			return rowError(d.LabelName, i, "the label "+quote(d.Classes.Names[l])+" is not among the model's classes", "the classes are "+listNames(classes.Names))
		}
	}
	d.Labels, d.Classes = labels, *classes
	return nil
}
