#!/bin/bash
# Compiles every kernel to PTX for every target: kernels/ptx/<target>/<file>[.<storage>].ptx
# Usage: kernels/build.sh [file.cu ...]     CLANG=clang-19 (19.1.7 rebuilds the committed files bit for bit)
# Comments are dropped from the output; loops are unrolled only where the source says so.
# A file that includes device.h alone does not depend on the storage; all others are compiled once
# for each format. testdata/*.cu go through the headers in tests, for the oldest target.
set -euo pipefail
cd "$(dirname "$0")"
clang=${CLANG:-clang-19}
command -v "$clang" >/dev/null || { echo "kernels/build.sh: $clang is not here; it takes clang 19.1.7 with its NVPTX target" >&2; exit 1; }
out=ptx
if [ $# -eq 0 ]; then # all of them: files of kernels that are gone go too
  out=ptx.new
  trap 'rm -rf ptx.new' EXIT
  set -- *.cu
fi
compile() { # source target feature output defines...
  src=$1 arch=$2 ptx=$3 to=$4; shift 4
  "$clang" -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch="$arch" \
    --cuda-feature=+ptx"$ptx" -std=c++17 -O3 -fno-unroll-loops -ffp-contract=off -Wall -Wno-unknown-cuda-version \
    -Wno-pass-failed "$@" -S "$src" -o - | grep -v '^[[:space:]]*//' | tr -s '\n' >"$to"
}
for target in sm_75:64 sm_80:70; do
  arch=${target%:*} ptx=${target#*:}
  mkdir -p "$out/$arch"
  for src; do
    base=$(basename "$src" .cu)
    # Kernels for later targets name the first in their second line: "// Targets: sm_80 and later."
    if grep -q '^// Targets: sm_80' "$src" && [ "$arch" = sm_75 ]; then continue; fi
    if ! grep -q '^#include "include/device.h"' "$src"; then
      for storage in F32 F64 BF16 F16; do
        if grep -q "^// Not for [^:]*$storage" "$src"; then continue; fi
        low=$(echo $storage | tr '[:upper:]' '[:lower:]')
        compile "$src" "$arch" "$ptx" "$out/$arch/$base.$low.ptx" -DSTORAGE_$storage
      done
    else
      compile "$src" "$arch" "$ptx" "$out/$arch/$base.ptx"
    fi
  done
done
if [ "$out" = ptx.new ]; then
  for src in testdata/*.cu; do compile "$src" sm_75 64 "${src%.cu}.ptx" -DSTORAGE_F32; done
  rm -rf ptx
  mv ptx.new ptx
fi
