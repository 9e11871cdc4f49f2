package main

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryUnits are the units of --max-memory: powers of 1000 and of 1024.
var memoryUnits = []struct {
	suffix string
	bytes  float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", 1e3}, {"m", 1e6}, {"g", 1e9}, {"t", 1e12}, {"b", 1}, {"", 1},
}

// leastMemory is what the program needs to do anything.
const leastMemory = 64e6

// memory is --max-memory in bytes, 0 where it is not given.
func (d *dataFlags) memory() (int64, error) {
	if d.maxMemory == "" {
		return 0, nil
	}
	text := strings.ToLower(strings.ReplaceAll(d.maxMemory, " ", ""))
	for _, u := range memoryUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(digits, 64)
		switch n *= u.bytes; {
		case err != nil || !(n > 0) || n >= math.MaxInt64:
			return 0, usagef("--max-memory is %q; give a size such as 1GB or 512MiB", d.maxMemory)
		case n < leastMemory:
			return 0, usagef("--max-memory is %q; the program itself needs 64MB", d.maxMemory)
		}
		return int64(n), nil
	}
	return 0, nil
}

// keepWithin has the garbage collector work harder as the memory in use comes near to
// what is allowed, of which the program's text and the C library take some; 0 is no bound.
// In any case garbage is collected when it is a quarter of what is in use, not as much again:
// most of that is X, which costs a collection nothing, and memory that is used again costs less
// than new. A fit to 300,000 x 200,000 sparse (99 MB) then takes 275 to 300 MB; at half, 315 to 340.
func keepWithin(bytes int64) {
	const outside, garbage = 32e6, 25
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	if bytes > 0 {
		debug.SetMemoryLimit(bytes - outside)
	}
}

// peakMemory is the most memory that this process has had resident, mapped files
// included, in bytes; 0 where the system does not say.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// sayPeak is said with -v where the memory is bounded.
func (a *app) sayPeak(d *dataFlags) {
	if peak := peakMemory(); d.maxMemory != "" && peak > 0 {
		a.detail("at most %.1f MB of memory were in use", float64(peak)/1e6)
	}
}

// sayPlacement tells where X was: a warning to who has not asked for a bound.
func (a *app) sayPlacement(d *dataFlags, placement string) {
	switch {
	case placement == "":
	case d.maxMemory == "":
		a.warn("%s", placement)
	default:
		a.detail("%s", placement)
	}
}
