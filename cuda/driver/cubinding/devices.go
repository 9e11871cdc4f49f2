//go:build linux && amd64 && cgo && !cpu

package cubinding

// These flags come before cu's own: its -lcuda is answered by our empty archive, and
// a true libcuda.so, should the linker find one first, stays out of the program's
// needs since no symbol is missing any more.

/*
#cgo CFLAGS: -I/usr/local/cuda/include -I/opt/cuda/include
#cgo LDFLAGS: -Wl,--as-needed -L${SRCDIR}/../libcuda
*/
import "C"

import (
	"reflect"

	"gorgonia.org/cu"

	"github.com/logreg-gpu/logreg-gpu/cuda/driver"
	"github.com/logreg-gpu/logreg-gpu/cuda/driver/libcuda"
)

type cudaDriver struct{}

var _ driver.Driver = cudaDriver{}

// New returns the machine's CUDA driver. It succeeds on machines without one: the
// methods then say why there is none.
func New() (driver.Driver, error) { return cudaDriver{}, nil }

func (cudaDriver) Name() string { return "cuda" }

func (cudaDriver) Version() (int, error) {
	if err := libcuda.Load(); err != nil {
		return 0, err
	}
	v := cu.Version()
	if v < 0 { // cu drops the code
		return 0, libcuda.Error("cuDriverGetVersion", driver.NotInitialized)
	}
	return v, nil
}

func (cudaDriver) Devices() ([]driver.DeviceInfo, error) {
	if err := libcuda.Load(); err != nil {
		return nil, err
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, wrap("cuDeviceGetCount", err)
	}
	if n == 0 {
		return nil, libcuda.Error("cuDeviceGetCount", driver.NoDevice)
	}
	infos := make([]driver.DeviceInfo, n)
	for i := range infos {
		if infos[i], err = describe(i); err != nil {
			return nil, err
		}
	}
	return infos, nil
}

// sharedPerBlockOptin is CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
// which cu does not name.
const sharedPerBlockOptin cu.DeviceAttribute = 97

func describe(ordinal int) (driver.DeviceInfo, error) {
	info := driver.DeviceInfo{Ordinal: ordinal}
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return info, wrap("cuDeviceGet", err)
	}
	if info.Name, err = dev.Name(); err != nil {
		return info, wrap("cuDeviceGetName", err)
	}
	if info.Memory, err = dev.TotalMem(); err != nil {
		return info, wrap("cuDeviceTotalMem", err)
	}
	if info.PCIBusID, err = pciBusID(dev); err != nil {
		return info, err
	}
	var unified int
	for _, a := range []struct {
		attribute cu.DeviceAttribute
		value     *int
	}{
		{cu.ComputeCapabilityMajor, &info.Major},
		{cu.ComputeCapabilityMinor, &info.Minor},
		{cu.MultiprocessorCount, &info.Multiprocessors},
		{sharedPerBlockOptin, &info.SharedPerBlock},
		{cu.MaxSharedMemoryPerMultiprocessor, &info.SharedPerSM},
		{cu.MaxRegistersPerMultiprocessor, &info.RegistersPerSM},
		{cu.L2CacheSize, &info.L2},
		{cu.ClockRate, &info.ClockKHz},
		{cu.MemoryClockRate, &info.MemoryClockKHz},
		{cu.GlobalMemoryBusWidth, &info.MemoryBusBits},
		{cu.MaxThreadsPerMultiprocessor, &info.MaxThreadsPerSM},
		{cu.UnifiedAddressing, &unified},
	} {
		if *a.value, err = dev.Attribute(a.attribute); err != nil {
			return info, wrap("cuDeviceGetAttribute", err)
		}
	}
	info.UnifiedAddresses = unified != 0
	return info, nil
}

// wrap makes a *driver.Error of an error of cu, whose type is a private int, and
// leaves nil alone.
func wrap(call string, err error) error {
	if err == nil {
		return nil
	}
	return libcuda.Error(call, driver.Code(reflect.ValueOf(err).Int()))
}
