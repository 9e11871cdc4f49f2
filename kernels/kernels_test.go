package kernels_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logreg-gpu/logreg-gpu/kernels"
	"github.com/logreg-gpu/logreg-gpu/ptx"
)

var entry = regexp.MustCompile(`(?m)^\.visible \.entry (\w+)\(`)

// The table names every entry of every committed file, and no other.
func TestTable_NamesEveryEntry(t *testing.T) {
	for _, target := range kernels.Targets {
		listed := map[string][]string{}
		for _, k := range kernels.Table {
			if k.Since > target.Major {
				continue
			}
			storages := k.Storages
			if storages == nil {
				storages = []string{""}
			}
			for _, s := range storages {
				listed[k.Module(s)] = append(listed[k.Module(s)], k.Entry(s))
			}
		}
		committed := map[string][]string{}
		err := fs.WalkDir(os.DirFS("ptx/"+target.Name), ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			module := strings.TrimSuffix(path.Base(p), ".ptx")
			text, err := kernels.PTX(target.Name, module)
			for _, m := range entry.FindAllStringSubmatch(string(text), -1) {
				committed[module] = append(committed[module], m[1])
			}
			return err
		})
		require.NoError(t, err)
		for _, m := range []map[string][]string{listed, committed} {
			for _, names := range m {
				slices.Sort(names)
			}
		}
		require.Equal(t, committed, listed, target.Name)
	}
}

// Every committed file is PTX that the emulator knows, of the version its target promises.
func TestPTX_LoadsInTheEmulator(t *testing.T) {
	versions := map[string]string{"sm_75": "6.4", "sm_80": "7.0"}
	for _, target := range kernels.Targets {
		d := ptx.NewDriver(ptx.Config{Major: target.Major, Minor: target.Minor, Version: target.Driver})
		c, err := d.Open(0)
		require.NoError(t, err)
		seen := map[string]bool{}
		for _, k := range kernels.Table {
			if k.Since > target.Major {
				continue
			}
			for _, s := range append([]string{}, k.Storages...) {
				module := k.Module(s)
				if seen[module] {
					continue
				}
				seen[module] = true
				text, err := kernels.PTX(target.Name, module)
				require.NoError(t, err)
				require.Contains(t, string(text[:100]), fmt.Sprintf(".version %s\n.target %s\n", versions[target.Name], target.Name))
				_, err = c.Load(module, text)
				require.NoError(t, err, module)
			}
		}
		require.NoError(t, c.Close())
	}
}

func TestChoose_TakesTheBestTheDriverReads(t *testing.T) {
	for _, c := range []struct {
		major, minor, driver int
		want                 string
	}{
		{9, 0, 12040, "sm_80"}, {10, 0, 12080, "sm_80"}, {9, 0, 11000, "sm_80"}, {8, 6, 12040, "sm_80"},
		{8, 0, 10020, "sm_75"}, {7, 5, 12040, "sm_75"}, {7, 0, 12040, ""}, {7, 5, 10000, ""},
	} {
		target, ok := kernels.Choose(c.major, c.minor, c.driver)
		require.Equal(t, c.want, target.Name, "%+v", c)
		require.Equal(t, c.want != "", ok)
	}
}

func TestPTX_UnknownModule(t *testing.T) {
	_, err := kernels.PTX("sm_80", "no_such")
	require.EqualError(t, err, "kernels: no no_such for sm_80")
	_, err = kernels.PTX("sm_10", "xtr.f32")
	require.EqualError(t, err, "kernels: no xtr.f32 for sm_10")
}
