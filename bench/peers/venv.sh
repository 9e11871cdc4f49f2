#!/bin/sh
# venv.sh DIR: makes a Python environment with the peers in DIR. A peer that cannot be
# installed here is said and left out; numpy, scipy and scikit-learn must be had.
set -eu
dir=$1
here=$(cd "$(dirname "$0")" && pwd)
[ -x "$dir/bin/python" ] || python3 -m venv "$dir"
have=$("$dir/bin/pip" list --format=freeze 2>/dev/null)
while read -r wanted; do
	name=${wanted%%==*}
	case "$have" in *"$wanted"*) continue ;; esac
	echo "installing $wanted" >&2
	"$dir/bin/pip" install --quiet --disable-pip-version-check "$wanted" || case $name in
	numpy | scipy | scikit-learn)
		echo "venv.sh: $name is needed to judge and to compare, and cannot be installed" >&2
		exit 1
		;;
	*) echo "venv.sh: $name cannot be installed here; the comparison goes without it" >&2 ;;
	esac
done <"$here/requirements.txt"
