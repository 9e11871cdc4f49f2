package cuda

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/logreg-gpu/logreg-gpu/backend"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver/cubinding"
	"github.com/logreg-gpu/logreg-gpu/kernels"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

// The names the backends are registered under.
const (
	Name         = "cuda"
	EmulatorName = "cuda-emu"
)

func init() {
	register(Name, "NVIDIA GPUs", 20, cubinding.New)
	register(EmulatorName, "the CUDA kernels on an emulated GPU; slow, for tests", 0, func() (driver.Driver, error) {
		return ptx.NewDriver(ptx.Config{Unchecked: true}), nil
	})
}

func register(name, about string, rank int, find func() (driver.Driver, error)) {
	backend.Register(backend.Driver{
		Name: name, About: about, Rank: rank,
		Devices: func() ([]backend.Device, error) {
			d, err := find()
			if err != nil {
				return nil, unavailable(err)
			}
			return devices(name, d)
		},
		FixedPoint: true,
		Open: func(opts backend.Options) (backend.Backend, error) {
			d, err := find()
			if err != nil {
				return nil, unavailable(err)
			}
			return New(name, d, 0, opts)
		},
	})
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", backend.ErrUnavailable, err) }

// devices describes what the driver lists.
func devices(name string, d driver.Driver) ([]backend.Device, error) {
	version, err := d.Version()
	if err != nil {
		return nil, unavailable(err)
	}
	infos, err := d.Devices()
	if err != nil {
		return nil, unavailable(err)
	}
	list := make([]backend.Device, 0, len(infos))
	for _, i := range infos {
		target, err := targetOf(i, version)
		chosen := target.Name
		if err != nil {
			chosen = err.Error()
		}
		list = append(list, backend.Device{Backend: name, Name: i.Name, Details: map[string]string{
			"memory":             fmt.Sprintf("%.1f GiB", float64(i.Memory)/(1<<30)),
			"compute capability": fmt.Sprintf("%d.%d", i.Major, i.Minor),
			"multiprocessors":    strconv.Itoa(i.Multiprocessors),
			"driver":             fmt.Sprintf("CUDA %d.%d", version/1000, version%1000/10),
			"ptx target":         chosen,
		}})
	}
	return list, nil
}

// errTooOld is the kind of the error for a device or driver that no target serves.
var errTooOld = errors.New("too old")

func targetOf(i driver.DeviceInfo, version int) (kernels.Target, error) {
	target, ok := kernels.Choose(i.Major, i.Minor, version)
	if !ok {
		least := kernels.Targets[len(kernels.Targets)-1]
		return target, fmt.Errorf("%s of compute capability %d.%d with a driver for CUDA %d.%d is %w: needs %d.%d and CUDA %d.%d",
			i.Name, i.Major, i.Minor, version/1000, version%1000/10, errTooOld,
			least.Major, least.Minor, least.Driver/1000, least.Driver%1000/10)
	}
	return target, nil
}
