# shellcheck shell=bash
# What the scripts share. Sourced, never run.

ELAPSE_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Colours only for people.
if [[ -t 2 && -z "${NO_COLOR:-}" ]]; then
	BOLD=$'\e[1m' RED=$'\e[31m' RESET=$'\e[0m'
else
	BOLD='' RED='' RESET=''
fi

# Everything that the scripts say goes to standard error, so that a caller can use standard output.
say() { printf '%s==>%s %s\n' "$BOLD" "$RESET" "$*" >&2; }
note() { printf '    %s\n' "$*" >&2; }
die() {
	printf '%serror:%s %s\n' "$RED" "$RESET" "$1" >&2
	shift
	local line
	for line in "$@"; do printf '       %s\n' "$line" >&2; done
	exit 1
}

# The comment at the top of the script that calls, without its `#`.
usage() { sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[1]}"; }

# Where Cargo puts what it builds, as an absolute path.
target_dir() {
	local dir="${CARGO_TARGET_DIR:-$ELAPSE_ROOT/target}"
	[[ "$dir" == /* ]] || dir="$PWD/$dir"
	printf '%s\n' "$dir"
}

# 83 -> 1:23, 4983 -> 1:23:03
duration() {
	local s=$1
	if ((s >= 3600)); then
		printf '%d:%02d:%02d' $((s / 3600)) $((s % 3600 / 60)) $((s % 60))
	else
		printf '%d:%02d' $((s / 60)) $((s % 60))
	fi
}
