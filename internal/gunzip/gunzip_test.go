package gunzip

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// texts are of many kinds: how well they compress, by literals or by matches, decides
// which way they go.
func texts() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	numbers := []byte{}
	for len(numbers) < 350_000 {
		numbers = append(strconv.AppendFloat(numbers, r.NormFloat64(), 'g', 7, 64), ",\n"[len(numbers)%8/7])
	}
	noise := make([]byte, 300_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	few := make([]byte, 300_000)
	for i := range few {
		few[i] = "ab"[r.IntN(20)/19]
	}
	var words strings.Builder
	for words.Len() < 400_000 {
		fmt.Fprintf(&words, "%s=%d; ", []string{"alpha", "beta", "a somewhat longer piece of text"}[r.IntN(3)], r.IntN(100))
	}
	far := append(bytes.Clone(noise[:32<<10]), noise[:40<<10]...) // matches as far back as they may be
	return map[string][]byte{
		"nothing": {}, "byte": {'x'}, "numbers": numbers, "noise": noise, "few": few, "words": []byte(words.String()),
		"zeros": make([]byte, 500_000), "far": far,
		"periods": []byte(strings.Repeat("abcdefg", 1000) + strings.Repeat("abc", 3000) + strings.Repeat("0123456789abcdef", 1000)),
	}
}

func packed(t testing.TB, level int, texts ...[]byte) []byte {
	var b bytes.Buffer
	for _, text := range texts {
		w, err := stdgzip.NewWriterLevel(&b, level)
		require.NoError(t, err)
		_, err = w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	return b.Bytes()
}

func unpack(r io.Reader) ([]byte, error) {
	z, err := NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func standard(r io.Reader) ([]byte, error) {
	z, err := stdgzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func TestReader_GivesWhatWasPacked(t *testing.T) {
	all := texts()
	for name, text := range all {
		for _, level := range []int{stdgzip.HuffmanOnly, 0, 1, 6, 9} {
			b := packed(t, level, text)
			got, err := unpack(bytes.NewReader(b))
			require.NoError(t, err, "%s, level %d", name, level)
			require.True(t, bytes.Equal(text, got), "%s, level %d", name, level)
		}
	}
	b := packed(t, 6, all["numbers"], nil, all["words"], all["noise"])
	want := bytes.Join([][]byte{all["numbers"], all["words"], all["noise"]}, nil)
	for name, r := range map[string]io.Reader{"members": bytes.NewReader(b), "halves": iotest.HalfReader(bytes.NewReader(b)), "single bytes": iotest.OneByteReader(bytes.NewReader(b)), "end with data": iotest.DataErrReader(bytes.NewReader(b))} {
		got, err := unpack(r)
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(want, got), name)
	}
}

// What other programs pack: fixed codes, stored blocks among others, names and comments.
func TestReader_Headers(t *testing.T) {
	var b bytes.Buffer
	w := stdgzip.NewWriter(&b)
	w.Name, w.Comment, w.Extra = "näme", "a comment", []byte("extra")
	_, err := w.Write([]byte("text"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	got, err := unpack(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	require.Equal(t, "text", string(got))
	same(t, b.Bytes())
}

// same demands what compress/gzip does with b: its bytes, and whether it fails, and
// whether that is because the end is missing.
func same(t *testing.T, b []byte) {
	wantErr, err := agree(t, b)
	require.Equal(t, wantErr == io.ErrUnexpectedEOF, err == io.ErrUnexpectedEOF, "%v, not %v", err, wantErr)
}

// agree demands the bytes of compress/gzip, and an error where it has one. Noise that ends
// within a code may be called cut short by one and damaged by the other: they look at
// their bits in other portions.
func agree(t *testing.T, b []byte) (wantErr, err error) {
	want, wantErr := standard(bytes.NewReader(b))
	got, err := unpack(bytes.NewReader(b))
	if wantErr == nil {
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got))
		return nil, nil
	}
	require.Error(t, err)
	require.True(t, bytes.HasPrefix(want, got) || bytes.HasPrefix(got, want), "%v, %v", err, wantErr)
	return wantErr, err
}

func TestReader_DamageIsWhatCompressGzipSaysItIs(t *testing.T) {
	all := texts()
	r := rand.New(rand.NewPCG(3, 4))
	for _, b := range [][]byte{
		packed(t, 6, all["numbers"][:3000], []byte("two")), packed(t, 9, all["words"][:5000]), packed(t, stdgzip.HuffmanOnly, all["few"][:3000]),
		packed(t, 0, all["noise"][:2000]), packed(t, 1, []byte("short")),
	} {
		for cut := 0; cut < len(b); cut += 1 + len(b)/200 {
			same(t, b[:cut])
			same(t, b[:len(b)-1-cut%20])
		}
		same(t, append(bytes.Clone(b), 0))
		same(t, append(bytes.Clone(b), "garbage behind the end"...))
		for range 200 {
			damaged := bytes.Clone(b)
			for range 1 + r.IntN(3) {
				damaged[r.IntN(len(damaged))] ^= 1 << r.IntN(8)
			}
			same(t, damaged)
		}
	}
	broken := fmt.Errorf("disk on fire")
	_, err := unpack(io.MultiReader(bytes.NewReader(packed(t, 6, all["numbers"])[:50_000]), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

func FuzzReader(f *testing.F) {
	all := texts()
	for level := stdgzip.HuffmanOnly; level <= 9; level += 3 {
		f.Add(packed(f, level, all["numbers"][:2000]))
		f.Add(packed(f, level, all["words"][:2000], all["few"][:500]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		agree(t, b)
		// The bytes as a member's, whose header and sums need not be hit upon.
		agree(t, append([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00"), b...))
	})
}

func BenchmarkReader(b *testing.B) {
	text := texts()["numbers"]
	if path := os.Getenv("TEXT"); path != "" {
		text, _ = os.ReadFile(filepath.Clean(path))
		text = text[:min(len(text), 16<<20)]
	}
	z := packed(b, 6, text)
	buf := make([]byte, 128<<10)
	for _, form := range []struct {
		name string
		open func(io.Reader) (io.Reader, error)
	}{
		{"gunzip", func(r io.Reader) (io.Reader, error) { return NewReader(r) }},
		{"compress_gzip", func(r io.Reader) (io.Reader, error) { return stdgzip.NewReader(r) }},
	} {
		b.Run(form.name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r, err := form.open(bytes.NewReader(z))
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = r.Read(buf)
				}
				if err != io.EOF {
					b.Fatal(err)
				}
			}
		})
	}
}
