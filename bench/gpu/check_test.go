package gpu

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakePython answers for a Python with PyTorch: one row like those of torch_eval.py.
const fakePython = `#!/bin/sh
[ "$1" = -c ] && exit 0
while [ "$1" != -o ]; do shift; done
echo '{"torch": "0.0", "rows": [{"variant": "eager", "rows": 292, "cols": 28, "storage": "float32", "seconds": 1}]}' >"$2"
`

// TestGPUCheck goes the way of a real check without a GPU: bundle, copy to where there
// is no Go, run, results.
func TestGPUCheck(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("builds three programs, and the script is for Linux")
	}
	dir := t.TempDir()
	bundle, out, path := filepath.Join(dir, "gpu-check"), filepath.Join(dir, "results"), filepath.Join(dir, "path")
	require.NoError(t, os.Mkdir(path, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(path, "python3"), []byte(fakePython), 0o777))

	for _, script := range []string{"bundle.sh", "torch_eval.py", "../gpu-check.sh"} {
		_, err := os.ReadFile(script) // so that a change of it unmakes go test's cached result
		require.NoError(t, err)
	}
	built, err := exec.Command("./bundle.sh", "--cpu", bundle).CombinedOutput()
	require.NoError(t, err, "%s", built)
	require.FileExists(t, bundle+".tar.gz")

	check := func(args ...string) (string, error) {
		cmd := exec.Command(filepath.Join(bundle, "gpu-check.sh"), append(args, "-o", out)...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + path + ":/usr/bin:/bin", "HOME=" + dir}
		text, err := cmd.CombinedOutput()
		return string(text), err
	}

	t.Run("NoGPU_IsSaidAtOnce", func(t *testing.T) {
		text, err := check("--backend", "cuda")
		require.Error(t, err)
		require.Len(t, strings.Split(strings.TrimSpace(text), "\n"), 1, text)
		require.Contains(t, text, "-tags cpu")
		require.NoDirExists(t, out)
	})
	t.Run("Report", func(t *testing.T) {
		text, err := check("--backend", "cuda-emu", "--tiny")
		require.NoError(t, err, text)
		files, err := filepath.Glob(filepath.Join(out, "*.json"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		require.FileExists(t, strings.TrimSuffix(files[0], ".json")+".md")
		var r struct {
			Backend string
			Read    struct{ Bytes int }
			Rows    []struct{ Operation, Omitted string }
			Torch   struct{ Rows []any }
			Checks  []struct{ Name, Outcome string }
		}
		results, err := os.ReadFile(files[0])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(results, &r))
		require.Equal(t, "cuda-emu", r.Backend)
		require.Positive(t, r.Read.Bytes)
		require.Len(t, r.Torch.Rows, 1)
		require.Contains(t, text, "292 | 28 | float32 | 1 |")
		for _, row := range r.Rows {
			require.Empty(t, row.Omitted, row.Operation)
		}
		outcomes := map[string]string{}
		for _, c := range r.Checks {
			outcomes[c.Name] = c.Outcome
			require.NotContains(t, c.Outcome, "FAILED", c.Name)
		}
		require.Contains(t, outcomes["fit"], "within 1e-5")
		require.Contains(t, outcomes["parity suite"], "passed")
		require.Contains(t, outcomes["compute-sanitizer"], "left out: cuda-emu runs no code on a GPU")
		require.Equal(t, "timed", outcomes["PyTorch"])
	})
}
