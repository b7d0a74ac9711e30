#!/usr/bin/env bash
# Shows the whole path to the Elastos Smart Chain (ESC), on this machine, in about five minutes: four members and a machine
# that nobody knows, each with its own software TPM; an EVM as strict as ESC with the contracts; and a relayer.
#
# Checkpoints are signed and land, one after the other. The newcomer is questioned, let in and examined, and the signers
# change hands on the contract, set after set, while the relayer is killed and ESC is reorganised under it. In the end
# somebody who trusts ESC alone proves the newcomer's score: to a contract that opens a door, and with two programs.
#
#   scripts/anchor.sh             all of that
#   scripts/anchor.sh NAME        another test of running nodes whose name contains NAME, such as checkpoints_are_certified
#
# It needs node 20.19 or newer and npm; what else is missing it installs, and says so. What it prints is the test's own
# account: what is awaited, what the chains say, how long it took. Ctrl-C ends all of it: no process stays behind.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

case "${1:-a_newcomers_score}" in
--help | -h)
	usage
	exit 0
	;;
-*) die "anchor.sh does not know the option '$1'" "Try scripts/anchor.sh --help" ;;
*) name="${1:-a_newcomers_score}" ;;
esac

# What it printed matters only if it fails.
quietly() {
	local output
	output="$("$@" 2>&1)" || {
		printf '%s\n' "$output" >&2
		die "'$*' failed" "The reason stands above."
	}
}

setup --tests
version="$(node --version 2>/dev/null || true)"
setup_at_least "${version#v}" 20.19 ||
	die "node 20.19 or newer is needed, and it is ${version:-not there}" \
		"https://nodejs.org has it, where the distribution's is older."
cd "$ELAPSE_ROOT"
say "Compiling the contracts, and the client for browsers"
quietly contracts/test.sh --compile
quietly web/test.sh --build
say "Building the node, the relayer and the test"
cargo build --release --locked --workspace --all-targets
exec cargo test --release --locked --workspace --test network -- --nocapture --test-threads=1 "$name"
