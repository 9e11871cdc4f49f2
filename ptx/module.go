package ptx

import (
	"errors"
	"fmt"
	"sort"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
)

// module is a loaded PTX file.
type module struct {
	c       *context
	name    string
	src     *source
	kernels map[string]*kernel
	vars    []*region // of .global and .const
	gone    bool
}

// load parses and decodes PTX, and gives its variables memory. Every instruction of
// every kernel is decoded here, so that an unknown one is found before any launch.
func (c *context) load(name string, text string) (*module, error) {
	fail := func(code driver.Code, format string, args ...any) (*module, error) {
		return nil, newError("cuModuleLoadDataEx", code, "", fmt.Sprintf("%s: ", name)+fmt.Sprintf(format, args...))
	}
	src, err := parse(text)
	if err != nil {
		return fail(driver.InvalidPTX, "%v", err)
	}
	if limit := ptxVersion(c.d.config.Version); src.major*10+src.minor > limit {
		return fail(driver.UnsupportedPTXVersion, "PTX %d.%d, the driver for CUDA %d.%d knows up to %d.%d", src.major, src.minor,
			c.d.config.Version/1000, c.d.config.Version%1000/10, limit/10, limit%10)
	}
	if have := c.d.config.Major*10 + c.d.config.Minor; src.arch > have {
		return fail(noBinaryForGPU, "target %s, the device has compute capability %d.%d", src.target, c.d.config.Major, c.d.config.Minor)
	}
	m := &module{c: c, name: name, src: src, kernels: map[string]*kernel{}}
	for _, v := range src.vars {
		if v.space != Global && v.space != Const {
			continue
		}
		r := c.memory.add(v.name, uint64(v.bytes))
		r.module, v.addr = m, r.base
		copy(r.data, v.init)
		r.defineRange(0, uint64(v.bytes)) // without an initialiser they are zero
		r.readOnly = v.space == Const
		m.vars = append(m.vars, r)
	}
	for _, r := range m.vars {
		for _, v := range src.vars {
			if v.addr != r.base {
				continue
			}
			for _, l := range v.relocs {
				to := src.scope.variable(l.symbol)
				if to == nil || to.addr == 0 {
					m.Unload()
					return fail(driver.InvalidPTX, "line %d: %q is not a global variable", l.line, l.symbol)
				}
				r.put(uint64(l.offset), l.size, to.addr+uint64(l.addend))
			}
		}
	}
	for _, f := range src.funcs {
		if !f.entry || f.declare {
			continue
		}
		k, err := decodeKernel(m, f)
		var pe *ParseError
		if errors.As(err, &pe) {
			m.Unload()
			return fail(driver.InvalidPTX, "%v", err)
		}
		m.kernels[f.name] = k
	}
	return m, nil
}

// Function implements driver.Module.
func (m *module) Function(name string) (driver.Function, error) {
	k := m.kernels[name]
	if k == nil || m.gone {
		return nil, newError("cuModuleGetFunction", driver.NotFound, fmt.Sprintf("%s has no kernel %q", m.name, name), "")
	}
	return &entry{m, k}, nil
}

// Kernels returns the names of all kernels, sorted.
func (m *module) Kernels() []string {
	var names []string
	for n := range m.kernels {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Unload implements driver.Module.
func (m *module) Unload() error {
	if m.gone {
		return newError("cuModuleUnload", driver.InvalidValue, "the module is unloaded already", "")
	}
	m.gone = true
	for _, r := range m.vars {
		m.c.memory.free(r)
	}
	delete(m.c.modules, m)
	return nil
}

// entry is a kernel as the driver sees it.
type entry struct {
	m *module
	k *kernel
}

func (e *entry) Name() string { return e.k.name }

// SetMaxDynamicShared implements driver.Function.
func (e *entry) SetMaxDynamicShared(n int) error {
	if most := e.m.c.Info().SharedPerBlock; n < 0 || n+e.k.sharedReal > most {
		return newError("cuFuncSetAttribute", driver.InvalidValue,
			fmt.Sprintf("%s: %d bytes of shared memory, a block can have %d", e.k.name, n+e.k.sharedReal, most), "")
	}
	e.k.maxDynamic = max(e.k.maxDynamic, n)
	return nil
}

// Attributes implements driver.Function. The registers are an estimate: PTX has an
// unlimited number of them, and the emulator does not allocate real ones.
func (e *entry) Attributes() (driver.FunctionAttributes, error) {
	most := 1024
	if n := e.k.source.maxTID; n > 0 {
		most = n
	}
	return driver.FunctionAttributes{Registers: min(e.k.registers, 255), SharedBytes: e.k.sharedReal,
		LocalBytes: e.k.localSize, MaxThreads: most}, nil
}

// ptxVersion is the newest PTX that a driver knows, by its CUDA version, times ten.
// From the release history in the PTX ISA manual.
func ptxVersion(cuda int) int {
	best := 0
	for _, v := range []struct{ cuda, ptx int }{
		{10000, 63}, {10010, 64}, {10020, 65}, {11000, 70}, {11010, 71}, {11020, 72}, {11030, 73}, {11040, 74},
		{11050, 75}, {11060, 76}, {11070, 77}, {11080, 78}, {12000, 80}, {12010, 81}, {12020, 82}, {12030, 83},
		{12040, 84}, {12050, 85}, {12070, 86}, {12080, 87}, {12090, 88}, {13000, 90}, {13010, 91},
	} {
		if cuda >= v.cuda {
			best = v.ptx
		}
	}
	return best
}
