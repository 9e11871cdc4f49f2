package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/logreg-gpu/logreg-gpu/dataset"
	"github.com/logreg-gpu/logreg-gpu/internal/atomicfile"
)

// The file is one JSON object. FormatVersion grows when an older program would
// predict wrongly from a newer file; facts that prediction does not need are added
// without a new version, and unknown ones are ignored.
//
// A file says the lowest version that reads it rightly: 3 with an encoding of columns,
// else 2 with multi_class, else 1.
const (
	FormatName    = "logreg-gpu model"
	FormatVersion = 3
)

var (
	// ErrNotModel is the kind of a file that is something else.
	ErrNotModel = errors.New("not a logreg-gpu model")

	// ErrDamaged is the kind of a model file with parts missing or changed.
	ErrDamaged = errors.New("damaged model")

	// ErrNewer is the kind of a model file that this program is too old for.
	ErrNewer = errors.New("made by a newer logreg-gpu")
)

// FileError is a model file that cannot be read or used.
type FileError struct {
	Name   string
	Kind   error // ErrNotModel, ErrDamaged, ErrNewer, or the file system's error
	Reason string
}

func (e *FileError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Name, e.Kind)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.Kind == ErrDamaged {
		text += "; train it again, or take it from a copy"
	}
	return text
}

func (e *FileError) Unwrap() error { return e.Kind }

// header is read before the rest: it says whether the rest can be understood.
type header struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

// file is the order and the names of the JSON object.
type file struct {
	header
	Label            string            `json:"label"`
	Classes          []json.RawMessage `json:"classes"`
	MultiClass       string            `json:"multi_class,omitempty"`
	Features         []string          `json:"features"`
	Intercept        json.RawMessage   `json:"intercept"`
	Coef             json.RawMessage   `json:"coef"`
	CoefStandardized json.RawMessage   `json:"coef_standardized,omitempty"`
	Preprocessing    json.RawMessage   `json:"preprocessing"`
	Training         Training          `json:"training"`
}

// Save writes the model to path, whole or not at all; an existing file is replaced.
// Saving the same model gives the same bytes.
func (m *Model) Save(path string) error {
	if err := m.Check(); err != nil {
		return fmt.Errorf("cannot save the model: %w", err)
	}
	return atomicfile.Write(path, m.Encode)
}

// Encode writes the model's file to w. Numbers are the shortest decimals that read
// back to the same bits.
func (m *Model) Encode(w io.Writer) error {
	if err := m.Check(); err != nil {
		return fmt.Errorf("cannot save the model: %w", err)
	}
	f := file{
		header:     header{FormatName, 1},
		Label:      m.LabelName,
		MultiClass: m.MultiClass,
		Features:   m.FeatureNames,
		Training:   m.Training,
	}
	switch {
	case m.Preprocessing.Encoding != nil:
		f.Version = 3
	case m.MultiClass != "":
		f.Version = 2
	}
	for _, name := range m.Classes.Names {
		text := []byte(name)
		if !m.Classes.Numeric {
			text, _ = marshal(name) // a string always encodes
		}
		f.Classes = append(f.Classes, text)
	}
	parts := []struct {
		to   *json.RawMessage
		from any
	}{{&f.Intercept, m.Intercept}, {&f.Coef, m.Coef}, {&f.Preprocessing, m.Preprocessing}}
	if m.CoefStandardized != nil {
		parts = append(parts, struct {
			to   *json.RawMessage
			from any
		}{&f.CoefStandardized, m.CoefStandardized})
	}
	for _, p := range parts {
		text, err := marshal(p.from)
		if err != nil {
			return err
		}
		*p.to = text
	}
	compact, err := marshal(f)
	if err != nil {
		return err
	}
	_, err = w.Write(layout(compact))
	return err
}

// Load reads the model at path. Anything wrong with it is a *FileError.
func Load(path string) (*Model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, &FileError{Name: path, Kind: err}
	}
	return parse(text, path)
}

// Decode reads a model from r, of which errors speak as name.
func Decode(r io.Reader, name string) (*Model, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, &FileError{Name: name, Kind: err}
	}
	return parse(text, name)
}

