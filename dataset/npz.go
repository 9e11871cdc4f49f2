package dataset

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// The arrays of an NPZ archive, unless options name others.
const (
	npzX      = "X"
	npzLabel  = "y"
	npzWeight = "sample_weight"
	npzOffset = "offset"
)

// readNPZ reads an archive written by numpy.savez or numpy.savez_compressed: the
// features in an array X, and beside it y, and perhaps sample_weight and offset.
// Label, Weight and Offset of the options name other arrays; Ignore drops columns of
// X by index.
func readNPZ(ctx context.Context, in *input, o *ReadOptions) (*Dataset, error) {
	file, err := in.spool(o, "NPZ archive", "PK")
	if err != nil {
		return nil, err
	}
	defer file.close()
	z, err := openNPZ(file)
	if err != nil {
		return nil, withFile(err, in.name)
	}
	d, err := z.dataset(ctx, o)
	return d, withFile(err, in.name)
}

type npz struct {
	entries []*zip.File
	size    int64 // of the archive
}

func openNPZ(file *spooled) (*npz, error) {
	z, err := zip.NewReader(file, file.size)
	if err != nil {
		return nil, &ReadError{Problem: "this is no NPZ archive: " + strings.TrimPrefix(err.Error(), "zip: "), Advice: "the file is damaged or incomplete, or was not written by numpy.savez", Err: err}
	}
	return &npz{z.File, file.size}, nil
}

func (z *npz) dataset(ctx context.Context, o *ReadOptions) (*Dataset, error) {
	// X has no label or weight of its own, whatever the options call those.
	of := *o
	of.NoLabel, of.Label, of.Weight, of.Offset = true, "", "", ""
	var d *Dataset
	err := z.read(npzX, func(a *array) (err error) {
		d, err = a.table(ctx, &of)
		return err
	})
	if err != nil {
		return nil, err
	}
	rows, _ := d.Shape()
	vector := func(name string, use func(*array, []float64) error) error {
		return z.read(name, func(a *array) error {
			v, err := readVector(ctx, a)
			if err != nil {
				return err
			}
			if len(v) != rows {
				return a.error(fmt.Sprintf("there are %d numbers for the %d rows of X", len(v), rows), "")
			}
			return use(a, v)
		})
	}
	if !o.NoLabel {
		d.LabelName = orDefault(o.Label, npzLabel)
		err := vector(d.LabelName, func(a *array, v []float64) (err error) {
			d.Labels, d.Classes, err = a.encode("", v, o.Classes)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if o.Weight != "" || z.has(npzWeight) {
		err := vector(orDefault(o.Weight, npzWeight), func(a *array, v []float64) error {
			if i := slices.IndexFunc(v, func(w float64) bool { return w < 0 }); i >= 0 {
				return a.cellError(i, "", fmt.Sprintf("the weight %v is negative", v[i]), "weights must not be negative")
			}
			d.Weights = v
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if o.Offset != "" || z.has(npzOffset) {
		err := vector(orDefault(o.Offset, npzOffset), func(_ *array, v []float64) error {
			d.Offsets = v
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

func orDefault(name, standard string) string {
	if name == "" {
		return standard
	}
	return name
}

func (z *npz) has(name string) bool { return z.entry(name) != nil }

func (z *npz) entry(name string) *zip.File {
	for _, e := range z.entries {
		if e.Name == name+".npy" {
			return e
		}
	}
	return nil
}

func (z *npz) names() (names []string) {
	for _, e := range z.entries {
		names = append(names, strings.TrimSuffix(e.Name, ".npy"))
	}
	slices.Sort(names)
	return names
}

// read opens the array of that name and hands it to use.
func (z *npz) read(name string, use func(*array) error) error {
	e := z.entry(name)
	if e == nil {
		e := &ReadError{Value: name, Problem: "there is no array " + quote(name), Advice: "the archive holds " + listNames(z.names())}
		switch {
		case z.entry("indptr") != nil && z.entry("indices") != nil:
			e.Advice += ": a matrix of scipy.sparse; sklearn.datasets.dump_svmlight_file writes what can be read"
		case name == "y":
			e.Advice += "; --labels names a file of labels"
		}
		return e
	}
	r, err := e.Open()
	if err != nil {
		return z.damaged(name, err)
	}
	defer r.Close()
	// The archive's directory may claim any size. An array stored as it is cannot be
	// larger than the archive; one that is compressed has to be unpacked to know.
	available := int64(-1)
	if e.Method == zip.Store {
		available = min(int64(min(e.UncompressedSize64, math.MaxInt64)), z.size)
	}
	a, err := openArray(name, r, available)
	if err == nil {
		err = use(a)
	}
	var problem *ReadError
	if errors.As(err, &problem) && problem.Err != nil {
		return z.damaged(name, problem.Err)
	}
	return err
}

func (z *npz) damaged(name string, err error) error {
	problem := strings.TrimPrefix(err.Error(), "zip: ")
	if errors.Is(err, zip.ErrChecksum) {
		problem = "the checksum is wrong"
	}
	return &ReadError{Column: name, Problem: "cannot unpack the array: " + problem, Advice: "the file is damaged or incomplete", Err: err}
}
