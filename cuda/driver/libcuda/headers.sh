#!/bin/sh
# headers.sh: prints a directory that holds cuda.h of CUDA 11.7 to 12.9, which
# gorgonia.org/cu needs to compile (those of CUDA 13 do not fit it). It takes a local
# toolkit's, or else fetches NVIDIA's header wheel from PyPI, 0.9 MB, into .cache of
# the repository. Where neither is to be had it says so and exits 1: build with
# -tags cpu then.
#
#	CGO_CFLAGS="-O2 -w -I$(cuda/driver/libcuda/headers.sh)" go build ./cmd/logreg-gpu
set -eu

wheel='nvidia-cuda-runtime-cu12==12.4.127 --hash=sha256:64403288fa2136ee8e467cdc9c9427e0434110899d07c779f25b5c068934faa5'
cache=$(cd "$(dirname "$0")/../../.." && pwd)/.cache/cuda-headers
fetched=$cache/nvidia/cuda_runtime/include

fail() {
	echo "no CUDA headers: $1; building for the CPU alone (-tags cpu)" >&2
	exit 1
}

# fits DIR: whether DIR holds a cuda.h that cu compiles with.
fits() {
	[ -r "$1/cuda.h" ] || return 1
	version=$(awk '$1 == "#define" && $2 == "CUDA_VERSION" { print $3; exit }' "$1/cuda.h")
	[ "${version:-0}" -ge 11070 ] && [ "${version:-0}" -lt 13000 ]
}

[ "$(uname -sm)" = "Linux x86_64" ] || fail "CUDA needs linux/amd64, this is $(uname -sm)"
for dir in ${CUDA_HOME:+"$CUDA_HOME/include"} /usr/local/cuda/include /opt/cuda/include /usr/include "$fetched"; do
	if fits "$dir"; then
		echo "$dir"
		exit
	fi
done

command -v python3 >/dev/null || fail "no toolkit of CUDA 11.7 to 12.9 here, and no python3 to fetch NVIDIA's wheel with"
new=$cache.$$
trap 'rm -rf "$new"' EXIT
mkdir -p "$new"
echo "$wheel" >"$new/wheel.txt"
echo "fetching the CUDA headers (${wheel%% *}, 0.9 MB) from PyPI" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
	--require-hashes --platform manylinux2014_x86_64 -d "$new" -r "$new/wheel.txt" >"$new/log" 2>&1 ||
	fail "no toolkit of CUDA 11.7 to 12.9 here, and pip could not fetch NVIDIA's wheel: $(tail -n 1 "$new/log")"
python3 -m zipfile -e "$new"/*.whl "$new"
fits "$new/nvidia/cuda_runtime/include" || fail "NVIDIA's wheel does not hold the cuda.h it should"
rm -rf "$cache"
mv "$new" "$cache"
echo "$fetched"
