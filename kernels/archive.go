package kernels

import (
	"archive/tar"
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// The texts of a target are 7 MB, and 0.3 MB as an archive: they repeat themselves. A
// process unpacks one target's, in some 10 ms, once it asks for its first kernel.

//go:generate go run _pack/main.go
//go:embed sm_*.tar.zst
var archives embed.FS

// texts of each target by file name.
var texts = func() map[string]func() (map[string][]byte, error) {
	m := map[string]func() (map[string][]byte, error){}
	for _, t := range Targets {
		m[t.Name] = sync.OnceValues(func() (map[string][]byte, error) { return unpack(t.Name) })
	}
	return m
}()

func unpack(target string) (map[string][]byte, error) {
	packed, err := archives.ReadFile(target + ".tar.zst")
	if err != nil {
		return nil, err
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	all, err := d.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	files, r := map[string][]byte{}, bytes.NewReader(all)
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		from := len(all) - r.Len() // content follows its header
		files[h.Name] = all[from : from+int(h.Size)]
	}
}

// PTX returns the text of one module for one target: PTX("sm_80", "xtr.f32").
func PTX(target, module string) ([]byte, error) {
	if unpacked := texts[target]; unpacked != nil {
		files, err := unpacked()
		if err != nil {
			return nil, fmt.Errorf("kernels: unpacking %s: %w", target, err)
		}
		if text := files[module+".ptx"]; text != nil {
			return text, nil
		}
	}
	return nil, fmt.Errorf("kernels: no %s for %s", module, target)
}
