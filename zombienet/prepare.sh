#!/usr/bin/env bash
# Makes what the networks in this folder need before zombienet can start them: for each node a provisioned software
# TPM with its keys, and the chain specification that has these nodes as members.
#
#   zombienet/prepare.sh [FOLDER]     below /tmp/elapse-zombienet, unless a folder is given
#
# Afterwards: zombie-cli spawn --provider native zombienet/local.toml. README.md in this folder explains the steps.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/setup.sh"
if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then
	usage
	exit 0
fi

folder="${1:-/tmp/elapse-zombienet}"
program="$(target_dir)/release"
setup
say "Building elapse-node and elapse-network"
(cd "$ELAPSE_ROOT" && cargo build --release --locked --workspace --bin elapse-node --bin elapse-network)
say "Provisioning four nodes in $folder"
"$program/elapse-network" 4 --base "$folder" --provision-only
ln -sf "$program/elapse-node" "$folder/elapse-node"
ln -sf "$ELAPSE_ROOT/zombienet/node.sh" "$folder/node"
say "Ready. Start the network with:"
note "zombie-cli spawn --provider native zombienet/local.toml"
[[ "$folder" == /tmp/elapse-zombienet ]] || note "after putting $folder in place of /tmp/elapse-zombienet there"
