package solver

// plan is what staged decides beforehand, from the shape of the problem and constants
// alone, so that the same problem is always solved by the same steps.
type plan struct {
	rows    int
	sizes   []int // of the samples, growing
	metrics []int // what the metrics on all rows are made from: indices of sizes, or len(sizes) for all rows
}

const (
	sampleRows    = 8    // a column, at least: a metric of fewer has wild directions
	smallestStage = 4000 // rows: below, a stage costs more in calls than it saves
	growth        = 4    // of one stage to the next
)

func newPlan(obj Objective) (p plan) {
	if !Can(obj, CanSample) {
		return p
	}
	p.rows = obj.(Sampler).Rows()
	least := max(sampleRows*obj.Dim(), smallestStage)
	last := min(max(p.rows/8, sampleRows*obj.Dim()), p.rows/3)
	for m := last; m >= least/2; m /= growth {
		p.sizes = append([]int{m}, p.sizes...)
	}
	p.metrics = []int{len(p.sizes) - 1, len(p.sizes) - 1, len(p.sizes)}
	return p
}
