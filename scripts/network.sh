#!/usr/bin/env bash
# Runs a network of several nodes on this machine, each with its own software TPM.
#
#   scripts/network.sh 4                            four nodes of equal weight
#   scripts/network.sh 4 --weights 4,3,2,1          unequal ones
#   scripts/network.sh 4 --base ~/net               keep the chain there; the next start with it goes on
#   scripts/network.sh 4 --target-ms 6000           blocks every 6 s
#
# Each node's chip is provisioned, the chain specification is built from the identities that this gave, and the nodes
# are started; their logs come out together, each line with its node's name before it. Ctrl-C ends all of them.
# All options: scripts/network.sh --options
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

case "${1:---help}" in
--help | -h)
	usage
	exit 0
	;;
--options) set -- --help ;;
esac

setup
say "Building elapse-node and elapse-network"
(cd "$ELAPSE_ROOT" && cargo build --release --locked --workspace --bin elapse-node --bin elapse-network)
exec "$(target_dir)/release/elapse-network" "$@"
