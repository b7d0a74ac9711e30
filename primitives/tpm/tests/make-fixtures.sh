#!/usr/bin/env bash
# Makes tests/fixtures anew: public areas, attestations and signatures of a TPM (swtpm, which runs the TCG's reference
# code through libtpms), exactly as it emits them. The keys are new at every run, so the files all change; the tests
# depend on none of their values. They are replaced only once the TPM answers.
#
# Needs: swtpm, swtpm-tools, tpm2-tools, libtss2, openssl (Debian's names). Takes some seconds; needs no root.
#
# One folder a key. In each:
#   ek.tpmt_public       the parent
#   ak.tpmt_public       the key itself
#   ak.qualified_name    its Qualified Name, as the TPM computes it
#   time.attest          TPM2_GetTime under the nonce below (TPMS_ATTEST), and
#   time.signature       its TPMT_SIGNATURE, untouched: s may be high
#   quote.attest, quote.signature, quote.values
#                        TPM2_Quote under the same nonce, and the PCR values (concatenated)
# Beside them: refused/, real keys that are no attestation keys, and rsa4096/, made by openssl.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$here/fixtures
nonce=456c61707365206669787475726520313233343536373839306162636465666768

# shellcheck source=scripts/fixture-tpm.sh
. "$here/../../../scripts/fixture-tpm.sh"
need openssl tpm2_createek tpm2_gettime xxd

swtpm_setup --tpm2 --tpmstate "$work/state" --createek --pcr-banks sha1,sha256,sha384 --logfile "$work/setup.log" \
	>/dev/null

start_tpm

rm -rf "$out"
cd "$work"
flush() { tpm2_flushcontext -t; }

