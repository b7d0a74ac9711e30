#!/usr/bin/env bash
# Seeds of the tpm_* targets from the fixtures of primitives/tpm. Run it after primitives/tpm/tests/make-fixtures.sh,
# make-certificate-fixtures.sh and scripts/fixture-tpm12.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
fixtures=../primitives/tpm/tests/fixtures
for target in public attest signature verify_time certificate crl eventlog credential certify legacy; do
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

# Keys to encrypt to, and a credential file as tpm2-tools frame it.
for key in p256 p384 rsa2048; do
	cp "$fixtures/$key/ek.tpmt_public" "corpus/tpm_credential/$key-ek"
done
{ printf '\xba\xdc\xc0\xde\0\0\0\1\0\x03abc\0\x02de'; } >corpus/tpm_credential/file

for object in child primary; do
	for kind in certify creation creation_data; do
		cp "$fixtures/objects/$object.$kind" "corpus/tpm_certify/$object-$kind"
	done
done

# TPM 1.2: either key, a quote and its composite, and a session key with what it opens.
legacy=$fixtures/legacy
cp "$legacy/aik.pubkey" corpus/tpm_legacy/aik
cp "$legacy/ek.pubkey" corpus/tpm_legacy/ek
cp "$legacy/quote.info" corpus/tpm_legacy/info
cp "$legacy/quote.composite" corpus/tpm_legacy/composite
{
	printf '\0\0\0\6\0\5\0\20%016d' 0
	printf '\0\0\0\40\0\0\0\6\0\5\0\1\0\0\0\34\0\0\0\200\0\0\0\200\0\0\0\20'
	head -c 48 /dev/zero
} >corpus/tpm_legacy/credential

# An old log of one event, and a crypto-agile one of a SHA-256 bank with a StartupLocality and a separator.
zeros() { head -c "$1" /dev/zero; }
{ zeros 4; printf '\4\0\0\0'; zeros 20; printf '\4\0\0\0'; zeros 4; } >corpus/tpm_eventlog/sha1
{
	zeros 4; printf '\3\0\0\0'; zeros 20; printf '\x21\0\0\0Spec ID Event03\0'
	zeros 4; printf '\0\2\0\2\1\0\0\0\x0b\0\x20\0\0'
	zeros 4; printf '\3\0\0\0\1\0\0\0\x0b\0'; zeros 32; printf '\x11\0\0\0StartupLocality\0\3'
	printf '\7\0\0\0\4\0\0\0\1\0\0\0\x0b\0'; zeros 32; printf '\4\0\0\0'; zeros 4
} >corpus/tpm_eventlog/agile
