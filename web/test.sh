#!/usr/bin/env bash
# Builds the library and runs all its tests. Needs node >= 20.19 and npm; all else comes from the npm registry, the EVM and
# the compiler of contracts by way of ../contracts. The last line says how many tests passed, failed and were skipped, because
# they could look at nothing on this machine; the exit code is 0 if and only if none failed.
#
#   ./test.sh             everything
#   ./test.sh --build     only what others need of this folder: packages and dist/
set -uo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; printf '0 passed, 1 failed\n'; exit 1; }

node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null ||
	die "node 20.19 or newer is needed"
if ! cmp -s package-lock.json node_modules/.installed; then
	say "npm ci"
	npm ci --no-audit --no-fund || die "npm ci failed"
	cp package-lock.json node_modules/.installed
fi

say "build"
# What a file that is gone left behind would be tested, too.
rm -rf dist
./node_modules/.bin/tsc || die "it does not compile"

if [ "${1:-}" = --build ]; then exit 0; fi

say "contracts"
log=$(mktemp -d) && trap 'rm -rf "$log"' EXIT
../contracts/test.sh --compile > "$log/contracts" 2>&1 || { cat "$log/contracts"; die "the contracts do not compile"; }

say "tests"
node --test --test-reporter=tap test/*.test.mjs > "$log/js" 2>&1
code=$?
grep -E '^(not )?ok|^# \\#' "$log/js" | sed 's/^# \\#/   /'
number() { sed -n "s/^# $1 //p" "$log/js" | tail -1; }
if grep -q '^not ok' "$log/js"; then grep -A40 '^not ok' "$log/js"; fi
passed=$(number pass) failed=$(number fail) cancelled=$(number cancelled)
skipped=$(number skipped)
passed=${passed:-0} failed=$((${failed:-1} + ${cancelled:-0})) skipped=${skipped:-0}
# What ended badly without a test that says so is a failure, too.
if [ $code -ne 0 ] && [ "$failed" -eq 0 ]; then
	cat "$log/js"
	failed=1
fi

printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