func parse(text []byte, name string) (*Model, error) {
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		var syntax *json.SyntaxError
		if bytes.Contains(text, []byte(`"`+FormatName+`"`)) && errors.As(err, &syntax) {
			return nil, &FileError{name, ErrDamaged, fmt.Sprintf("%v at byte %d of %d", err, syntax.Offset, len(text))}
		}
		return nil, &FileError{name, ErrNotModel, "it is no JSON object written by train --model"}
	}
	switch {
	case h.Format != FormatName:
		return nil, &FileError{name, ErrNotModel, fmt.Sprintf("its \"format\" is %q instead of %q", h.Format, FormatName)}
	case h.Version > FormatVersion:
		return nil, &FileError{name, ErrNewer, fmt.Sprintf("its format version is %d, this program reads up to %d; upgrade", h.Version, FormatVersion)}
	case h.Version < 1:
		return nil, &FileError{name, ErrDamaged, fmt.Sprintf("its format version is %d", h.Version)}
	}
	m, err := parseBody(text)
	if err != nil {
		return nil, &FileError{name, ErrDamaged, plain(err)}
	}
	return m, nil
}

func parseBody(text []byte) (*Model, error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	m := &Model{FeatureNames: f.Features, LabelName: f.Label, MultiClass: f.MultiClass, Training: f.Training}
	var err error
	if m.Classes, err = parseClasses(f.Classes); err != nil {
		return nil, err
	}
	if err := parseNumbers("intercept", f.Intercept, &m.Intercept); err != nil {
		return nil, err
	}
	if err := parseNumbers("coef", f.Coef, &m.Coef); err != nil {
		return nil, err
	}
	if f.CoefStandardized != nil {
		if err := parseNumbers("coef_standardized", f.CoefStandardized, &m.CoefStandardized); err != nil {
			return nil, err
		}
	}
	if f.Preprocessing == nil {
		return nil, &ShapeError{"preprocessing", "is missing"}
	}
	// What is done to the columns matters to every prediction: nothing in here may
	// be skipped as unknown.
	dec := json.NewDecoder(bytes.NewReader(f.Preprocessing))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m.Preprocessing); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field == "" {
			wrong.Field = "preprocessing"
		}
		return nil, fmt.Errorf("preprocessing: %w", err)
	}
	return m, m.Check()
}

// parseNumbers reads an array of numbers or of arrays of numbers. encoding/json
// reads null as 0; here it is damage.
func parseNumbers(part string, text json.RawMessage, to any) error {
	if text == nil {
		return &ShapeError{part, "is missing"}
	}
	if bytes.Contains(text, []byte("null")) {
		return &ShapeError{part, "holds null where a number is needed"}
	}
	if err := json.Unmarshal(text, to); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			return &ShapeError{part, "holds a " + wrong.Value + ", which does not belong there"}
		}
		return fmt.Errorf("%s: %w", part, err)
	}
	return nil
}

// parseClasses reads labels that are all numbers or all strings.
func parseClasses(texts []json.RawMessage) (dataset.Classes, error) {
	c := dataset.Classes{Numeric: true}
	numbers := 0
	for _, t := range texts {
		var v any
		if err := json.Unmarshal(t, &v); err != nil {
			return c, fmt.Errorf("classes: %w", err)
		}
		switch v := v.(type) {
		case float64:
			numbers++
			c.Names = append(c.Names, dataset.ClassName(v))
		case string:
			c.Names = append(c.Names, v)
		default:
			return c, &ShapeError{"classes", fmt.Sprintf("hold %s; a class is a number or a string", t)}
		}
	}
	c.Numeric = numbers == len(texts)
	if numbers != 0 && !c.Numeric {
		return c, &ShapeError{"classes", "mix numbers and strings"}
	}
	return c, nil
}

// plain drops the Go type names from errors of encoding/json.
func plain(err error) string {
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		where := mistyped.Field
		if where == "" {
			where = "a part"
		}
		return fmt.Sprintf("%s holds a %s, which does not belong there", where, mistyped.Value)
	}
	return err.Error()
}

// marshal is json.Marshal with <, > and & left as they are: names such as age<40 stay
// readable.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
