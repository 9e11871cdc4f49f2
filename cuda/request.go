package cuda

import (
	"encoding/binary"
	"math"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// request is what an operation sends to the device, in one copy: coefficients, outputs,
// steps. Parts are added first; send gives each its address.
type request struct {
	d     *data
	bytes []byte
}

// part is a place in a request, from its start.
type part int

func (r *request) align() part {
	for len(r.bytes)%16 != 0 {
		r.bytes = append(r.bytes, 0)
	}
	return part(len(r.bytes))
}

func (r *request) real(v float64) {
	if r.d.realSize == 8 {
		r.bytes = binary.LittleEndian.AppendUint64(r.bytes, math.Float64bits(v))
	} else {
		r.bytes = binary.LittleEndian.AppendUint32(r.bytes, math.Float32bits(float32(v)))
	}
}

// coef adds rows of D+1 numbers as the kernels take them: ldw numbers, the intercept last;
// for sparse X in panels.
func (r *request) coef(rows []float64) part {
	if r.d.sparse != nil {
		return r.panels(rows)
	}
	at, d, ldw := r.align(), r.d.columns.Cols, r.d.ldw()
	for ; len(rows) > 0; rows = rows[d+1:] {
		for _, v := range rows[:d] {
			r.real(v)
		}
		for range ldw - d - 1 {
			r.real(0)
		}
		r.real(rows[d])
	}
	return at
}

// outputs adds one descriptor for each output of the models, as struct Output of
// kernels/include/output.h, for rows from `first` on.
func (r *request) outputs(models []backend.Model, first int) part {
	at, d := r.align(), r.d
	address := func(p driver.Ptr, size int) {
		if p != 0 {
			p += driver.Ptr(first * size)
		}
		r.bytes = binary.LittleEndian.AppendUint64(r.bytes, uint64(p))
	}
	for _, m := range models {
		for range m.Outputs() {
			// Rows to be predicted have no labels, and are asked for none.
			if m.Label < len(d.labels) {
				address(d.labels[m.Label], 4)
			} else {
				address(0, 0)
			}
			if m.Weight < len(d.weights) {
				address(d.weightsOf(m).ptr, d.realSize)
			} else {
				address(0, 0)
			}
			if m.Offset >= 0 {
				address(d.offsets[m.Offset], d.realSize)
			} else {
				address(0, 0)
			}
			r.bytes = binary.LittleEndian.AppendUint32(r.bytes, uint32(m.Class))
			r.bytes = binary.LittleEndian.AppendUint32(r.bytes, uint32(int32(m.Fold)))
		}
	}
	return at
}

// outputBytes is the size of one descriptor.
const outputBytes = 32

func (r *request) doubles(v ...float64) part {
	at := r.align()
	r.bytes = append(r.bytes, bytesOf(v)...)
	return at
}

// send copies the request to the device and returns where it lies.
func (r *request) send() (driver.Ptr, error) {
	p, err := r.d.work("request", int64(len(r.bytes)))
	if err != nil {
		return 0, err
	}
	return p, r.d.g.context.CopyIn(p, r.bytes)
}

func (p part) in(base driver.Ptr) driver.Ptr { return base + driver.Ptr(p) }
