#!/bin/sh
# bundle.sh [--cpu] [DIR]: builds all that gpu-check.sh needs on a machine with a GPU
# but without Go, network or CUDA toolkit, into DIR (bin/gpu-check) and DIR.tar.gz.
# --cpu leaves the CUDA binding out, which tries the script itself with another backend.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

tags=
if [ "${1:-}" = --cpu ]; then
	shift
	tags="-tags=cpu"
	export CGO_ENABLED=0
else
	env=$(cuda/driver/libcuda/env.sh)
	eval "$env"
	export CGO_ENABLED=1
fi
out=${1:-bin/gpu-check}
version=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)
ldflags="-s -w -X main.version=$version"

rm -rf "$out"
mkdir -p "$out"
go build $tags -ldflags "$ldflags" -o "$out/logreg-gpu" ./cmd/logreg-gpu
go build $tags -ldflags "$ldflags" -o "$out/measure" ./bench/gpu/measure
go test -c $tags -ldflags "-s -w" -o "$out/parity.test" ./bench/gpu/parity
cp bench/gpu-check.sh bench/gpu/torch_eval.py "$out"
tar -C "$(dirname "$out")" -czf "$out.tar.gz" "$(basename "$out")"
echo "$out.tar.gz"
