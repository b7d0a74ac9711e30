#!/usr/bin/env bash
# Runs every test of the project, after installing what the machine lacks for them (see scripts/setup.sh).
#
#   scripts/test.sh             everything that one selection of features has
#   scripts/test.sh --quick     rustfmt, build, clippy, unit and integration tests: no networks of nodes, no contracts, no
#                               client library, no cargo deny
#   scripts/test.sh --features  everything, and what other selections of features have: benchmarks of pallets and runtime,
#                               try-runtime, the metadata's hash, and the workspaces beside this one (benches, fuzz,
#                               tools/bencher). They compile much of the SDK once more for it: an hour the first time
#
# Every step is timed; a step that fails does not stop the others, unless they build on it. The last line says how many
# checks passed, failed and were skipped; the exit status is 0 only if none failed. A test that could look at nothing on
# this machine counts as skipped, and is named with its reason. What each step printed stays in <target>/test-logs. Cargo
# builds into target/, or into CARGO_TARGET_DIR if that is set.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

QUICK= FEATURES=
for argument in "$@"; do
	case "$argument" in
	--quick) QUICK=yes ;;
	--features) FEATURES=yes ;;
	--help | -h)
		usage
		exit 0
		;;
	*) die "test.sh does not know the option '$argument'" "Try scripts/test.sh --help" ;;
	esac
done

