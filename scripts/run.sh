#!/usr/bin/env bash
# Builds the node and runs a development chain: one node with its own software TPM, blocks every 2 s.
#
#   scripts/run.sh                          a chain that is forgotten when it ends
#   scripts/run.sh --base-path ~/my-chain   one that goes on at the next start
#   scripts/run.sh --chain local ...        any option of `elapse-node`; --dev is then left out
#   scripts/run.sh tpm bench                any command of `elapse-node`
#
# What the machine lacks is installed first (see scripts/setup.sh). Ctrl-C ends the chain. Cargo builds into target/, or
# into CARGO_TARGET_DIR if that is set. The node's own options: scripts/run.sh --node-help
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

mode=(--dev)
case "${1:-}" in
--help | -h)
	usage
	exit 0
	;;
--node-help)
	mode=()
	set -- --help
	;;
[a-z]*) mode=() ;; # a command
esac
for argument in "$@"; do
	case "$argument" in
	--chain | --chain=* | --dev) mode=() ;;
	esac
done

setup
# --workspace: the same feature selection as for everything else, so that no dependency is compiled twice.
say "Building elapse-node (the first build takes about half an hour on two cores, the next ones seconds)"
(cd "$ELAPSE_ROOT" && cargo build --release --locked --workspace --bin elapse-node)
if ((${#mode[@]})); then
	say "Starting a development chain. Ctrl-C ends it."
fi
exec "$(target_dir)/release/elapse-node" "${mode[@]}" "$@"
