package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Missing says what becomes of cells without a value: empty ones, NA, NaN, null, ? and
// the like.
type Missing string

const (
	// MissingError refuses them; also the zero value.
	MissingError Missing = "error"

	// MissingMean puts the mean of the training rows in the place of a missing number,
	// as scikit-learn's SimpleImputer. A missing category is a level of its own, as in
	// OneHotEncoder.
	MissingMean Missing = "mean"

	// MissingIndicator is MissingMean with one more feature for each column of numbers
	// that lacked some in training: 1 where the cell is missing, 0 elsewhere.
	MissingIndicator Missing = "indicator"

	// MissingDrop trains without the rows in which a feature is missing. Every row that
	// is to be predicted gets its prediction: there, a missing cell is an error.
	MissingDrop Missing = "drop"
)

// fills tells whether missing cells are kept and filled in.
func (m Missing) fills() bool { return m == MissingMean || m == MissingIndicator }

// EncodeOptions say how the columns of a table become features. The zero value takes
// columns of text for categories, of numbers for what they are, and refuses missing
// cells.
type EncodeOptions struct {
	Missing Missing

	// Categorical lists columns of which the values are categories though they may be
	// numbers. A column of text is one by itself where none of its cells is a number.
	Categorical []string

	// MaxCategories bounds the features of one column: the rarest levels become one,
	// <other>. MinFrequency puts levels of fewer rows there: of less than that share of
	// the rows where it is below 1. 0 is no bound. Both are scikit-learn's
	// OneHotEncoder's.
	MaxCategories int
	MinFrequency  float64

	// HashBits hashes all categories into 2^HashBits features instead of one a level;
	// 0 does not.
	HashBits int

	// Cross lists sets of categorical columns; each set is one more column, of their
	// levels together.
	Cross [][]string
}

// MaxHashBits bounds EncodeOptions.HashBits.
const MaxHashBits = 24

// zero tells whether the options ask for nothing.
func (o *EncodeOptions) zero() bool {
	return (o.Missing == "" || o.Missing == MissingError) && o.Categorical == nil && o.MaxCategories == 0 && o.MinFrequency == 0 && o.HashBits == 0 && o.Cross == nil
}

// Check reports options that make no sense, whatever the table.
func (o *EncodeOptions) Check() error {
	switch o.Missing {
	case "", MissingError, MissingMean, MissingIndicator, MissingDrop:
	default:
		return fmt.Errorf("missing is %q; it must be error, mean, drop or indicator", string(o.Missing))
	}
	switch {
	case o.MaxCategories < 0:
		return fmt.Errorf("max-categories is %d; it must be positive", o.MaxCategories)
	case !(o.MinFrequency >= 0) || math.IsInf(o.MinFrequency, 1):
		return fmt.Errorf("min-frequency is %v; it must be a number of rows, or a share of them below 1", o.MinFrequency)
	case o.HashBits < 0 || o.HashBits > MaxHashBits:
		return fmt.Errorf("hash-bits is %d; it must be from 1 to %d", o.HashBits, MaxHashBits)
	case o.HashBits > 0 && (o.MaxCategories > 0 || o.MinFrequency > 0):
		return fmt.Errorf("hash-bits bounds the features by itself; leave out max-categories and min-frequency")
	}
	for _, set := range o.Cross {
		if len(set) < 2 {
			return fmt.Errorf("cross is %q; it needs at least two columns, as in city:sex", strings.Join(set, ":"))
		}
		for k, name := range set {
			if slices.Contains(set[:k], name) {
				return fmt.Errorf("cross names column %q twice", name)
			}
		}
	}
	return nil
}
