package cuda

import (
	"context"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// Eval implements backend.Data.
func (d *data) Eval(ctx context.Context, models []backend.Model, coef []float64, out *backend.Evaluation) error {
	return d.run(ctx, func(c *call) error {
		if err := c.columns.CheckModels(models, coef); err != nil {
			return err
		}
		return c.evaluate(models, coef, out)
	})
}

func (c *call) evaluate(models []backend.Model, coef []float64, out *backend.Evaluation) error {
	s, err := c.sums(models, coef, nil)
	if err != nil {
		return err
	}
	out.Reset(models, c.columns.Cols)
	for _, g := range s.groups {
		for i, k := range g.models {
			unit := c.weightsOf(models[k]).unit
			out.Loss[k] = unit * s.results[g.losses+2*i]
			out.Held[k] = unit * s.results[g.losses+2*i+1]
		}
	}
	s.scatter(c.data, models, out.Grad)
	return nil
}

// HessVec implements backend.HessVec.
func (d *data) HessVec(ctx context.Context, models []backend.Model, coef, v, out []float64) error {
	return d.run(ctx, func(c *call) error {
		if err := c.columns.CheckModels(models, coef, v, out); err != nil {
			return err
		}
		s, err := c.sums(models, coef, v)
		if err == nil {
			s.scatter(c.data, models, out)
		}
		return err
	})
}

// sums are the results of an operation's groups, in units of their weights.
type sums struct {
	groups  []summed
	results []float64
}

// summed is a group with the places of its parts in the request and of its sums in the
// results: outputs rows of D+1 numbers, for sparse X the sums of residuals, then loss and
// held-out loss of each model.
type summed struct {
	group
	coef, out    part
	grad, losses int
	chunks       []part // descriptors of each chunk of rows, of a wide group
}

// scatter puts the groups' rows where the layout of coef has them.
func (s *sums) scatter(d *data, models []backend.Model, out []float64) {
	start := backend.Layout(models, d.columns.Cols)
	for _, g := range s.groups {
		from := s.results[g.grad:]
		for _, k := range g.models {
			row := out[start[k]:start[k+1]]
			unit := d.weightsOf(models[k]).unit
			for i := range row {
				row[i] = unit * from[i]
			}
			from = from[len(row):]
		}
	}
}

// sums evaluates all models: gradients and losses, or with v the Hessian's products.
func (c *call) sums(models []backend.Model, coef, v []float64) (*sums, error) {
	s, cols := new(sums), c.columns.Cols
	forms, vectors := evalForms[c.real], 1
	if v != nil {
		forms, vectors = hessForms[c.real], 2
	}
	start := backend.Layout(models, cols)
	r := &request{d: c.data}
	total := 0
	for _, g := range c.plan(models, forms, vectors) {
		p := summed{group: g, grad: total, losses: total + g.outputs*(cols+1)}
		if c.sparse != nil {
			p.losses += g.outputs // after the sums of residuals
		}
		total = p.losses + 2*len(g.models)
		var rows []float64
		var chosen []backend.Model
		for _, k := range g.models {
			rows = append(rows, coef[start[k]:start[k+1]]...)
			chosen = append(chosen, models[k])
		}
		if v != nil {
			for _, k := range g.models {
				rows = append(rows, v[start[k]:start[k+1]]...)
			}
		}
		if c.sparse != nil && g.kind != wide {
			p.coef = r.panel(rows, g.outputs, vectors)
		} else {
			p.coef = r.coef(rows)
		}
		p.out = r.outputs(chosen, 0)
		if g.kind == wide {
			for i := 0; i < c.columns.Rows; i += c.chunk() {
				p.chunks = append(p.chunks, r.outputs(chosen, i))
			}
		}
		s.groups = append(s.groups, p)
	}
	base, err := r.send()
	if err != nil {
		return nil, err
	}
	results, err := c.work("results", int64(total)*8)
	if err != nil {
		return nil, err
	}
	for _, g := range s.groups {
		l := &launches{call: c, summed: g, base: base, results: results, hess: v != nil}
		switch {
		case c.sparse != nil && g.kind == wide:
			err = l.sparseWide()
		case c.sparse != nil:
			err = l.sparseGroup(vectors)
		case g.kind == single:
			err = l.single(forms, vectors)
		case g.kind == wide:
			err = l.wide()
		default:
			err = l.many(vectors)
		}
		if err != nil {
			return nil, err
		}
	}
	s.results = make([]float64, total)
	return s, c.fetch(results, s.results)
}

// launches are those of one group.
type launches struct {
	*call
	summed
	base, results driver.Ptr
	hess          bool
}

// at is the address of a place in the results.
func (l *launches) at(i int) driver.Ptr { return l.results + driver.Ptr(8*i) }

// partials returns the buffers of the partial sums of L logical blocks.
func (l *launches) partials(blocks int) (part, losses driver.Ptr, err error) {
	part, err = l.work("partial gradients", int64(blocks)*int64(l.outputs)*int64(l.columns.Cols+1)*int64(l.realSize))
	if err == nil {
		losses, err = l.work("partial losses", int64(blocks)*int64(len(l.models))*2*8)
	}
	return part, losses, err
}

// finish combines them.
func (l *launches) finish(part, losses driver.Ptr, blocks int, add bool) error {
	if err := l.combine(l.real, part, blocks, l.outputs*(l.columns.Cols+1), add, l.at(l.grad)); err != nil {
		return err
	}
	if l.hess {
		return l.noLosses()
	}
	return l.combine("f64", losses, blocks, 2*len(l.models), add, l.at(l.losses))
}

// noLosses clears the losses of a product with the Hessian, which has none.
func (l *launches) noLosses() error {
	return l.g.context.Memset(l.at(l.losses), 0, int64(len(l.models))*16, nil)
}

func (l *launches) single(forms []form, vectors int) error {
	n, d := l.columns.Rows, l.columns.Cols
	blocks := blocksOf(n, d)
	part, losses, err := l.partials(blocks)
	if err != nil {
		return err
	}
	coef, out := driver.PtrArg(l.coef.in(l.base)), driver.PtrArg(l.out.in(l.base))
	tail := []driver.Arg{out, driver.PtrArg(l.folds), driver.Int32(int32(blocks)), driver.PtrArg(part), driver.PtrArg(losses)}
	head := []driver.Arg{driver.PtrArg(l.x), driver.Int64(int64(n)), driver.Int32(int32(d))}
	if l.tiled() {
		inverse, log := narrowArgs(d, 1)
		args := append(append(head, driver.Uint32(inverse), driver.Int32(log), coef, driver.Int32(int32(l.ldw()))), tail...)
		kernel := map[bool]string{false: "logistic_eval_tile", true: "hess_vec_tile"}[l.hess]
		err = l.launch(kernel, "", shape{work: blocks, shared: 128 * (d | 1) * l.realSize}, args...)
	} else {
		f, shared, _ := l.choose(forms, vectors)
		args := append(append(head, driver.Int32(int32(l.ld)), coef), tail...)
		err = l.launch(f.kernel, "", shape{work: blocks, shared: shared}, args...)
	}
	if err != nil {
		return err
	}
	return l.finish(part, losses, blocks, false)
}

// narrowArgs are what kernels on contiguous rows divide by d with, and the exponent of
// the power of two next above d, or above least.
func narrowArgs(d, least int) (inverse uint32, log int32) {
	for 1<<log < max(d, least) {
		log++
	}
	return uint32((1<<20 + d - 1) / d), log
}

// many launches a K-model kernel; see include/many_models.h for its parameters.
func (l *launches) many(vectors int) error {
	n, d := l.columns.Rows, l.columns.Cols
	blocks := blocksOf(n, d)
	part, losses, err := l.partials(blocks)
	if err != nil {
		return err
	}
	f, _, _ := l.choose(manyForms[l.real], 0)
	inverse, log := narrowArgs(min(d, 256), manyOutputs)
	stride := d | 1
	if !l.narrow() {
		inverse, stride = 0, l.ld+4
	}
	name := map[bool]string{false: "logistic_eval_k", true: "softmax_eval"}[l.softmax]
	least := 8
	if l.hess {
		name = map[bool]string{false: "hess_vec_k", true: "softmax_hess"}[l.softmax]
	} else if p := l.g.policy; p.tensorFrom > 0 && l.outputs >= p.tensorFrom && l.real == "f32" && !l.narrow() {
		f, _, _ = l.choose(tensorForms, 0)
		name, least = name+"_mma", 16
	}
	// The tile is a function of the shape alone: as many rows as 48 KB hold, up to 64.
	row := (vectors*manyOutputs + stride) * l.realSize
	tile := 64
	for tile > least && tile*row > defaultShared {
		tile /= 2
	}
	shared := max(tile*row, manyOutputs*128*l.realSize) // the sums of groups of rows take as much
	err = l.launch(name+f.kernel, "", shape{work: blocks, shared: shared},
		driver.PtrArg(l.x), driver.Int64(int64(n)), driver.Int32(int32(d)), driver.Int32(int32(l.ld)),
		driver.Uint32(inverse), driver.Int32(log), driver.Int32(int32(tile)),
		driver.PtrArg(l.coef.in(l.base)), driver.Int32(int32(l.ldw())), driver.Int32(int32(l.outputs)),
		driver.PtrArg(l.out.in(l.base)), driver.PtrArg(l.folds), driver.Int32(int32(blocks)),
		driver.PtrArg(part), driver.PtrArg(losses))
	if err != nil {
		return err
	}
	return l.finish(part, losses, blocks, false)
}

// chunk is how many rows the two-phase kernels take at a time.
func (d *data) chunk() int {
	if d.sparse != nil {
		return d.sparse.step
	}
	return min(d.g.chunks.rows(d.ld*d.storage.Bytes()), d.columns.Rows)
}

// wide evaluates in two phases, chunk by chunk of rows: logits of all outputs, their
// residuals in place, and the residuals' product with X, read again from the L2 cache.
func (l *launches) wide() error {
	d, step := l.columns.Cols, l.chunk()
	numbers := max(l.outputs, manyOutputs) * (d + 1)
	columns := l.outputs
	if l.hess {
		columns *= 2
	}
	z, err := l.work("logits", int64(columns)*int64(step)*int64(l.realSize))
	if err != nil {
		return err
	}
	for i, at := 0, 0; at < l.columns.Rows; i, at = i+1, at+step {
		n := min(step, l.columns.Rows-at)
		blocks := min(blocksOf(n, d), squareBlocksOf(n, numbers, l.realSize))
		part, losses, err := l.partials(blocks)
		if err != nil {
			return err
		}
		x := l.x + driver.Ptr(at*l.ld*l.storage.Bytes())
		if err := l.logits(at, n, l.coef.in(l.base), columns, z); err != nil {
			return err
		}
		folds := l.folds
		if folds != 0 {
			folds += driver.Ptr(4 * at)
		}
		u := z + driver.Ptr(l.outputs*n*l.realSize)
		name := map[bool]string{false: "residual", true: "hess"}[l.hess] + map[bool]string{false: "_logistic", true: "_softmax"}[l.softmax]
		y := l.outputs
		if l.softmax {
			y = 1
		}
		err = l.launch(name, l.real, shape{work: blocks, y: y},
			driver.PtrArg(z), driver.PtrArg(u), driver.Int64(int64(n)), driver.Int32(int32(l.outputs)),
			driver.PtrArg(l.chunks[i].in(l.base)), driver.PtrArg(folds), driver.Int32(int32(blocks)), driver.PtrArg(losses))
		if err != nil {
			return err
		}
		strips := d/64 + 1
		err = l.launch("xtr", "", shape{work: blocks * strips, y: (l.outputs + 15) / 16},
			driver.PtrArg(x), driver.Int64(int64(n)), driver.Int32(int32(d)), driver.Int32(int32(l.ld)),
			driver.PtrArg(z), driver.Int32(int32(l.outputs)), driver.Int32(int32(blocks)), driver.PtrArg(part))
		if err != nil {
			return err
		}
		if err := l.finish(part, losses, blocks, at > 0); err != nil {
			return err
		}
	}
	return nil
}

// logits computes (x_i, 1).w_c of n rows from row first on, for `count` rows of coefficients.
func (c *call) logits(first, n int, coef driver.Ptr, count int, z driver.Ptr) error {
	if c.sparse != nil {
		return c.sparseLogits(first, n, coef, count, z)
	}
	x := c.x + driver.Ptr(first*c.ld*c.storage.Bytes())
	name, y := "logits16", (count+15)/16
	if count <= 4 {
		name, y = "logits4", 1
	}
	return c.launch(name, "", shape{work: (n + 127) / 128, y: y},
		driver.PtrArg(x), driver.Int64(int64(n)), driver.Int32(int32(c.columns.Cols)), driver.Int32(int32(c.ld)),
		driver.PtrArg(coef), driver.Int32(int32(c.ldw())), driver.Int32(int32(count)), driver.PtrArg(z))
}
