// Command _generate writes the assembly of package simd, of internal/cholesky, of
// internal/checks and of internal/decimal with avo, one file a kernel: go run . -kernel dots -out ../dots_amd64.s -stubs ../dots_amd64.go -pkg simd.
//
// It is a module of its own so that avo is no dependency of logreg-gpu.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/mmcloughlin/avo/build"
)

// kernels write one function each for a format and an instruction set.
var kernels = map[string]func(machine){
	"dots":         dots,
	"entries":      entries,
	"entriesOuter": entriesOuter,
	"products":     products,
	"outer":        outer,
	"outers":       outers,
	"link":         link,
	"eval":         eval,
	"scale":        scale,
	"sigmoid":      sigmoid,
	"softmax":      softmax,
	"weigh":        weigh,
	"gram":         gram,
	"subtract":     subtract,
	"moments":      moments,
	"exp":          exp,
	"widen":        widen,
	"read":         read,
	"below":        below,
	"highest":      highest,
	"crc32c":       crc32c,
	"ends":         ends,
	"parse":        parse,
}

// formats are the number formats a kernel is written for: the stored ones for
// widen, any for read.
var formats = map[string][]string{
	"subtract": {"64"},
	"widen":    {"BF16", "F16"},
	"read":     {""},
	"below":    {""},
	"highest":  {""},
	"crc32c":   {""},
	"ends":     {""},
}

// sets are the instruction sets that a kernel is written for, where they are not these two.
var sets = map[string][]string{
	"highest": {"AVX2"},
	"crc32c":  {"AVX512"},
	"ends":    {"AVX2"},
	"parse":   {"AVX2"},
}

func main() {
	name := flag.String("kernel", "", "the kernel to write")
	flag.Parse()
	write, ok := kernels[*name]
	if !ok {
		fmt.Fprintf(os.Stderr, "unknown kernel %q\n", *name)
		os.Exit(2)
	}
	list := formats[*name]
	if list == nil {
		list = []string{"32", "64"}
	}
	of := sets[*name]
	if of == nil {
		of = []string{"AVX512", "AVX2"}
	}
	for _, format := range list {
		for _, set := range of {
			write(machine{set: set, format: format})
		}
	}
	build.Generate()
}
