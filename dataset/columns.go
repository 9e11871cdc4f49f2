package dataset

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What a column of a table is for. Roles from 0 are columns of X.
const (
	roleUnset = -1 - iota
	roleIgnored
	roleLabel
	roleWeight
	roleOffset
)

var roleNames = map[int]string{roleIgnored: "an ignored column", roleLabel: "the label", roleWeight: "the sample weight", roleOffset: "the offset"}

// columns says what each column of a table is for.
type columns struct {
	names    []string // from the header; nil without one
	role     []int
	features []string // the names of X's columns
	label    string   // the name of the label column

	hasLabel, hasWeight, hasOffset bool

	encode       EncodeOptions // those of the options, columns by the names of features
	keepsMissing bool          // NaN among the features is a missing cell, for now
	ofModel      bool          // the features are a model's
}

// name is what errors call column c.
func (c *columns) name(col int) string {
	if c.names == nil {
		return strconv.Itoa(col)
	}
	return c.names[col]
}

// chooseColumns gives each of the n columns its role by the rules of ReadOptions.
// names is the header, nil without one. Errors lack the file's name.
func chooseColumns(names []string, n int, o *ReadOptions) (*columns, error) {
	c := &columns{names: names, role: slices.Repeat([]int{roleUnset}, n), keepsMissing: o.keepsMissing(), ofModel: o.Features != nil}
	if err := c.checkNames(); err != nil {
		return nil, err
	}
	for _, given := range []struct {
		spec string
		role int
		has  *bool
	}{{o.Weight, roleWeight, &c.hasWeight}, {o.Offset, roleOffset, &c.hasOffset}} {
		if given.spec != "" {
			if err := c.assign(given.spec, given.role); err != nil {
				return nil, err
			}
			*given.has = true
		}
	}
	for _, spec := range o.Ignore {
		if err := c.assign(spec, roleIgnored); err != nil {
			return nil, err
		}
	}
	c.ignoreIndex(o)
	var err error
	switch {
	case o.Features == nil:
		err = c.chooseForTraining(o)
	case names == nil || AutoNamed(o.Features) && !slices.ContainsFunc(o.Features, func(f string) bool { return slices.Contains(names, f) }):
		err = c.chooseByPosition(o)
	default:
		err = c.chooseByName(o)
	}
	if err != nil {
		return nil, err
	}
	if len(c.features) == 0 {
		e := &ReadError{Problem: "there is no feature column", Advice: "a table needs at least one column beside the label"}
		if n == 1 {
			e.Problem, e.Advice = "there is a single column", e.Advice+"; where the delimiter is another than comma, semicolon or tab, name it with --delimiter"
		}
		return nil, e
	}
	if o.tableOnly {
		c.keepAll()
	} else if o.Encoding == nil {
		err = c.chooseEncoded(&o.Encode)
	}
	return c, err
}

// ignoreIndex leaves out the columns in which pandas keeps the labels of its rows, unless
// one of them is asked for: they come last, where the label is looked for.
func (c *columns) ignoreIndex(o *ReadOptions) {
	for col, name := range c.names {
		if c.role[col] != roleUnset || !pandasIndex.MatchString(name) || slices.Contains(o.Features, name) || o.Group == name {
			continue
		}
		if label, err := c.find(o.Label); err != nil || label != col {
			c.role[col] = roleIgnored
		}
	}
}

var pandasIndex = regexp.MustCompile(`^__index_level_[0-9]+__$`)

// chooseEncoded finds the columns that options of encoding speak of.
func (c *columns) chooseEncoded(o *EncodeOptions) error {
	c.encode = *o
	feature := func(spec string) (string, error) {
		if slices.Contains(c.features, spec) {
			return spec, nil
		}
		col, err := c.find(spec)
		if err != nil {
			return "", err
		}
		if c.role[col] < 0 {
			return "", &ReadError{Column: c.name(col), Problem: "is " + roleNames[c.role[col]] + " and no feature", Advice: "only features can be categories"}
		}
		return c.features[c.role[col]], nil
	}
	each := func(specs []string) (names []string, err error) {
		for _, spec := range specs {
			name, err := feature(spec)
			if err != nil {
				return nil, err
			}
			names = append(names, name)
		}
		return names, nil
	}
	var err error
	if c.encode.Categorical, err = each(o.Categorical); err != nil {
		return err
	}
	c.encode.Cross = nil
	for _, set := range o.Cross {
		names, err := each(set)
		if err != nil {
			return err
		}
		c.encode.Cross = append(c.encode.Cross, names)
	}
	return nil
}

// chooseForTraining makes every column a feature that is nothing else.
func (c *columns) chooseForTraining(o *ReadOptions) error {
	switch {
	case o.Label != "":
		role := roleLabel
		if o.NoLabel {
			role = roleIgnored
		}
		if err := c.assign(o.Label, role); err != nil {
			return err
		}
	case !o.NoLabel:
		if last := c.lastUnset(); last >= 0 {
			c.role[last] = roleLabel
		}
	}
	if at := slices.Index(c.role, roleLabel); at >= 0 {
		c.hasLabel, c.label = true, c.name(at)
	}
	for col, r := range c.role {
		if r == roleUnset {
			name := "x" + strconv.Itoa(len(c.features))
			if c.names != nil {
				name = c.names[col]
			}
			c.role[col] = len(c.features)
			c.features = append(c.features, name)
		}
	}
	return nil
}

