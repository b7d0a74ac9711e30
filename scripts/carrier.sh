#!/usr/bin/env bash
# Shows the trusted carrier at work, on this machine, in about five minutes: five members, and three machines that nobody
# knows, each with its own software TPM. The three apply, are questioned, judged and let in, author blocks and attest.
# Then the policy that one was let in under is taken away, and it leaves; the owner of another forges evidence, and is suspended.
#
#   scripts/carrier.sh            all of that
#   scripts/carrier.sh NAME       another test of running nodes whose name contains NAME, such as who_is_silent or a_halt
#
# What it prints is the test's own account: what is awaited, what the chain says, how long it took.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

case "${1:-five_members}" in
--help | -h)
	usage
	exit 0
	;;
-*) die "carrier.sh does not know the option '$1'" "Try scripts/carrier.sh --help" ;;
*) name="${1:-five_members}" ;;
esac

setup --tests
cd "$ELAPSE_ROOT"
say "Building the node and the test"
cargo build --release --locked --workspace --all-targets
exec cargo test --release --locked --workspace --test network -- --nocapture --test-threads=1 "$name"