# tpm2-tools write TPM2B_PUBLIC: two bytes of size, which must be the file's, then the TPMT_PUBLIC.
strip_tpm2b() {
	local size
	size=$((16#$(xxd -p -l 2 "$1")))
	[ $((size + 2)) = "$(stat -c %s "$1")" ] || { echo "make-fixtures: $1 is no TPM2B" >&2; exit 1; }
	tail -c +3 "$1" >"$2"
}

# Values other than zero in the PCRs that are quoted.
tpm2_pcrextend "16:sha256=$(printf '%064d' 1),sha384=$(printf '%096d' 2)"

tpm2_createek -G rsa -c ek-rsa.ctx -u ek-rsa.pub
flush
tpm2_createek -G ecc -c ek-ecc.ctx -u ek-ecc.pub
flush
# The P-384 EK that swtpm_setup persisted. Its name is a SHA-384 name, and so are its children's.
tpm2_readpublic -c 0x81010016 -o ek-ecc384.pub -t ek-ecc384.ctx >/dev/null

# evidence NAME HASH PARENT-PUBLIC KEY-PUBLIC KEY-CONTEXT PCRS
evidence() {
	local to=$out/$1
	mkdir -p "$to"
	strip_tpm2b "$3" "$to/ek.tpmt_public"
	strip_tpm2b "$4" "$to/ak.tpmt_public"
	tpm2_readpublic -c "$5" -q "$to/ak.qualified_name" >/dev/null
	flush
	tpm2_gettime -c "$5" -g "$2" -q $nonce -f tss -o "$to/time.signature" --attestation "$to/time.attest" >/dev/null
	flush
	tpm2_quote -c "$5" -g "$2" -q $nonce -l "$6" -f tss -s "$to/quote.signature" -m "$to/quote.attest" \
		-o "$to/quote.values" -F values >/dev/null
	flush
}

# ak NAME EK ALGORITHM SCHEME HASH PCRS: a key as tpm2_createak makes it, a child of an EK, without noDA.
ak() {
	tpm2_createak -C "ek-$2.ctx" -c "$1.ctx" -G "$3" -s "$4" -g "$5" -u "$1.pub" >/dev/null
	flush
	evidence "$1" "$5" "ek-$2.pub" "$1.pub" "$1.ctx" "$6"
}

ak p256 ecc ecc256 ecdsa sha256 sha256:0,7,16
ak p384 ecc384 ecc384 ecdsa sha384 sha256:16+sha384:0,16
ak rsa2048 rsa rsa2048 rsassa sha256 sha256:0,7,16
ak rsa3072 rsa rsa3072 rsassa sha384 sha256:16
# A digest longer than the order, and one shorter.
ak p256-sha512 rsa ecc256 ecdsa sha512 sha1:0,16
ak p384-sha256 ecc ecc384 ecdsa sha256 sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23

# An author's key: with noDA. The EK's policy is TPM2_PolicySecret over the endorsement hierarchy.
attributes='fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign|noda'
with_ek() {
	tpm2_startauthsession --policy-session -S session.ctx
	tpm2_policysecret -S session.ctx -c e >/dev/null
	"$@"
	tpm2_flushcontext session.ctx
	flush
}
with_ek tpm2_create -C ek-ecc.ctx -P session:session.ctx -G ecc256:ecdsa-sha256:null -a "$attributes" \
	-u author.pub -r author.priv >/dev/null
with_ek tpm2_load -C ek-ecc.ctx -P session:session.ctx -u author.pub -r author.priv -c author.ctx >/dev/null
evidence author sha256 ek-ecc.pub author.pub author.ctx sha256:16

# A signature with a high s, which about every second one has. The order of P-256 begins with ffffffff, so a first byte
# of 0x80 or more is in the upper half.
for _ in $(seq 64); do
	tpm2_gettime -c author.ctx -g sha256 -q $nonce -f tss -o high.signature --attestation high.attest >/dev/null
	flush
	[ $((16#$(xxd -p -s 40 -l 1 high.signature))) -ge 128 ] && break
done
cp high.signature "$out/author/high_s.signature"
cp high.attest "$out/author/high_s.attest"

# The same key after its owner has set `clock` forwards by a day: `time` must not follow.
clock=$(tpm2_readclock | sed -n 's/^ *clock: //p')
tpm2_setclock $((clock + 86400000))
tpm2_gettime -c author.ctx -g sha256 -q $nonce -f tss -o "$out/author/clock_set.signature" \
	--attestation "$out/author/clock_set.attest" >/dev/null
flush

# The like of the author's key under a storage key: outside the endorsement hierarchy, where the TPM obfuscates the
# outer clock information.
tpm2_createprimary -C o -G ecc -c owner.ctx >/dev/null
flush
tpm2_readpublic -c owner.ctx -o owner.pub >/dev/null
flush
tpm2_create -C owner.ctx -G ecc256:ecdsa-sha256:null -a "$attributes" -u stray.pub -r stray.priv >/dev/null
flush
tpm2_load -C owner.ctx -u stray.pub -r stray.priv -c stray.ctx >/dev/null
flush
evidence owner sha256 owner.pub stray.pub stray.ctx sha256:16

# Real keys that are no attestation keys: one that signs anything, and one that decrypts too.
tpm2_create -C owner.ctx -G ecc256:ecdsa-sha256:null -u free.pub -r free.priv \
	-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign' >/dev/null
flush
tpm2_create -C owner.ctx -G rsa2048:null:null -u both.pub -r both.priv \
	-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|decrypt' >/dev/null
flush
mkdir -p "$out/refused"
strip_tpm2b free.pub "$out/refused/unrestricted.tpmt_public"
strip_tpm2b both.pub "$out/refused/sign_and_decrypt.tpmt_public"

tpm2_shutdown -c

# RSA-4096, which libtpms does not make: a signature in software, over which a test puts a public area.
mkdir -p "$out/rsa4096"
openssl genrsa -out rsa4096.pem 4096 2>/dev/null
openssl rsa -in rsa4096.pem -noout -modulus 2>/dev/null | cut -d = -f 2 | xxd -r -p >"$out/rsa4096/modulus"
printf 'a message' >"$out/rsa4096/message"
openssl dgst -sha512 -sign rsa4096.pem -out "$out/rsa4096/signature" "$out/rsa4096/message"

printf 'made by %s and %s\n' "$(swtpm --version | head -n 1)" "$(tpm2_gettime --version | grep -o 'version="[^"]*"')" \
	>"$out/README"
# tpm2-tools keep some of their output from others; the fixtures are for everybody.
chmod -R u=rwX,go=rX "$out"
"$here/make-object-fixtures.sh"
du -sh "$out"
