#!/bin/sh
# env.sh: prints the environment of a build with CUDA, for eval, or says what is
# missing and exits 1: build with -tags cpu then.
#
#	eval "$(cuda/driver/libcuda/env.sh)" && CGO_ENABLED=1 go build ./cmd/logreg-gpu
#
# Such a build needs a C compiler, and cuda.h of CUDA 11.7 to 12.9 for gorgonia.org/cu
# (that of CUDA 13 does not fit it). The header comes from a local toolkit, or else
# from NVIDIA's wheel on PyPI, 0.9 MB, fetched into .cache of the repository. Neither
# a driver nor libcuda is needed.
set -eu

wheel='nvidia-cuda-runtime-cu12==12.4.127 --hash=sha256:64403288fa2136ee8e467cdc9c9427e0434110899d07c779f25b5c068934faa5'
cache=$(cd "$(dirname "$0")/../../.." && pwd)/.cache/cuda-headers
fetched=$cache/nvidia/cuda_runtime/include

fail() {
	echo "no CUDA in this build: $1" >&2
	exit 1
}

# fits DIR: whether DIR holds a cuda.h that cu compiles with.
fits() {
	[ -r "$1/cuda.h" ] || return 1
	version=$(awk '$1 == "#define" && $2 == "CUDA_VERSION" { print $3; exit }' "$1/cuda.h")
	[ "${version:-0}" -ge 11070 ] && [ "${version:-0}" -lt 13000 ]
}

# Optimised, and quiet: the newer headers deprecate much of what cu wraps.
found() {
	echo "export CGO_CFLAGS=\"-O2 -g -w '-I$1'\""
	exit
}

[ "$(uname -sm)" = "Linux x86_64" ] || fail "it needs linux/amd64, this is $(uname -sm)"
command -v "${CC:-gcc}" >/dev/null || fail "it needs a C compiler, ${CC:-gcc} is not here"
for dir in ${CUDA_HOME:+"$CUDA_HOME/include"} /usr/local/cuda/include /opt/cuda/include /usr/include "$fetched"; do
	if fits "$dir"; then found "$dir"; fi
done

missing="cuda.h of CUDA 11.7 to 12.9 is not here"
command -v python3 >/dev/null || fail "$missing, nor is python3 to fetch it with"
new=$cache.$$
trap 'rm -rf "$new"' EXIT
mkdir -p "$new"
echo "$wheel" >"$new/wheel.txt"
echo "fetching cuda.h (${wheel%% *}, 0.9 MB) from PyPI" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
	--require-hashes --platform manylinux2014_x86_64 -d "$new" -r "$new/wheel.txt" >"$new/log" 2>&1 ||
	fail "$missing, and pip cannot fetch it: $(tail -n 1 "$new/log")"
python3 -m zipfile -e "$new"/*.whl "$new"
fits "$new/nvidia/cuda_runtime/include" || fail "$missing, and NVIDIA's wheel does not hold it"
rm -rf "$cache"
mv "$new" "$cache"
found "$fetched"
