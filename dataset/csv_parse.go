package dataset

import (
	"bytes"
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// parse reads the rows of b into p. Features, weights and offsets take the fast path
// from text to number unless something about the cell is unusual.
func (t *table[T]) parse(b *block, p *part[T]) error {
	buf, d, last := b.buf, len(t.features), len(t.role)-1
	labels, runs := t.labels[p.worker], &t.runs[p.worker]
	var levels []levelTable
	if t.levels != nil {
		levels = t.levels[p.worker]
	}
	runs.begin()
	line, pos := b.line, 0
	for {
		if c := buf[pos]; c == '\n' || c == '\r' || c == ' ' || pos == b.n {
			start, lines := skipBlank(buf, pos, b.n)
			if start == b.n {
				return nil
			}
			pos, line = start, line+lines
		}
		row, rowLine := pos, line
		x := p.rows.x[p.n*d : (p.n+1)*d]
		for col := 0; col <= last; {
			role := t.role[col]
			if n := t.run[col]; n > 0 {
				if n, pos = parseRun(runs, b, pos, x[role:role+n], t.delimiter, col+n > last); n > 0 {
					col += n
					continue
				}
			}
			v, end := 0.0, -1
			if t.plain[col] {
				v, end = parseDecimal(buf, pos)
				if end >= 0 && col == last && buf[end] == '\r' {
					end++
				}
			}
			if end < 0 || buf[end] != t.delimiter && col < last || buf[end] != '\n' && col == last {
				text, textEnd, problem := nextCell(buf, pos, t.delimiter)
				if problem != "" {
					return quotesError(line+newlines(buf[pos:textEnd]), t.name(col), problem)
				}
				end = textEnd
				if (buf[end] == '\n') != (col == last) {
					return t.raggedError(buf, row, rowLine)
				}
				var err error
				switch role {
				case roleIgnored:
				case roleLabel:
					p.rows.labels[p.n], err = labels.code(text, line, t.text)
				default:
					if role >= 0 && t.anyCells {
						v, err = t.cell(text, line, col, levels)
					} else {
						v, err = t.number(text, line, col)
					}
				}
				if err != nil {
					return t.rowError(err, buf, row, rowLine)
				}
				line += newlines(buf[pos:end])
			}
			pos = end + 1
			switch role {
			case roleIgnored, roleLabel:
			case roleWeight:
				if v < 0 {
					return t.rowError(&ReadError{Line: line, Column: t.name(col), Value: fmt.Sprint(v),
						Problem: fmt.Sprintf("the weight %v is negative", v), Advice: "weights must not be negative"}, buf, row, rowLine)
				}
				p.rows.weights[p.n] = v
			case roleOffset:
				p.rows.offsets[p.n] = v
			default:
				f := T(v)
				if f-f != 0 && v-v == 0 {
					return t.rowError(&ReadError{Line: line, Column: t.name(col), Value: fmt.Sprint(v),
						Problem: fmt.Sprintf("%v is too large for float32", v), Advice: "read the table as float64"}, buf, row, rowLine)
				}
				x[role] = f
			}
			col++
		}
		p.n++
		line++
	}
}

// number reads a cell that is not plain.
func (t *text) number(cell []byte, line, col int) (float64, error) {
	v, ok := parseNumber(cell)
	if ok && !math.IsInf(v, 0) {
		return v, nil
	}
	e := &ReadError{Line: line, Column: t.name(col), Value: string(cell)}
	feature := t.role[col] >= 0
	switch {
	case len(cell) == 0 && feature:
		e.Problem, e.Advice = "the cell is empty", t.missingAdvice()
	case missingMark(cell) && feature:
		e.Problem, e.Advice = "cannot read "+quote(e.Value)+" as a number", t.missingAdvice()
	case len(cell) == 0:
		e.Problem, e.Advice = "the cell is empty", "fill in a number or drop the row"
	case ok:
		e.Problem, e.Advice = quote(e.Value)+" is too large for float64", "rescale the column"
	case infinite(cell):
		e.Problem, e.Advice = quote(e.Value)+" is not finite", "fill in a number or drop the row"
	case missingMark(cell):
		e.Problem, e.Advice = "cannot read "+quote(e.Value)+" as a number", "fill in a number or drop the row"
	case decimalComma(cell):
		e.Problem, e.Advice = "cannot read "+quote(e.Value)+" as a number", "write decimals with a point"
	case !feature:
		e.Problem, e.Advice = "cannot read "+quote(e.Value)+" as a number", "the column must hold numbers"
	case t.o.Features != nil:
		e.Problem, e.Advice = "cannot read "+quote(e.Value)+" as a number", "the model was trained on numbers here"
	default:
		e.Problem, e.Advice = "cannot read "+quote(e.Value)+" as a number", textAdvice(e.Column)
	}
	return 0, e
}

func decimalComma(cell []byte) bool {
	_, ok := parseNumber(bytes.Replace(cell, []byte{','}, []byte{'.'}, 1))
	return ok
}

// rowError prefers a wrong number of cells, the likely cause, to an error in a cell.
func (t *text) rowError(err error, buf []byte, row, line int) error {
	if cells, _, problem := nextRow(buf, row, t.delimiter); problem == "" && len(cells) != len(t.role) {
		return t.raggedError(buf, row, line)
	}
	return err
}

func (t *text) raggedError(buf []byte, row, line int) error {
	cells, end, problem := nextRow(buf, row, t.delimiter)
	if problem != "" {
		return quotesError(line+newlines(buf[row:end]), "", problem)
	}
	advice := "every row needs as many cells as the first"
	if len(t.role) == 1 {
		advice = "the first row has no " + quote(string(t.delimiter)) + "; is the delimiter right?"
	}
	return &ReadError{Line: line, Problem: fmt.Sprintf("the row has %d cells where %d are expected", len(cells), len(t.role)), Advice: advice}
}

func newlines(b []byte) int { return bytes.Count(b, []byte{'\n'}) }

// dataset puts the parts together.
func (t *table[T]) dataset() (*Dataset, error) {
	n, d := 0, len(t.features)
	for _, p := range t.parts {
		n += p.n
	}
	if n == 0 {
		return nil, &ReadError{Problem: "there are no rows below the header", Advice: "a table needs at least one row"}
	}
	if len(t.slabs) > 1 {
		t.slabs = append(t.slabs, makeSlab[T](n, t.columns))
	}
	whole := t.slabs[len(t.slabs)-1].rows
	classes, codes, err := t.classes()
	if err != nil {
		return nil, err
	}
	var all []levels
	if t.anyCells {
		all = mergeLevels(t.levels, d)
	}
	at := 0
	for _, p := range t.parts {
		if cells, ok := any(p.rows.x).([]float64); ok && t.anyCells {
			recode(cells[:p.n*d], all, p.worker)
		}
		if t.hasLabel {
			code := codes[p.worker]
			for i, raw := range p.rows.labels[:p.n] {
				p.rows.labels[i] = code[raw]
			}
		}
		whole.copyFrom(at, p.rows, p.n, d)
		at += p.n
		p.rows = rows[T]{}
	}
	whole = whole.slice(0, n, d)
	ds := &Dataset{
		FeatureNames: t.features,
		Labels:       whole.labels,
		Classes:      classes,
		LabelName:    t.label,
		Weights:      whole.weights,
		Offsets:      whole.offsets,
	}
	if cells, ok := any(whole.x).([]float64); ok && t.anyCells {
		ds.raw = &raw{unboxed(cells, t.features, all), t.encode}
	} else {
		ds.X = tensor.New(tensor.WithShape(n, d), tensor.WithBacking(whole.x))
	}
	return ds, nil
}

// classes returns the classes of all labels, and for each worker the class of each
// of its codes.
func (t *table[T]) classes() (Classes, [][]int32, error) { return t.joinLabels(t.labels) }

// joinLabels returns the classes of the labels in all tables, and for each table the
// class of each of its codes.
func (t *text) joinLabels(labels []*labelTable) (Classes, [][]int32, error) {
	if !t.hasLabel {
		return Classes{}, nil, nil
	}
	var classes Classes
	if t.o.Classes != nil {
		classes = *t.o.Classes
	} else {
		var distinct []string
		for _, l := range labels {
			distinct = append(distinct, l.texts...)
		}
		classes = classesOf(distinct)
	}
	if len(classes.Names) > backend.MaxClasses {
		return Classes{}, nil, tooManyClasses(t.label, len(classes.Names))
	}
	index := classes.index()
	codes := make([][]int32, len(labels))
	for w, l := range labels {
		for _, text := range l.texts {
			class, _ := index.of(text) // code has refused labels outside the classes
			codes[w] = append(codes[w], class)
		}
	}
	return classes, codes, nil
}

func tooManyClasses(label string, n int) error {
	return &ReadError{Column: label,
		Problem: fmt.Sprintf("there are %d distinct labels; at most %d classes are supported", n, backend.MaxClasses),
		Advice:  "is this the label column?"}
}
