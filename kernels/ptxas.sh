#!/bin/bash
# Assembles every PTX file for its target, those of sm_80 for sm_90 too, prints the table of registers and shared memory
# (docs/kernels-table.md) and fails when a kernel spills.
# PTXAS names NVIDIA's assembler of CUDA 12.4; without it the one on the PATH of that
# version is taken, or NVIDIA's wheel is fetched from PyPI (22 MB) into .cache.
set -euo pipefail

wheel='nvidia-cuda-nvcc-cu12==12.4.131 --hash=sha256:e4c9a35435c3b0e36c6397c5696334c9ea6650e524736cbd1c5d345ea099bb04'
cd "$(dirname "$0")"
cache=$(cd .. && pwd)/.cache/ptxas
table=../docs/kernels-table.md

# Not piped into grep -q, which stops reading and so can make pipefail see a failure.
fits() { [ -x "$1" ] && [[ $("$1" --version) == *'release 12.4'* ]]; }
ptxas=${PTXAS:-$(command -v ptxas || true)}
if [ -z "${PTXAS:-}" ] && ! fits "$ptxas"; then
	ptxas=$cache/nvidia/cuda_nvcc/bin/ptxas
	if ! fits "$ptxas"; then
		new=$cache.$$
		trap 'rm -rf "$new"' EXIT
		mkdir -p "$new"
		echo "$wheel" >"$new/wheel.txt"
		echo "fetching ptxas (${wheel%% *}, 22 MB) from PyPI" >&2
		python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
			--require-hashes --platform manylinux2014_x86_64 -d "$new" -r "$new/wheel.txt" >&2
		python3 -m zipfile -e "$new"/*.whl "$new"
		chmod +x "$new/nvidia/cuda_nvcc/bin/ptxas"
		rm -rf "$cache"
		mv "$new" "$cache"
	fi
fi
fits "$ptxas" || { echo "kernels/ptxas.sh: $ptxas is not ptxas of CUDA 12.4" >&2; exit 1; }

# One line a kernel and target: entry target registers static-shared spill-stores spill-loads
assemble() {
	for arch in sm_75 sm_80 sm_90; do
		for file in ptx/"${arch/sm_90/sm_80}"/*.ptx; do
			"$ptxas" -v -arch="$arch" "$file" -o /dev/null 2>&1 || { echo "kernels/ptxas.sh: $file does not assemble for $arch" >&2; return 1; }
		done
	done | awk '
		/Compiling entry function/ { split($0, q, "\x27"); entry = q[2]; arch = q[4] }
		/bytes spill stores/ { for (i = 1; i < NF; i++) { if ($(i+1) == "bytes" && $(i+2) == "spill") { if ($(i+3) ~ /stores/) stores = $i; else loads = $i } } }
		/Used [0-9]+ registers/ {
			regs = smem = 0
			for (i = 1; i < NF; i++) { if ($(i+1) ~ /^registers/) regs = $i; if ($(i+2) ~ /^smem/) smem = $i }
			print entry, arch, regs, smem, stores, loads
		}'
}

assembled=$(assemble)
awk '
	BEGIN {
		print "# Registers and shared memory of the kernels\n"
		print "Written by `make ptxas` with ptxas of CUDA 12.4: registers a thread and static shared bytes a block, from"
		print "the PTX for sm_75 and, for sm_80 and sm_90, that for sm_80; no kernel spills. Dynamic shared memory and launch bounds are in the head of each `.cu` file."
		print "What the kernels move and how fast they should be: [kernels.md](kernels.md).\n"
		print "| kernel | sm_75 | sm_80 | sm_90 | static shared |\n|---|---|---|---|---|"
	}
	{
		if (!($1 in shared)) order[++n] = $1
		regs[$1, $2] = $3
		if ($4 > shared[$1] + 0) shared[$1] = $4; else shared[$1] += 0
	}
	END {
		for (i = 1; i <= n; i++) {
			e = order[i]
			line = "| " e
			for (t = 1; t <= 3; t++) { k = e SUBSEP "sm_" (t == 1 ? 75 : t == 2 ? 80 : 90); line = line " | " (k in regs ? regs[k] : "-") }
			print line " | " shared[e] " |"
		}
	}' <(LC_ALL=C sort -s -k1,1 <<<"$assembled") | tee "$table"
spills=$(awk '$5 + $6 > 0 { print $1 " for " $2 " spills " $5 " + " $6 " bytes" }' <<<"$assembled")
[ -z "$spills" ] || { echo "$spills" >&2; exit 1; }
