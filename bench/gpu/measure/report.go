package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// Row is one timed operation.
type Row struct {
	Operation   string  `json:"operation"`
	Rows        int     `json:"rows"`
	Cols        int     `json:"cols"`
	Storage     string  `json:"storage"`
	Models      int     `json:"models"`
	Seconds     float64 `json:"seconds"` // median of a call
	Calls       int     `json:"calls"`
	GBs         float64 `json:"gb_s"` // bytes of X, once, by Seconds
	LoadSeconds float64 `json:"load_seconds"`
	Omitted     string  `json:"omitted,omitempty"` // why there is no time
}

// Read is the plain read of an array on the device.
type Read struct {
	Bytes       int     `json:"bytes"`
	GBs         float64 `json:"gb_s"`
	BlocksPerSM int     `json:"blocks_per_sm"` // of the fastest launch
}

// Measured is what run writes.
type Measured struct {
	Date     string         `json:"date"`
	Version  string         `json:"version"`
	Backend  string         `json:"backend"`
	Device   backend.Device `json:"device"`
	Elements int            `json:"elements"`       // of X; rows follow from the columns
	Read     *Read          `json:"read,omitempty"` // nil for backends without a device of their own
	Rows     []Row          `json:"rows"`
}

// Torch is what torch_eval.py writes: loss and gradient of the same shapes.
type Torch struct {
	Torch string     `json:"torch"` // version
	Rows  []TorchRow `json:"rows"`
}

// TorchRow is one way of saying loss and gradient in PyTorch.
type TorchRow struct {
	Variant string  `json:"variant"` // "eager", "compile"
	Written string  `json:"written"` // "autograd" or "by hand"
	Rows    int     `json:"rows"`
	Cols    int     `json:"cols"`
	Storage string  `json:"storage"`
	Seconds float64 `json:"seconds"`
	Omitted string  `json:"omitted,omitempty"`
}

// Check is something else that was run, and how it went.
type Check struct {
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
}

// Report is the file of results.
type Report struct {
	Measured
	Torch  *Torch  `json:"torch,omitempty"`
	Checks []Check `json:"checks"`
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// fileName is "nvidia-h200-2026-11-24".
func (r *Report) fileName() string {
	return strings.Trim(notInNames.ReplaceAllString(strings.ToLower(r.Device.Name), "-"), "-") + "-" + r.Date
}

// best is the faster of the ways of writing it, 0 where PyTorch was not timed.
func (t *Torch) best(variant string, like Row) (seconds float64) {
	if t == nil || like.Operation != "eval" || like.Models != 1 {
		return 0
	}
	for _, r := range t.Rows {
		same := r.Variant == variant && r.Rows == like.Rows && r.Cols == like.Cols && r.Storage == like.Storage
		if same && r.Seconds > 0 && (seconds == 0 || r.Seconds < seconds) {
			seconds = r.Seconds
		}
	}
	return seconds
}

func (r *Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s, %s\n\n", r.Device.Name, r.Date)
	fmt.Fprintf(&b, "logreg-gpu %s, backend `%s`", r.Version, r.Backend)
	for _, k := range sortedKeys(r.Device.Details) {
		fmt.Fprintf(&b, ", %s %s", k, r.Device.Details[k])
	}
	if r.Torch != nil {
		fmt.Fprintf(&b, "; PyTorch %s", r.Torch.Torch)
	}
	b.WriteString(".\n\n")
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "- %s: %s\n", c.Name, c.Outcome)
	}
	if r.Read != nil {
		fmt.Fprintf(&b, "- plain read of %.4g GB: %.4g GB/s\n", float64(r.Read.Bytes)/1e9, r.Read.GBs)
	}
	b.WriteString(`
One call, coefficients in and results out, median; GB/s are bytes of X counted once
(of sparse X the entries, which a GPU reads twice: by rows, then by columns; with
fixed-point sums three times by rows).
PyTorch computes the same loss and gradient, the faster of autograd and by hand, and
leaves them on the device.

| operation | rows | columns | storage | models | ms | GB/s | of plain read | PyTorch eager | torch.compile |
|---|--:|--:|---|--:|--:|--:|--:|--:|--:|
`)
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "| %s | %d | %d | %s | %d |", row.Operation, row.Rows, row.Cols, row.Storage, row.Models)
		if row.Omitted != "" {
			fmt.Fprintf(&b, " %s | | | | |\n", strings.ReplaceAll(row.Omitted, "|", "/"))
			continue
		}
		fmt.Fprintf(&b, " %.3f | %.4g | %s | %s | %s |\n", row.Seconds*1e3, row.GBs,
			r.share(row), slower(r.Torch.best("eager", row), row), slower(r.Torch.best("compile", row), row))
	}
	return b.String()
}

func (r *Report) share(row Row) string {
	if r.Read == nil {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*row.GBs/r.Read.GBs)
}

// slower is "3.214 ms, 2.1 x": a peer's time and how many of ours it is.
func slower(seconds float64, ours Row) string {
	if seconds == 0 {
		return ""
	}
	return fmt.Sprintf("%.3f ms, %.1f x", seconds*1e3, seconds/ours.Seconds)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
