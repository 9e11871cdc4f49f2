// Command main packs kernels/ptx/<target>/*.ptx into kernels/<target>.tar.zst, which the
// program carries. It runs in kernels/, by go generate. An archive that holds the same files
// already stays as it is, whatever compressed it.
package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

func main() {
	targets, err := filepath.Glob("ptx/sm_*")
	if err == nil && len(targets) == 0 {
		err = fmt.Errorf("no ptx/sm_* here")
	}
	for _, dir := range targets {
		if err == nil {
			err = pack(dir)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernels/_pack:", err)
		os.Exit(1)
	}
}

func pack(dir string) error {
	names, err := filepath.Glob(dir + "/*.ptx") // in order
	if err != nil {
		return err
	}
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.Base(name), Mode: 0o644, Size: int64(len(text))}); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	archive := filepath.Base(dir) + ".tar.zst"
	if packed, err := os.ReadFile(archive); err == nil {
		d, err := zstd.NewReader(nil)
		if err != nil {
			return err
		}
		defer d.Close()
		if held, err := d.DecodeAll(packed, nil); err == nil && bytes.Equal(held, plain.Bytes()) {
			return nil
		}
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	return os.WriteFile(archive, e.EncodeAll(plain.Bytes(), nil), 0o644)
}
