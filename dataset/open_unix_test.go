//go:build unix

package dataset

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Opening a named pipe waits for its writer; whoever waits can be called off.
func TestRead_NamedPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	stopped := errors.New("stopped")
	for _, o := range []ReadOptions{{}, {LabelFile: pipe}} {
		ctx, cancel := context.WithCancelCause(context.Background())
		path, done := pipe, make(chan error)
		if o.LabelFile != "" {
			path = "builtin/iris.csv"
		}
		go func() {
			_, err := Read(ctx, path, o)
			done <- err
		}()
		cancel(stopped)
		select {
		case err := <-done:
			require.ErrorIs(t, err, stopped)
		case <-time.After(time.Minute): // long enough for any machine; nothing waits for it where the test passes
			t.Fatal("it still waits for a writer")
		}
	}
	both, err := os.OpenFile(pipe, os.O_RDWR, 0) // so that what was left behind ends
	require.NoError(t, err)
	require.NoError(t, both.Close())

	go os.WriteFile(pipe, []byte("a,y\n1,0\n2,1\n"), 0o600)
	d, err := Read(context.Background(), pipe, ReadOptions{})
	require.NoError(t, err, "a stream without an extension is CSV, as standard input is")
	require.Equal(t, []float64{1, 2}, d.X.Data())
}