# One feature selection for all commands, so that no dependency is compiled twice: always --workspace.
CARGO_DENY_VERSION=^0.20
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-auto}"
cd "$ELAPSE_ROOT"
logs="$(target_dir)/test-logs"
mkdir -p "$logs"
rm -f "$logs"/*.log "$logs"/*.skipped "$logs"/*.ended

PASSED=0 FAILED=0 SKIPPED=0
ROWS=()
# Tests that could look at nothing, with their reasons.
LOOKED_AT_NOTHING=()

row() { # name, result, seconds, remark
	ROWS+=("$(printf '%-33s %-8s %8s  %s' "$1" "$2" "$([[ -n "$3" ]] && duration "$3")" "$4")")
}

# A step that counts as one check.
step() { # name, command...
	local name=$1 begun=$SECONDS status=0 log
	shift
	log="$logs/${name//[^a-z0-9]/-}.log"
	say "$name"
	if "$@" </dev/null 2>&1 | tee "$log"; then :; else status=${PIPESTATUS[0]}; fi
	if ((status == 0)); then
		PASSED=$((PASSED + 1))
		row "$name" passed $((SECONDS - begun)) ""
	else
		FAILED=$((FAILED + 1))
		row "$name" FAILED $((SECONDS - begun)) "exit status $status, see $log"
	fi
	return "$status"
}

skip() { # name, reason
	say "$1: skipped, $2"
	SKIPPED=$((SKIPPED + 1))
	row "$1" skipped "" "$2"
}

# A step whose tests are counted one by one, from the closing lines of Cargo's test runner. A test that can look at nothing
# on this machine passes there, and writes a line `<test>: <reason>` to the file that ELAPSE_SKIPPED names
# (primitives/tpm/tests/common/skipped.rs).
tests() { # name, cargo test arguments...
	local name=$1 begun=$SECONDS status=0 log skips passed failed skipped here line
	shift
	log="$logs/${name//[^a-z0-9]/-}.log"
	skips="${log%.log}.skipped"
	: >"$skips"
	say "$name"
	if ELAPSE_SKIPPED="$skips" cargo test --release --locked "$@" </dev/null 2>&1 | tee "$log"; then :; else
		status=${PIPESTATUS[0]}
	fi
	read -r passed failed skipped < <(awk '/^test result: /{ p += $4; f += $6; s += $8 } END { print p + 0, f + 0, s + 0 }' \
		"$log")
	# A test may ask for what it lacks more than once.
	here="$(awk '!seen[$1]++ { n++ } END { print n + 0 }' "$skips")"
	passed=$((passed - here)) skipped=$((skipped + here))
	while IFS= read -r line; do LOOKED_AT_NOTHING+=("$line"); done < <(awk '!seen[$1]++' "$skips")
	# It did not compile, or a test took its whole process down.
	if ((status != 0 && failed == 0)); then failed=1; fi
	if ((status == 0 && passed == 0)); then
		say "$name: not one test was run"
		status=1 failed=1
	fi
	PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
	local result=passed remark="$passed passed, $failed failed, $skipped skipped"
	if ((status != 0)); then
		result=FAILED remark+=", see $log"
	fi
	row "$name" "$result" $((SECONDS - begun)) "$remark"
	return "$status"
}

# The own scripts of what is written for node, beside whatever runs next and one after the other; the last line of each
# counts its tests.
SCRIPTS=(contracts web)
SCRIPTS_PID=''
can_try_scripts() {
	node -e 'const [a, b] = process.versions.node.split(".");
		process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}
begin_scripts() {
	can_try_scripts || return 0
	(
		for name in "${SCRIPTS[@]}"; do
			begun=$SECONDS status=0
			"$name/test.sh" </dev/null >"$logs/$name.log" 2>&1 || status=$?
			echo "$status $((SECONDS - begun))" >"$logs/$name.ended"
		done
	) &
	SCRIPTS_PID=$!
}
end_scripts() {
	local name status took passed failed skipped result remark all=0
	if [[ -z "$SCRIPTS_PID" ]]; then
		for name in "${SCRIPTS[@]}"; do skip "$name" "node 20.19 or newer is needed, and is not here"; done
		return 0
	fi
	wait "$SCRIPTS_PID" || true
	for name in "${SCRIPTS[@]}"; do
		say "$name"
		cat "$logs/$name.log"
		read -r status took <"$logs/$name.ended"
		read -r passed failed skipped < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed\(, \([0-9]*\) skipped\)\?$/\1 \2 \4/p' \
			"$logs/$name.log" | tail -n 1) || true
		passed=${passed:-0} failed=${failed:-0} skipped=${skipped:-0} result=passed
		if ((status != 0 && failed == 0)); then failed=1; fi
		if ((status == 0 && passed == 0)); then status=1 failed=1; fi
		PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
		remark="$passed passed, $failed failed, $skipped skipped"
		if ((status != 0)); then
			result=FAILED all=1
			remark+=", see $logs/$name.log"
		fi
		row "$name" "$result" "$took" "$remark"
	done
	return "$all"
}

# cargo deny: the one on the PATH if it can read deny.toml, else one of our own, compiled once and kept in the target
# folder.
CARGO_DENY=
find_cargo_deny() {
	local tools
	tools="$(target_dir)/tools"
	if [[ -x "$tools/bin/cargo-deny" ]]; then
		CARGO_DENY="$tools/bin/cargo-deny"
	elif [[ "$(cargo-deny --version 2>/dev/null)" == "cargo-deny 0.2"?.* ]]; then
		CARGO_DENY=cargo-deny
	else
		return 1
	fi
}
install_cargo_deny() {
	local tools
	tools="$(target_dir)/tools"
	mkdir -p "$tools"
	# It runs for seconds: compiled quickly, not well.
	env CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
		CARGO_TARGET_DIR="$tools/build" \
		cargo install --locked --root "$tools" --version "$CARGO_DENY_VERSION" cargo-deny || return
	rm -rf "$tools/build"
}

begun=$SECONDS
setup --tests
row "set-up" "" $((SECONDS - begun)) ""

# The workspaces beside this one are formatted like it; what else is done with them is below.
BESIDE=(benches fuzz tools/bencher)
check_format() {
	local manifest status=0
	cargo fmt --all -- --check || status=1
	for manifest in "${BESIDE[@]}"; do
		cargo fmt --manifest-path "$manifest/Cargo.toml" -- --check --config-path "$ELAPSE_ROOT" || status=1
	done
	return "$status"
}
step "rustfmt" check_format || note "to mend it: cargo fmt, with --all here, and in ${BESIDE[*]}"

built=yes
step "build" cargo build --release --locked --workspace --all-targets || built=
step "clippy" cargo clippy --release --locked --workspace --all-targets -- -D warnings || true
if [[ -n "$built" ]]; then
	# Relayers are tried against the contract, and what lands against the client library; without them such tests are
	# skipped.
	if [[ -z "$QUICK" ]] && can_try_scripts; then
		step "compiling contracts" contracts/test.sh --compile || true
		step "building the client library" web/test.sh --build || true
	fi
	# The networks of nodes have a step of their own below.
	tests "unit and integration tests" --workspace -- --skip running_nodes:: || true
else
	skip "unit and integration tests" "the build failed"
fi

if [[ -n "$QUICK" ]]; then
	skip "multi-node tests" "--quick"
	for name in "${SCRIPTS[@]}"; do skip "$name" "--quick"; done
	skip "cargo deny" "--quick"
else
	# Networks wait for their blocks most of the time; meanwhile contracts and client library are tried.
	begin_scripts
	if [[ -n "$built" ]]; then
		tests "multi-node tests" --workspace --test network -- --nocapture --test-threads=6 || true
	else
		skip "multi-node tests" "the build failed"
	fi
	end_scripts || true

	if find_cargo_deny || { step "building cargo deny" install_cargo_deny && find_cargo_deny; }; then
		for check in licenses bans sources; do
			step "cargo deny: $check" "$CARGO_DENY" --locked check --hide-inclusion-graph "$check" || true
		done
		if timeout 120 "$CARGO_DENY" fetch db >"$logs/advisory-database.log" 2>&1 </dev/null; then
			step "cargo deny: advisories" "$CARGO_DENY" --locked --offline check --hide-inclusion-graph advisories || true
		else
			skip "cargo deny: advisories" "the advisory database cannot be reached from here"
		fi
	else
		# Licences, bans and sources were not looked at: that is a failure, and `building cargo deny` counted it.
		note "without cargo deny nobody looked at licences, bans and sources"
		skip "cargo deny: advisories" "there is no cargo deny"
	fi
fi

# Other selections of features, each of which compiles much of the SDK once more, into the same target folder. The runtime
# is compiled natively here; scripts/weights.sh and the release build make its WebAssembly.
check_beside() { # workspace, cargo check arguments...
	local manifest="$1/Cargo.toml"
	shift
	# Fuzz targets are compiled with a flag that the stable compiler keeps to itself.
	SKIP_WASM_BUILD=1 RUSTC_BOOTSTRAP=1 cargo check --release --locked --manifest-path "$manifest" "$@"
}
PALLETS=(pallet-admission pallet-attestation pallet-bridge pallet-poet pallet-trust)
if [[ -n "$FEATURES" ]]; then
	packages=("${PALLETS[@]/#/--package=}")
	benchmarks="$(printf '%s/runtime-benchmarks,' "${PALLETS[@]}")"
	tests "benchmarks of pallets" "${packages[@]}" --lib --features "${benchmarks%,}" -- benchmarking:: || true
	for feature in runtime-benchmarks try-runtime; do
		step "runtime with $feature" env SKIP_WASM_BUILD=1 \
			cargo check --release --locked --package elapse-runtime --features "$feature" || true
	done
	step "runtime with metadata-hash" cargo build --release --locked --package elapse-runtime --features metadata-hash || true
	for manifest in "${BESIDE[@]}"; do
		step "compiling $manifest" check_beside "$manifest" --all-targets || true
	done
else
	for name in "benchmarks of pallets" "runtime with runtime-benchmarks" "runtime with try-runtime" \
		"runtime with metadata-hash" "${BESIDE[@]/#/compiling }"; do
		skip "$name" "only with --features"
	done
fi

{
	echo
	printf '%-33s %-8s %8s  %s\n' step result took remark
	printf '%s\n' "${ROWS[@]}"
	printf '%-33s %-8s %8s\n' "all" "" "$(duration "$SECONDS")"
	echo
	if ((${#LOOKED_AT_NOTHING[@]})); then
		printf 'skipped: %s\n' "${LOOKED_AT_NOTHING[@]}"
		echo
	fi
	printf '%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
}
((FAILED == 0))
