#!/usr/bin/env bash
# Measures the calls and hooks of this project's pallets, and writes their weights: runtime/src/weights/*.rs.
#
#   scripts/weights.sh              every pallet of ours
#   scripts/weights.sh pallet_poet  one
#
# Run it on the machine that weights are to hold for, with nothing beside it. It builds the runtime with its benchmarks,
# and a program to run them (tools/bencher, half an hour the first time, in a folder of its own below the target folder).
# The next build of the node compiles the runtime again, without them.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

PALLETS=(pallet_admission pallet_attestation pallet_bridge pallet_poet pallet_trust)
case "${1:-}" in
--help | -h)
	usage
	exit 0
	;;
-*) die "weights.sh does not know the option '$1'" "Try scripts/weights.sh --help" ;;
"") ;;
*) PALLETS=("$@") ;;
esac

setup
cd "$ELAPSE_ROOT"
target="$(target_dir)"
say "building the runtime with its benchmarks"
cargo build --release --locked --package elapse-runtime --features runtime-benchmarks
say "building the program that runs them"
# The tool brings a runtime of its own, for benchmarks of databases; that is not needed here.
SKIP_WASM_BUILD=1 cargo build --release --locked --manifest-path tools/bencher/Cargo.toml --target-dir "$target/bencher"
# The files say with what command they were made: no paths of this machine in it.
cd "$target"
for pallet in "${PALLETS[@]}"; do
	say "$pallet"
	bencher/release/elapse-bencher pallet \
		--runtime=release/wbuild/elapse-runtime/elapse_runtime.wasm \
		--genesis-builder=runtime \
		--genesis-builder-preset=development \
		--pallet="$pallet" \
		--extrinsic='*' \
		--steps=50 \
		--repeat=20 \
		--hostname-override="-" \
		--output="$pallet.rs"
	# The tool's command is what it was called with; people call this script.
	sed '/^\/\/ Executed Command:/a // scripts/weights.sh '"$pallet" "$pallet.rs" >"$ELAPSE_ROOT/runtime/src/weights/$pallet.rs"
	rm "$pallet.rs"
done
