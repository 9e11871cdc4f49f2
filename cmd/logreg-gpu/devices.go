package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// backendInfo is what devices says of one backend.
type backendInfo struct {
	Name      string           `json:"name"`
	About     string           `json:"about"`
	Available bool             `json:"available"`
	Reason    string           `json:"reason,omitempty"` // why not
	Devices   []backend.Device `json:"devices"`
}

// devicesInfo lists the backends, those that auto prefers first.
type devicesInfo struct {
	Auto     string        `json:"auto"`
	Backends []backendInfo `json:"backends"`
}

func (a *app) devicesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "devices",
		Short: "What this machine can compute on, and why not on more",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			info := findDevices()
			if a.json {
				return a.printJSON(info)
			}
			a.print("%s", info)
			return nil
		},
	}
}

func findDevices() (info devicesInfo) {
	for _, d := range backend.Drivers() {
		b := backendInfo{Name: d.Name, About: d.About, Devices: []backend.Device{}}
		if found, err := d.Devices(); err != nil {
			b.Reason = strings.TrimPrefix(oneLine(err), backend.ErrUnavailable.Error()+": ") // which Available says
		} else {
			b.Available, b.Devices = true, found
			if info.Auto == "" && d.Rank > 0 {
				info.Auto = d.Name
			}
		}
		info.Backends = append(info.Backends, b)
	}
	return info
}

func (info devicesInfo) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, be := range info.Backends {
		if !be.Available {
			fmt.Fprintf(w, "%s\tnot available\t%s\n", be.Name, be.Reason)
			continue
		}
		for _, d := range be.Devices {
			fmt.Fprintf(w, "%s\t%s\t%s\n", be.Name, d.Name, be.About)
			for _, key := range sortedKeys(d.Details) {
				fmt.Fprintf(w, "\t%s: %s\t\n", key, d.Details[key])
			}
		}
	}
	w.Flush()
	if info.Auto == "" {
		info.Auto = "nothing"
	}
	fmt.Fprintf(&b, "\n--backend auto takes %s here.\n", info.Auto)
	return trimLines(b.String())
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
