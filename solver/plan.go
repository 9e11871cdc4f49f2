package solver

import (
	"math"
	"sort"
)

// plan is what staged decides beforehand, from the shape of the problem and constants
// alone, so that the same problem is always solved by the same steps.
type plan struct {
	rows, cols int     // coordinates of one block
	hot        int     // of those, the ones between which a metric has all
	price      float64 // of a row in a metric, in evaluations
	sizes      []int   // of the samples, growing
	short      bool    // the largest would be larger with more memory
	single     bool    // no stages: the one sample is for a metric at the start
	draws      bool    // rows drawn for each block are cheaper than a metric of the largest sample
}

const (
	sampleRows    = 8    // a column, at least: a metric of fewer has wild directions
	fewRows       = 2    // a column, where rows in a metric are dear
	drawnRows     = 4    // a column, where each block has rows drawn for it
	smallestStage = 4000 // rows: below, a stage costs more in calls than it saves
	growth        = 4    // of one stage to the next

	// dearMetric is the price of a metric of sampleRows, in passes, above which fewRows do:
	// they take two or three passes more, and cost a quarter. Stages on so few rows bring
	// nothing then: they would end in the metric that they began in.
	dearMetric = 4

	// hotBudget is the price of a metric of the hottest columns, in passes.
	hotBudget = 1
)

// newPlan gives samples that grow to n/8 rows, or to 8 a column where that is more, but
// never above n/3 or what memory allows; none where that leaves less than half a stage.
// Where a metric of so many costs more than it saves, there is one sample of 2 a column.
func newPlan(obj Objective) (p plan) {
	if !Can(obj, CanSample) {
		return p
	}
	p.rows, p.cols = obj.(Sampler).Rows(), obj.Dim()
	p.hot = p.cols
	each := sampleRows // a column
	if Can(obj, CanCurve) {
		c := obj.(Curved)
		p.cols /= c.Blocks()
		if p.hot = c.Hot(); p.hot < p.cols {
			p.hot = p.hottest(c, min(p.rows/8, largestSample(obj, p.rows)))
		}
		p.price, _ = c.CurvaturePrice(p.hot)
		// Blocks of a Hessian have too many passes before them to save on their making.
		if p.single = c.Blocks() == 1 && p.price*float64(sampleRows*p.hot) > dearMetric*float64(p.rows); p.single {
			each = fewRows
		}
	}
	least := max(each*p.hot, smallestStage)
	want, most := max(p.rows/8, each*p.hot), largestSample(obj, p.rows)
	if p.single {
		want = max(each*p.hot, smallestStage/2)
	}
	want = min(want, p.rows/3)
	p.short = most < want
	for m := min(want, most); m >= least/2; m /= growth {
		p.sizes = append([]int{m}, p.sizes...)
	}
	p.single = p.single && len(p.sizes) == 1
	if n := len(p.sizes); n > 0 && Can(obj, CanDraw) {
		p.draws = p.drawnPrice() < p.price*float64(p.sizes[n-1])/float64(p.rows)
	}
	return p
}

// drawn is how many rows are drawn for a block of a metric.
func (p *plan) drawn() int { return max(drawnRows*p.cols, smallestStage/2) }

// drawnPrice is what that metric costs, in passes: with one to see which rows.
func (p *plan) drawnPrice() float64 {
	return 1 + p.price*float64(p.drawn())/float64(p.rows)
}

// partial tells whether a metric leaves products out.
func (p *plan) partial() bool { return p.hot < p.cols }

// hottest is how many coordinates of wide data a metric of a sample of m rows is to have
// whole: as many as hotBudget pays for, with sampleRows each.
func (p *plan) hottest(c Curved, m int) int {
	return sort.Search(min(p.hot, m/sampleRows), func(h int) bool {
		row, once := c.CurvaturePrice(h + 1)
		return row*float64(m)+once > hotBudget*float64(p.rows)
	})
}

// largestSample is how many of the rows the largest sample may have, where each is drawn
// together with those of a quarter, a sixteenth, ... of its rows, and sizes are met
// within a few hundredths.
func largestSample(obj any, rows int) int {
	if l, ok := obj.(Limited); ok {
		return int(0.74 * float64(l.MostSampled()))
	}
	return rows
}

// pace watches the expected gain over the steps taken in one metric.
type pace struct {
	steps       int
	first, last float64
}

func (p *pace) step(gain float64) {
	if p.steps == 0 {
		p.first = gain
	}
	p.steps++
	p.last = gain
}

const (
	paceSteps = 3       // the fewest to judge by
	goodPace  = 1. / 3. // gain after a step by gain before

	// paceShare is the share of a metric's price that is spent on steps before it is
	// paid: far from the minimum they are slower than near it, and say too little.
	paceShare = 1. / 4.
)

// slow tells whether a better metric would pay: steps gain less than a factor 3 each
// and, at their pace, more of them are to come until the expected gain is target than
// price, what the metric costs in steps.
func (p *pace) slow(target, price float64) bool {
	if float64(p.steps) < max(paceSteps, paceShare*price) {
		return false
	}
	rate := math.Pow(p.last/p.first, 1/float64(p.steps-1))
	if !(rate > goodPace) {
		return false
	}
	return rate >= 1 || math.Log(p.last/target)/-math.Log(rate) > price+1
}
