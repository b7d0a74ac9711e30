# shellcheck shell=bash
# Sourced by the scripts that make test fixtures: a TPM of their own (swtpm), for as long as they run.
#
#   need PROGRAM...     ends the script if one is missing
#   start_tpm           starts swtpm on $work/state, where swtpm_setup has made a TPM, and points tpm2-tools at it
#
# $work is a temporary folder that goes with the script.

need() {
	local program
	for program in swtpm swtpm_setup "$@"; do
		command -v "$program" >/dev/null || {
			echo "$(basename "$0" .sh): $program is missing" >&2
			exit 1
		}
	done
}

work=$(mktemp -d)
mkdir "$work/state"
swtpm_pid=
cleanup() {
	[ -z "$swtpm_pid" ] || kill "$swtpm_pid" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

start_tpm() {
	# The control port must be the one after: that is where the TSS looks for it.
	local port=$((20000 + RANDOM % 10000))
	swtpm socket --tpm2 --tpmstate dir="$work/state" --flags not-need-init,startup-clear \
		--server type=tcp,port=$port,bindaddr=127.0.0.1 --ctrl type=tcp,port=$((port + 1)),bindaddr=127.0.0.1 \
		>"$work/swtpm.log" 2>&1 &
	swtpm_pid=$!
	export TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=$port
	for _ in $(seq 50); do
		tpm2_getrandom --hex 4 >/dev/null 2>&1 && return
		sleep 0.1
	done
	echo "$(basename "$0" .sh): swtpm does not answer: $(cat "$work/swtpm.log")" >&2
	exit 1
}
