#!/usr/bin/env bash
# Makes cli/tests/fixtures anew: files exactly as tpm2-tools write them, in each of their formats, on a TPM of its own
# (swtpm). The keys are new at every run; the tests depend on none of their values.
#
# Needs: swtpm, swtpm-tools, tpm2-tools. Takes some seconds; needs no root.
#
# One folder a key (rsa, ecc):
#   ek.pub, ak.pub       TPM2B_PUBLIC          ak.tpmt    TPMT_PUBLIC
#   ak.pem, ak.der       the key alone         ak.name    its Name
#   quote.attest, quote.signature (tss), quote.plain      TPM2_Quote under the nonce below
#   quote.serialized, quote.values                        its PCRs
#   time.attest, time.signature                           TPM2_GetTime under the same nonce
#   certify.attest, certify.signature, certified.pub      TPM2_Certify of a key, and that key
#   creation.attest, creation.signature, creation.data    TPM2_CertifyCreation of it, and its TPMS_CREATION_DATA as TPM2B
#   parent.pub                                            its parent, of the owner hierarchy
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/fixtures
nonce=456c61707365206669787475726520313233343536373839306162636465666768

# shellcheck source=scripts/fixture-tpm.sh
. "$here/../../scripts/fixture-tpm.sh"
need tpm2_createek tpm2_gettime tpm2_certify tpm2_certifycreation

swtpm_setup --tpm2 --tpmstate "$work/state" --createek --pcr-banks sha1,sha256 --logfile "$work/setup.log" >/dev/null
start_tpm

rm -rf "$out"
cd "$work"
flush() { tpm2_flushcontext -t; }
tpm2_pcrextend "16:sha1=$(printf '%040d' 1),sha256=$(printf '%064d' 2)"

# files NAME ALGORITHM SCHEME
files() {
	local to=$out/$1
	mkdir -p "$to"
	tpm2_createek -G "$1" -c ek.ctx -u "$to/ek.pub"
	flush
	tpm2_createak -C ek.ctx -c ak.ctx -G "$2" -s "$3" -g sha256 -u "$to/ak.pub" -n "$to/ak.name" >/dev/null
	flush
	for format in tpmt pem der; do
		tpm2_readpublic -c ak.ctx -f $format -o "$to/ak.$format" >/dev/null
		flush
	done
	tpm2_quote -c ak.ctx -g sha256 -q $nonce -l sha1:0+sha256:0,1,2,3,4,5,7,9,16 -f tss -s "$to/quote.signature" \
		-m "$to/quote.attest" -o "$to/quote.serialized" -F serialized >/dev/null
	flush
	# The same TPM signs the same PCRs again for the other formats: an ECDSA signature and the clock are new.
	tpm2_quote -c ak.ctx -g sha256 -q $nonce -l sha256:0,16 -f plain -s "$to/plain.signature" -m "$to/plain.attest" \
		-o "$to/plain.values" -F values >/dev/null
	flush
	tpm2_gettime -c ak.ctx -g sha256 -q $nonce -f tss -o "$to/time.signature" --attestation "$to/time.attest" >/dev/null
	flush
	tpm2_createprimary -C o -G ecc -c parent.ctx >/dev/null
	flush
	tpm2_readpublic -c parent.ctx -o "$to/parent.pub" >/dev/null
	flush
	tpm2_create -C parent.ctx -G ecc -u "$to/certified.pub" -r certified.priv --creation-data "$to/creation.data" \
		-t creation.ticket -d creation.digest >/dev/null
	flush
	tpm2_load -C parent.ctx -u "$to/certified.pub" -r certified.priv -c certified.ctx >/dev/null
	flush
	tpm2_certify -c certified.ctx -C ak.ctx -g sha256 -f tss -o "$to/certify.attest" -s "$to/certify.signature"
	flush
	tpm2_certifycreation -C ak.ctx -c certified.ctx -d creation.digest -t creation.ticket -g sha256 -f tss \
		-o "$to/creation.signature" --attestation "$to/creation.attest" -q $nonce >/dev/null
	flush
}
files rsa rsa2048 rsassa
files ecc ecc256 ecdsa
tpm2_shutdown -c
printf 'made by %s and %s\n' "$(swtpm --version | head -n 1)" "$(tpm2_gettime --version | grep -o 'version="[^"]*"')" \
	>"$out/README"
chmod -R u=rwX,go=rX "$out"
du -sh "$out"
