#!/usr/bin/env bash
# Compiles the contracts and runs all their tests. Needs node >= 20 and npm; all else comes from the npm registry.
# The last line says how many tests passed and failed; the exit code is 0 if and only if none failed.
#
#   ./test.sh             everything
#   ./test.sh --compile   only what others need of this folder: packages and compiled contracts
#   ./test.sh --update    also writes the gas snapshot and the vectors anew, for a change that is meant
set -uo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; printf '0 passed, 1 failed\n'; exit 1; }

node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null || die "node 20 or newer is needed"
if ! cmp -s package-lock.json node_modules/.installed; then
	say "npm ci"
	npm ci --no-audit --no-fund || die "npm ci failed"
	cp package-lock.json node_modules/.installed
fi
forge=./node_modules/.bin/forge
log=$(mktemp -d) && trap 'rm -rf "$log"' EXIT
passed=0 failed=0
# What ended badly without a test that says so is a failure, too.
count() { # what, exit code, passed, failed
	passed=$((passed + $3)) failed=$((failed + $4))
	if [ "$2" -ne 0 ] && [ "$4" -eq 0 ]; then
		printf 'error: %s ended with %s\n' "$1" "$2" >&2
		failed=$((failed + 1))
	fi
}

say "build"
"$forge" build --sizes 2>&1 | grep -v '^$' | tee "$log/build" | tail -30
[ "${PIPESTATUS[0]}" -eq 0 ] || die "the contracts do not compile"
if grep -q '^Warning' "$log/build"; then die "the compiler warns"; fi

if [ "${1:-}" = --compile ]; then exit 0; fi

if [ "${1:-}" = --update ]; then
	say "vectors and gas snapshot, written anew"
	node test/vectors.mjs && "$forge" snapshot --match-contract GasTest > /dev/null || die "they cannot be written"
fi

say "unit, fuzz and invariant tests"
"$forge" test --no-match-contract GasTest > "$log/forge" 2>&1
code=$?
grep -E '^\[(PASS|FAIL)|^Suite|runs:|^Error|Counterexample|^Encountered' "$log/forge" || cat "$log/forge"
count forge $code "$(grep -c '^\[PASS' "$log/forge")" "$(grep '^\[FAIL' "$log/forge" | sort -u | wc -l)"

say "gas snapshot"
"$forge" snapshot --match-contract GasTest --check > "$log/gas" 2>&1
code=$?
if [ $code -eq 0 ]; then echo "as in .gas-snapshot"; else cat "$log/gas"; fi
count "the gas snapshot" $code $([ $code -eq 0 ] && echo 1 || echo 0) $([ $code -eq 0 ] && echo 0 || echo 1)

say "tests on a real EVM"
node --test --test-reporter=tap test/*.test.mjs > "$log/js" 2>&1
code=$?
grep -E '^(not )?ok|^# \\#' "$log/js" | sed 's/^# \\#/   /'
number() { sed -n "s/^# $1 //p" "$log/js" | tail -1; }
if grep -q '^not ok' "$log/js"; then grep -A40 '^not ok' "$log/js"; fi
js_failed=$(number fail) js_cancelled=$(number cancelled)
count "tests in JavaScript" $code "$(number pass || echo 0)" $((${js_failed:-1} + ${js_cancelled:-0}))

printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
