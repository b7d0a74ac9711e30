#!/usr/bin/env bash
# Makes tests/fixtures/objects anew: a TPM (swtpm) certifies a child of a storage key and a primary object, and that it
# made them. The keys are new at every run; the tests depend on none of their values.
#
# Needs: swtpm, swtpm-tools, tpm2-tools, xxd. Takes some seconds; needs no root. make-fixtures.sh calls it.
#
#   ek.tpmt_public, ak.tpmt_public     the key that certifies, and its parent
#   for each of child and primary:
#   NAME.tpmt_public                   the object
#   NAME.qualified_name                its Qualified Name, and
#   NAME.parent_name                   the Qualified Name of its parent (of a primary: missing)
#   NAME.certify, NAME.certify_signature    TPM2_Certify, whose extraData is 00ff55aa (tpm2_certify takes no other)
#   NAME.creation, NAME.creation_signature  TPM2_CertifyCreation under the nonce of the other fixtures
#   NAME.creation_data                 its TPMS_CREATION_DATA
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/fixtures/objects
nonce=456c61707365206669787475726520313233343536373839306162636465666768

# shellcheck source=scripts/fixture-tpm.sh
. "$here/../../../scripts/fixture-tpm.sh"
need tpm2_createek tpm2_certify tpm2_certifycreation xxd

swtpm_setup --tpm2 --tpmstate "$work/state" --createek --pcr-banks sha256 --logfile "$work/setup.log" >/dev/null
start_tpm

rm -rf "$out"
mkdir -p "$out"
cd "$work"
flush() { tpm2_flushcontext -t; }
strip_tpm2b() {
	local size
	size=$((16#$(xxd -p -l 2 "$1")))
	[ $((size + 2)) = "$(stat -c %s "$1")" ] || { echo "make-object-fixtures: $1 is no TPM2B" >&2; exit 1; }
	tail -c +3 "$1" >"$2"
}

tpm2_createek -G ecc -c ek.ctx -u ek.pub
flush
tpm2_createak -C ek.ctx -c ak.ctx -G ecc256 -s ecdsa -g sha256 -u ak.pub >/dev/null
flush
strip_tpm2b ek.pub "$out/ek.tpmt_public"
strip_tpm2b ak.pub "$out/ak.tpmt_public"

tpm2_createprimary -C o -G ecc -c primary.ctx --creation-data primary.data -t primary.ticket -d primary.digest \
	-l sha256:0,16 >/dev/null
flush
tpm2_create -C primary.ctx -G ecc -u child.pub -r child.priv --creation-data child.data -t child.ticket \
	-d child.digest -q $nonce >/dev/null
flush
tpm2_load -C primary.ctx -u child.pub -r child.priv -c child.ctx >/dev/null
flush
for name in primary child; do
	tpm2_readpublic -c $name.ctx -o $name.pub -q "$out/$name.qualified_name" >/dev/null
	flush
	strip_tpm2b $name.pub "$out/$name.tpmt_public"
	tpm2_certify -c $name.ctx -C ak.ctx -g sha256 -f tss -o "$out/$name.certify" -s "$out/$name.certify_signature"
	flush
	tpm2_certifycreation -C ak.ctx -c $name.ctx -d $name.digest -t $name.ticket -g sha256 -f tss \
		-o "$out/$name.creation_signature" --attestation "$out/$name.creation" -q $nonce >/dev/null
	flush
	strip_tpm2b $name.data "$out/$name.creation_data"
done
cp "$out/primary.qualified_name" "$out/child.parent_name"
tpm2_shutdown -c
chmod -R u=rwX,go=rX "$out"
du -sh "$out"
