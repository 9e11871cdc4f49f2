package objective_test

import (
	"math"

	"pgregory.net/rapid"

	"github.com/logreg-gpu/logreg-gpu/objective"
)

// drawProblem makes a problem of noisy labels, some of all classes, columns of very
// different scale and place, and perhaps weights and offsets.
func drawProblem(t *rapid.T) problem {
	n := rapid.IntRange(20, 60).Draw(t, "rows")
	d := rapid.IntRange(1, 6).Draw(t, "cols")
	p := problem{classes: rapid.IntRange(2, 4).Draw(t, "classes")}
	normal := func(name string) float64 { // from uniform draws, which shrink well
		s := 0.0
		for range 4 {
			s += rapid.Float64Range(-1, 1).Draw(t, name)
		}
		return s
	}
	scale, place := make([]float64, d), make([]float64, d)
	for j := range d {
		scale[j] = math.Pow(10, rapid.Float64Range(-2, 2).Draw(t, "log scale"))
		place[j] = scale[j] * rapid.Float64Range(-30, 30).Draw(t, "place")
	}
	for i := range n {
		row := make([]float64, d)
		for j := range row {
			row[j] = place[j] + scale[j]*normal("x")
		}
		p.x = append(p.x, row)
		p.y = append(p.y, int32((i+rapid.IntRange(0, 1).Draw(t, "y"))%p.classes))
	}
	if rapid.Bool().Draw(t, "weighted") {
		for range n {
			p.weights = append(p.weights, rapid.Float64Range(0.1, 4).Draw(t, "weight"))
		}
	}
	if rapid.Bool().Draw(t, "offset") {
		for range n {
			p.offsets = append(p.offsets, rapid.Float64Range(-1, 1).Draw(t, "offset"))
		}
	}
	return p
}

func drawOptions(t *rapid.T, p problem) objective.Options {
	o := objective.Options{
		C:           math.Pow(10, rapid.Float64Range(-2, 2).Draw(t, "log C")),
		Penalty:     rapid.SampledFrom([]objective.Penalty{objective.L2, objective.None}).Draw(t, "penalty"),
		NoIntercept: rapid.Bool().Draw(t, "no intercept"),
		Standardize: rapid.Bool().Draw(t, "standardize"),
		Coordinates: rapid.SampledFrom([]objective.Coordinates{objective.Scaled, objective.User}).Draw(t, "coordinates"),
	}
	if rapid.Bool().Draw(t, "factors") {
		for range p.x[0] {
			o.Factors = append(o.Factors, rapid.SampledFrom([]float64{0, 0.5, 1, 3}).Draw(t, "factor"))
		}
	}
	return o
}
