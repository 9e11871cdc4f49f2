package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// element is a type that buffers and scalars can have.
type element struct {
	bytes int
	put   func(b []byte, x float64)
	get   func(b []byte) string
}

var elements = map[string]element{
	"f32": {4, func(b []byte, x float64) { binary.LittleEndian.PutUint32(b, math.Float32bits(float32(x))) },
		func(b []byte) string {
			return strconv.FormatFloat(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 'g', -1, 32)
		}},
	"f64": {8, func(b []byte, x float64) { binary.LittleEndian.PutUint64(b, math.Float64bits(x)) },
		func(b []byte) string {
			return strconv.FormatFloat(math.Float64frombits(binary.LittleEndian.Uint64(b)), 'g', -1, 64)
		}},
	"u32": {4, func(b []byte, x float64) { binary.LittleEndian.PutUint32(b, uint32(x)) },
		func(b []byte) string { return strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b)), 10) }},
	"u64": {8, func(b []byte, x float64) { binary.LittleEndian.PutUint64(b, uint64(x)) },
		func(b []byte) string { return strconv.FormatUint(binary.LittleEndian.Uint64(b), 10) }},
}

// buffer is a device buffer of the launch.
type buffer struct {
	name string
	elem element
	n    int
	ptr  driver.Ptr
}

// argument reads `type[n]=fill` or `type=value`.
func argument(c driver.Context, i int, spec string, seed uint64) (driver.Arg, *buffer, error) {
	left, value, ok := strings.Cut(spec, "=")
	if !ok {
		return driver.Arg{}, nil, fmt.Errorf("want type[n]=fill or type=value")
	}
	name, count, isBuffer := strings.Cut(left, "[")
	count, closed := strings.CutSuffix(count, "]")
	if isBuffer && !closed {
		return driver.Arg{}, nil, fmt.Errorf("want type[n]=fill or type=value")
	}
	e, ok := elements[name]
	if !ok {
		return scalar(name, value)
	}
	if !isBuffer {
		return scalar(name, value)
	}
	n, err := strconv.Atoi(count)
	if err != nil || n <= 0 {
		return driver.Arg{}, nil, fmt.Errorf("%q is not a positive length", count)
	}
	b := &buffer{name: fmt.Sprintf("arg%d", i), elem: e, n: n}
	if b.ptr, err = c.Alloc(b.name, int64(n*e.bytes)); err != nil {
		return driver.Arg{}, nil, err
	}
	r := rand.New(rand.NewPCG(seed, uint64(i)))
	fill := map[string]func(i int) float64{
		"zeros": func(int) float64 { return 0 },
		"ones":  func(int) float64 { return 1 },
		"iota":  func(i int) float64 { return float64(i) },
		"rand": func(int) float64 {
			if name[0] == 'f' {
				return r.Float64()
			}
			return float64(r.Uint32())
		},
		"uninit": nil,
	}
	f, ok := fill[value]
	if !ok {
		return driver.Arg{}, nil, fmt.Errorf("fill %q is none of zeros, ones, iota, rand, uninit", value)
	}
	if f != nil {
		data := make([]byte, n*e.bytes)
		for j := 0; j < n; j++ {
			e.put(data[j*e.bytes:], f(j))
		}
		if err := c.CopyIn(b.ptr, data); err != nil {
			return driver.Arg{}, nil, err
		}
	}
	return driver.PtrArg(b.ptr), b, nil
}

func scalar(name, value string) (driver.Arg, *buffer, error) {
	var a driver.Arg
	var err error
	switch name {
	case "f32":
		var x float64
		x, err = strconv.ParseFloat(value, 32)
		a = driver.Float32(float32(x))
	case "f64":
		var x float64
		x, err = strconv.ParseFloat(value, 64)
		a = driver.Float64(x)
	case "u32":
		var x uint64
		x, err = strconv.ParseUint(value, 0, 32)
		a = driver.Uint32(uint32(x))
	case "u64":
		var x uint64
		x, err = strconv.ParseUint(value, 0, 64)
		a = driver.Uint64(x)
	case "s32":
		var x int64
		x, err = strconv.ParseInt(value, 0, 32)
		a = driver.Int32(int32(x))
	case "s64":
		var x int64
		x, err = strconv.ParseInt(value, 0, 64)
		a = driver.Int64(x)
	default:
		return a, nil, fmt.Errorf("type %q is none of f32, f64, u32, u64, s32, s64", name)
	}
	return a, nil, err
}

// print writes the first elements and a checksum (FNV-1a of the bytes). Bytes that
// nothing has written are shown as such.
func (b *buffer) print(out io.Writer, d *ptx.Driver) {
	data, defined := d.Inspect(b.ptr)
	head := make([]string, 0, 8)
	for i := 0; i < min(b.n, 8); i++ {
		s := "uninit"
		if all(defined[i*b.elem.bytes : (i+1)*b.elem.bytes]) {
			s = b.elem.get(data[i*b.elem.bytes:])
		}
		head = append(head, s)
	}
	if b.n > 8 {
		head = append(head, "...")
	}
	h := fnv.New64a()
	h.Write(data)
	missing := 0
	for _, ok := range defined {
		if !ok {
			missing++
		}
	}
	a := d.Allocations(b.name)[0]
	fmt.Fprintf(out, "%s: [%s] checksum %016x, %d bytes loaded, %d stored", b.name, strings.Join(head, " "), h.Sum64(), a.Loaded, a.Stored)
	if missing > 0 {
		fmt.Fprintf(out, ", %d bytes never written", missing)
	}
	fmt.Fprintln(out)
}

func all(bs []bool) bool {
	for _, b := range bs {
		if !b {
			return false
		}
	}
	return true
}
