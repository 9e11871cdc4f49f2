package objective

import "fmt"

// Fit is a point in the user's terms.
type Fit struct {
	// Coef has one row an output, one number a column, in the user's units of X.
	Coef [][]float64

	// Intercept has one number an output; zeros without an intercept.
	Intercept []float64

	// CoefStandardized are the coefficients of the columns divided by their deviation
	// (unweighted, divided by N; constant columns count as they are): what
	// Standardize penalises.
	CoefStandardized [][]float64

	// Mean and Deviation are those of the user's columns that CoefStandardized is
	// about, unweighted over all rows.
	Mean, Deviation []float64

	// Objective is C sum_i s_i loss_i + penalty, as scikit-learn minimises it; without
	// a penalty, C sum_i s_i loss_i.
	Objective float64

	// Loss is the weighted mean of the losses.
	Loss float64
}

// Fit translates theta and the objective's value there, absolute values included. For
// softmax, coefficients that nothing penalises are shifted to sum to zero over the
// classes, which changes no prediction and no value; those penalised by squares alone
// do so by themselves at the minimum.
func (o *Objective) Fit(theta []float64, value float64) Fit {
	k, p := o.outputs(), o.coords.dim()
	theta = append([]float64(nil), theta...)
	value -= o.recentre(theta)
	f := Fit{
		Coef: make([][]float64, k), Intercept: make([]float64, k), CoefStandardized: make([][]float64, k),
		Objective: value * o.opts.C * o.sum,
		Loss:      value - o.quad.at(theta, nil) - o.lasso.at(theta),
		Mean:      o.columns.plainMean, Deviation: o.columns.deviation,
	}
	for i := range k {
		f.Coef[i], f.Intercept[i] = o.coords.user(theta[i*p : (i+1)*p])
		f.CoefStandardized[i] = make([]float64, len(f.Coef[i]))
		for j, v := range f.Coef[i] {
			f.CoefStandardized[i][j] = v * o.columns.deviation[j]
		}
	}
	if k > 1 && o.coords.intercept { // away from the minimum the penalised ones do not quite sum to zero
		mean := total(f.Intercept, 0, 1) / float64(k)
		for i := range f.Intercept {
			f.Intercept[i] -= mean
		}
	}
	return f
}

// Theta is the inverse of Fit, for warm starts: coef has one row an output and
// intercept one number an output; without an intercept it must be nil or zeros.
func (o *Objective) Theta(coef [][]float64, intercept []float64) ([]float64, error) {
	k, p := o.outputs(), o.coords.dim()
	if len(coef) != k || intercept != nil && len(intercept) != k {
		return nil, &OptionError{"start", fmt.Sprintf("has %d rows of coefficients and %d intercepts; want %d", len(coef), len(intercept), k)}
	}
	theta := make([]float64, k*p)
	for i, row := range coef {
		if len(row) != o.coords.cols {
			return nil, &OptionError{"start", fmt.Sprintf("has %d coefficients for %d columns", len(row), o.coords.cols)}
		}
		b := 0.0
		if intercept != nil {
			b = intercept[i]
		}
		if b != 0 && !o.coords.intercept {
			return nil, &OptionError{"start", "has an intercept, but the fit has none"}
		}
		o.coords.fromUser(row, b, theta[i*p:(i+1)*p])
	}
	o.recentre(theta)
	return theta, nil
}

// recentre shifts the coordinates under the gauge to sum to zero over the outputs and
// returns by how much the objective falls.
func (o *Objective) recentre(theta []float64) float64 {
	before := o.quad.at(theta, nil)
	dim := len(o.quad.ridge)
	for d, g := range o.quad.gauge {
		if g == 0 && d < o.coords.cols && o.penalised(d) {
			continue
		}
		mean := total(theta, d, dim) / float64(o.outputs())
		for i := d; i < len(theta); i += dim {
			theta[i] -= mean
		}
	}
	return before - o.quad.at(theta, nil)
}
