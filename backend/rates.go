package backend

// Rates say how fast a Data computes, for choosing between ways to the same answer: how
// many rows a metric is made of, and whether at all. Only their ratios count. They are
// plain numbers of a table, by kind of processor and arithmetic: never measured when a
// program runs, and the same for any number of threads, so that the same fit always takes
// the same steps.
type Rates struct {
	Read  float64 // bytes of X a second in Eval of one model
	Flops float64 // a second, in products of Eval of many outputs and in Gram
	Link  float64 // seconds to make a loss and a residual of a logit

	Entry float64 // seconds an entry of sparse X takes in Eval of one model

	// Product is the seconds that the product of two entries of a row of sparse X takes in
	// Gram, or 0 where Gram spreads rows out and multiplies the zeros too.
	Product float64
}

// Rated is a Data that says its rates.
type Rated interface {
	Rates() Rates
}

// usualRates are those of two cores with AVX-512.
var usualRates = Rates{Read: 25e9, Flops: 400e9, Link: 1e-9, Entry: 1e-9, Product: 0.5e-9}

// RatesOf are those of d, or those of two cores with AVX-512.
func RatesOf(d Data) Rates {
	if r, ok := d.(Rated); ok {
		return r.Rates()
	}
	return usualRates
}
