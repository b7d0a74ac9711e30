#!/usr/bin/env bash
# Writes docs/tpm-roots.md anew: the fingerprints of the roots among the manufacturers' certificates in the folders given.
#
#   scripts/tpm-roots.sh ELAPSE DIR...        ELAPSE is the program `elapse`
#
# The certificates themselves are not kept in this repository.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,6p' "$0"; exit 2; }
elapse=$1
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$elapse" tpm roots import "$@" --out "$work/roots.json" --json >"$work/list.json"
{
	sed '/^| SHA-256/,$d' docs/tpm-roots.md
	echo '| SHA-256 of the certificate | subject | valid to |'
	echo '|---|---|---|'
	python3 - "$work/list.json" <<'PY'
import json, sys

certificates = json.load(open(sys.argv[1]))["certificates"]
for root in sorted((c for c in certificates if c["role"] == "root"), key=lambda c: (c["subject"], c["sha256"])):
	subject = root["subject"].replace("|", "/")
	print(f"| `{root['sha256']}` | {subject} | {root['notAfter'][:10]} |")
PY
} >"$work/tpm-roots.md"
cp "$work/tpm-roots.md" docs/tpm-roots.md
