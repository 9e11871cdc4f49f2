#!/bin/bash
# Compiles every kernel to PTX for every target: kernels/ptx/<target>/<file>[.<storage>].ptx
# Usage: kernels/build.sh [file.cu ...]     CLANG=clang-19 (19.1.7 rebuilds the committed files bit for bit)
# Comments are dropped from the output; loops are unrolled only where the source says so.
# A file that includes storage.h or output.h is compiled once a storage format.
set -euo pipefail
cd "$(dirname "$0")"
clang=${CLANG:-clang-19}
[ $# -gt 0 ] || set -- *.cu
compile() { # source target feature output defines...
  src=$1 arch=$2 ptx=$3 out=$4; shift 4
  "$clang" -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch="$arch" \
    --cuda-feature=+ptx"$ptx" -std=c++17 -O3 -fno-unroll-loops -ffp-contract=off -Wall -Wno-unknown-cuda-version \
    -Wno-pass-failed "$@" -S "$src" -o - | grep -v '^[[:space:]]*//' | tr -s '\n' >"$out"
}
for target in sm_75:64 sm_80:70 sm_90:78; do
  arch=${target%:*} ptx=${target#*:}
  mkdir -p "ptx/$arch"
  for src; do
    base=$(basename "$src" .cu)
    # Kernels for later targets name the first in their second line: "// Targets: sm_80 and later."
    if grep -q '^// Targets: sm_80' "$src" && [ "$arch" = sm_75 ]; then continue; fi
    if grep -q 'STORAGE\|include/[a-z_]*\.h' "$src" && ! grep -q '^#include "include/device.h"' "$src"; then
      for storage in F32 F64 BF16 F16; do
        if grep -q "^// Not for [^:]*$storage" "$src"; then continue; fi
        low=$(echo $storage | tr A-Z a-z)
        compile "$src" "$arch" "$ptx" "ptx/$arch/$base.$low.ptx" -DSTORAGE_$storage
      done
    else
      compile "$src" "$arch" "$ptx" "ptx/$arch/$base.ptx"
    fi
  done
done