// chooseByName finds a model's features in the header.
func (c *columns) chooseByName(o *ReadOptions) error {
	at := make(map[string]int, len(c.names))
	for col, n := range c.names {
		at[n] = col
	}
	var missing []string
	for j, f := range o.Features {
		col, ok := at[f]
		if !ok {
			missing = append(missing, f)
			continue
		}
		if r := c.role[col]; r != roleUnset {
			return &ReadError{Column: f, Problem: "is a feature of the model and cannot be " + roleNames[r]}
		}
		c.role[col] = j
	}
	if len(missing) > 0 {
		are := "are"
		if len(missing) == 1 {
			are = "is"
		}
		return &ReadError{
			Problem: fmt.Sprintf("%d of the model's %d features %s missing: %s", len(missing), len(o.Features), are, listNames(missing)),
			Advice:  "add the columns; their order does not matter",
		}
	}
	c.features = o.Features
	if !o.NoLabel {
		if o.Label != "" {
			if err := c.assign(o.Label, roleLabel); err != nil {
				return err
			}
		} else if last := c.lastUnset(); last >= 0 {
			c.role[last] = roleLabel
		} else {
			return &ReadError{Problem: "there is no label column beside the model's features", Advice: "add one"}
		}
		c.hasLabel, c.label = true, c.name(slices.Index(c.role, roleLabel))
	}
	c.ignoreUnset()
	return nil
}

// chooseByPosition takes a model's features from the columns left over, in order.
func (c *columns) chooseByPosition(o *ReadOptions) error {
	left := 0
	for _, r := range c.role {
		if r == roleUnset {
			left++
		}
	}
	d := len(o.Features)
	switch {
	case left == d && o.NoLabel:
	case left == d+1:
		label, err := c.find(o.Label)
		if err != nil || c.role[label] != roleUnset {
			label = c.lastUnset()
		}
		c.role[label] = roleIgnored
		if !o.NoLabel {
			c.role[label] = roleLabel
			c.hasLabel, c.label = true, c.name(label)
		}
	default:
		want := fmt.Sprintf("%d features and a label", d)
		if o.NoLabel {
			want = fmt.Sprintf("%d features, with or without a label", d)
		}
		return &ReadError{
			Problem: fmt.Sprintf("there are %d columns where the model has %s", left, want),
			Advice:  "without a header that names the features, the columns must be the model's",
		}
	}
	for col, j := 0, 0; col < len(c.role); col++ {
		if c.role[col] == roleUnset {
			c.role[col] = j
			j++
		}
	}
	c.features = o.Features
	return nil
}

// assign gives the column of spec a role; it may have only one.
func (c *columns) assign(spec string, role int) error {
	col, err := c.find(spec)
	if err != nil {
		return err
	}
	if has := c.role[col]; has != roleUnset && has != role {
		was := roleNames[has]
		if has >= 0 {
			was = "a feature of the model"
		}
		return &ReadError{Column: c.name(col), Problem: "cannot be both " + was + " and " + roleNames[role]}
	}
	c.role[col] = role
	return nil
}

// errNoHeader is the cause where a column is asked for by a name.
var errNoHeader = errors.New("there is no header")

// find returns the column of a name or an index.
func (c *columns) find(spec string) (int, error) {
	for _, name := range []string{spec, strings.TrimSpace(spec)} { // the latter for lists such as "age, city"
		if col := slices.Index(c.names, name); col >= 0 {
			return col, nil
		}
	}
	n := len(c.role)
	index, err := strconv.Atoi(strings.TrimSpace(spec))
	switch {
	case err == nil && index >= -n && index < n:
		return (index + n) % n, nil
	case err == nil:
		return 0, &ReadError{Value: spec, Problem: fmt.Sprintf("there is no column %d among %d", index, n),
			Advice: "indexes count from 0, negative ones from the end"}
	case c.names == nil:
		return 0, &ReadError{Value: spec, Problem: "there is no column " + quote(spec) + ", for the table has no header",
			Advice: "give the column's index from 0", Err: errNoHeader}
	default:
		return 0, &ReadError{Value: spec, Problem: "there is no column " + quote(spec), Advice: "the columns are " + listNames(c.names)}
	}
}

func (c *columns) lastUnset() int {
	for col := len(c.role) - 1; col >= 0; col-- {
		if c.role[col] == roleUnset {
			return col
		}
	}
	return -1
}

func (c *columns) ignoreUnset() {
	for col, r := range c.role {
		if r == roleUnset {
			c.role[col] = roleIgnored
		}
	}
}

// checkNames reports header names that occur twice.
func (c *columns) checkNames() error {
	seen := make(map[string]bool, len(c.names))
	var twice []string
	for _, n := range c.names {
		if seen[n] && !slices.Contains(twice, n) {
			twice = append(twice, n)
		}
		seen[n] = true
	}
	if twice != nil {
		return &ReadError{Problem: "the header names columns twice: " + listNames(twice), Advice: "rename them"}
	}
	return nil
}
