#!/usr/bin/env bash
# Seeds of the tpm_* targets from the fixtures of primitives/tpm. Run it after primitives/tpm/tests/make-fixtures.sh and
# make-certificate-fixtures.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
fixtures=../primitives/tpm/tests/fixtures
for target in public attest signature verify_time certificate crl; do
	rm -rf "corpus/tpm_$target"
	mkdir -p "corpus/tpm_$target"
done

byte() { printf "\\x$(printf %02x "$1")"; }

pick=0
for key in p256 p384 rsa2048 p256-sha512 p384-sha256 rsa3072; do
	from=$fixtures/$key
	cp "$from/ak.tpmt_public" "corpus/tpm_public/$key-ak"
	cp "$from/ek.tpmt_public" "corpus/tpm_public/$key-ek"
	cp "$from/time.attest" "corpus/tpm_attest/$key-time"
	cp "$from/quote.attest" "corpus/tpm_attest/$key-quote"
	{ byte $pick; cat "$from/time.signature"; } >"corpus/tpm_signature/$key"
	pick=$((pick + 1))
done
cp "$fixtures/author/ak.tpmt_public" corpus/tpm_public/author
cp "$fixtures"/refused/*.tpmt_public corpus/tpm_public
for kind in time quote; do
	from=$fixtures/p256/$kind
	{ byte "$(stat -c %s "$from.attest")"; cat "$from.attest" "$from.signature"; } >"corpus/tpm_verify_time/$kind"
done

certificates=../primitives/tpm/tests/certificates
for file in "$certificates"/swtpm/*.der "$certificates"/algorithms/p*.der "$certificates"/list/{ca,good}.der; do
	cp "$file" "corpus/tpm_certificate/$(basename "$file")"
done
cp "$certificates/list/list.der" corpus/tpm_crl/list.der
