#!/bin/sh
# gpu-check.sh: what a machine with a GPU should run, in under ten minutes: the parity
# suite on the real device, a small fit beside the CPU's and under compute-sanitizer,
# a plain read of the device's memory, one pass of loss and gradient in every number
# format, and PyTorch on the same shapes. Results go to DIR/<gpu>-<date>.json and .md.
#
#	gpu-check.sh [--backend cuda] [--tiny] [-o DIR]
#
# It needs what bench/gpu/bundle.sh builds, beside itself or in bin/gpu-check of the
# repository (where it builds that if Go is here), and no network. PyTorch and
# compute-sanitizer are used where they are; the report says where they are not.
# --backend cuda-emu --tiny tries the script itself without a GPU.
set -eu

usage() {
	echo "usage: gpu-check.sh [--backend cuda] [--tiny] [-o DIR]" >&2
	exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
backend=cuda
tiny=
out=
while [ $# -gt 0 ]; do
	case $1 in
	--backend) backend=${2:?$(usage)} && shift 2 ;;
	--tiny) tiny=yes && shift ;;
	-o) out=${2:?$(usage)} && shift 2 ;;
	*) usage ;;
	esac
done

if [ -x "$here/measure" ]; then
	bin=$here
	out=${out:-$PWD/results}
else
	bin=$here/../bin/gpu-check
	out=${out:-$here/results}
	if [ ! -x "$bin/measure" ]; then
		command -v go >/dev/null || {
			echo "gpu-check.sh: $bin is not built; run bench/gpu/bundle.sh where Go is and copy its archive here" >&2
			exit 1
		}
		"$here/gpu/bundle.sh" "$bin" >&2
	fi
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$out/log

say() { printf '== %s\n' "$*" >&2; }

# The device first: without one, its reason is all there is to say.
"$bin/logreg-gpu" train builtin:breast_cancer --standardize --backend "$backend" --json \
	>"$work/device.json" 2>"$work/device.txt" || {
	cat "$work/device.txt" >&2
	exit 1
}

mkdir -p "$log"
failed=
set -- # the checks, as arguments of measure report

# outcome NAME RESULT...: notes how a check went; RESULT beginning with FAILED counts.
outcome() {
	name=$1
	shift
	case $* in FAILED*) failed="$failed $name" ;; esac
	say "$name: $*"
	printf '%s: %s\n' "$name" "$*" >>"$work/checks"
}

say "fit on the device and on the CPU"
"$bin/logreg-gpu" train builtin:breast_cancer --standardize --backend cpu-reference --json >"$work/cpu.json"
objective() { grep -o '"objective": *[-0-9.e+]*' "$1" | sed 's/.*: *//'; }
if awk -v a="$(objective "$work/device.json")" -v b="$(objective "$work/cpu.json")" \
	'BEGIN { exit !(a != "" && (a - b) ^ 2 <= (1e-5 * b) ^ 2) }'; then
	outcome fit "objective $(objective "$work/device.json"), the CPU's within 1e-5"
else
	outcome fit "FAILED: objective $(objective "$work/device.json"), the CPU's $(objective "$work/cpu.json")"
fi

say "parity suite"
only=.
[ -z "$tiny" ] || only='P5/(Skip|NotFinite|Malformed|Close)' # the quick ones
if "$bin/parity.test" -test.v -test.timeout 4m -test.run "$only" -backend "$backend" >"$log/parity.txt" 2>&1; then
	outcome "parity suite" "$(grep -c -- '--- PASS' "$log/parity.txt") tests passed"
else
	outcome "parity suite" "FAILED: $(grep -c -- '--- FAIL' "$log/parity.txt") tests, see log/parity.txt"
fi

say "compute-sanitizer"
sanitizer=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
if [ "$backend" != cuda ]; then
	outcome compute-sanitizer "left out: $backend runs no code on a GPU"
elif [ ! -x "$sanitizer" ]; then
	outcome compute-sanitizer "left out: not installed"
else
	for tool in memcheck racecheck initcheck synccheck; do
		status=0
		timeout 45 "$sanitizer" --tool "$tool" --error-exitcode 3 "$bin/logreg-gpu" train builtin:breast_cancer \
			--standardize --backend "$backend" --json >"$log/$tool.txt" 2>&1 || status=$?
		case $status in
		0) outcome "$tool" "no errors" ;;
		124) outcome "$tool" "left out: longer than 45 s" ;;
		*) outcome "$tool" "FAILED: see log/$tool.txt" ;;
		esac
	done
fi

# Eight gigabytes of float32, so that a call is long beside its launch; less where
# the host could not hold it, or, which measure finds out, the device.
elements=2147483648
[ "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)" -ge 33554432 ] || elements=536870912
cols=28,128,1024,8192
each=0.5
if [ -n "$tiny" ]; then
	elements=8192
	cols=28,128
	each=0.001
fi

say "passes over X against a plain read"
"$bin/measure" run -backend "$backend" -elements "$elements" -cols "$cols" -each "${each}s" -o "$work/measured.json"
elements=$(grep -o '"elements": *[0-9]*' "$work/measured.json" | grep -o '[0-9]*$')

say "PyTorch"
torch=
device=cuda
[ "$backend" = cuda ] || device=cpu
if ! python3 -c 'import torch' 2>/dev/null; then
	outcome PyTorch "left out: not installed"
elif timeout 150 python3 "$bin/torch_eval.py" --until 110 --device "$device" --elements "$elements" --cols "$cols" \
	--each "$each" -o "$work/torch.json" >"$log/torch.txt" 2>&1; then
	outcome PyTorch "timed"
else
	outcome PyTorch "broke off, see log/torch.txt"
fi
[ ! -s "$work/torch.json" ] || torch=$work/torch.json

while read -r line; do
	set -- "$@" -check "$line"
done <"$work/checks"
"$bin/measure" report -measured "$work/measured.json" ${torch:+-torch "$torch"} "$@" -o "$out"
[ -z "$failed" ] || {
	echo "gpu-check.sh: failed:$failed" >&2
	exit 1
}
