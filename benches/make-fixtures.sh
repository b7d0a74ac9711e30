#!/usr/bin/env bash
# Makes benches/fixtures anew: what the tests of primitives/tpm have no fixture for, since libtpms makes no such key, or its
# CA no such path. The signatures are made by openssl over attestations that a TPM made for other keys, which says nothing
# about a chip and takes as long to verify. All keys are new at every run; the benches depend on no value.
#
#   KEY-HASH/ak.tpmt_public        an RSA attestation key
#   KEY-HASH/{quote,time}.signature  its TPMT_SIGNATUREs over primitives/tpm/tests/fixtures/rsa2048/{quote,time}.attest, for
#                                  SHA-384 those of rsa3072
#   path-NAME/{root,ca,ek}.der     an EK certificate, the CA above it, and the root
#
# Needs: openssl, xxd. Takes some seconds; needs no root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
attested=$here/../primitives/tpm/tests/fixtures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/fixtures
cd "$work"

make_key() { # KIND OUT
	case $1 in
	rsa*) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:"${1#rsa}" -out "$2" ;;
	p*) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:"P-${1#p}" -out "$2" ;;
	esac
}
hex16() { printf '%04x' "$1"; }

evidence() { # BITS HASH TPM_ALG_ID ATTESTED
	local to=$out/rsa$1-$2 name
	mkdir -p "$to"
	make_key "rsa$1" key.pem
	# TPMT_PUBLIC: RSA, names by SHA-256, an author's attributes, no policy, no symmetric algorithm, RSASSA.
	{
		printf '0001000b00050472000000100014%s%s00000000%s' "$3" "$(hex16 "$1")" "$(hex16 $(($1 / 8)))"
		openssl rsa -in key.pem -noout -modulus | cut -d = -f 2
	} | xxd -r -p >"$to/ak.tpmt_public"
	for kind in quote time; do
		{
			printf '0014%s%s' "$3" "$(hex16 $(($1 / 8)))"
			openssl dgst "-$2" -sign key.pem "$attested/$4/$kind.attest" | xxd -p
		} | xxd -r -p >"$to/$kind.signature"
	done
}
evidence 2048 sha384 000c rsa3072
evidence 3072 sha256 000b rsa2048
evidence 4096 sha256 000b rsa2048
evidence 4096 sha384 000c rsa3072

cat >extensions.cnf <<CONF
[ca]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[rsa]
keyUsage = critical,keyEncipherment
basicConstraints = critical,CA:FALSE
extendedKeyUsage = 2.23.133.8.1
subjectAltName = critical,dirName:tpm
authorityKeyIdentifier = keyid
[ecc]
keyUsage = critical,keyAgreement
basicConstraints = critical,CA:FALSE
extendedKeyUsage = 2.23.133.8.1
subjectAltName = critical,dirName:tpm
authorityKeyIdentifier = keyid
# What stands before the first dot is not part of a name.
[tpm]
1.2.23.133.2.1 = id:00001014
2.2.23.133.2.2 = fixture
3.2.23.133.2.3 = id:00010002
CONF

issue() { # KIND NAME ISSUER HASH EXTENSIONS
	make_key "$1" "$2.pem"
	openssl req -new -key "$2.pem" -subj "/O=Fixture/CN=$2" -out "$2.csr"
	openssl x509 -req -in "$2.csr" -CA "$3.crt" -CAkey "$3.pem" -CAcreateserial "-$4" -days 36000 \
		-extfile extensions.cnf -extensions "$5" -out "$2.crt" 2>/dev/null
}
path() { # NAME ROOT-KIND ROOT-HASH CA-KIND CA-HASH EK-KIND EXTENSIONS
	local to=$out/path-$1
	mkdir -p "$to"
	make_key "$2" root.pem
	openssl req -x509 -new -key root.pem "-$3" -subj "/O=Fixture/CN=root" -days 36500 -out root.crt \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
	issue "$4" ca root "$3" ca
	issue "$6" ek ca "$5" "$7"
	for certificate in root ca ek; do
		openssl x509 -in "$certificate.crt" -outform DER -out "$to/$certificate.der"
	done
}
path rsa2048 rsa2048 sha256 rsa2048 sha256 rsa2048 rsa
path rsa4096 rsa4096 sha384 rsa4096 sha384 rsa2048 rsa
path p256 p256 sha256 p256 sha256 p256 ecc
path p384 p384 sha384 p384 sha384 p256 ecc
path p521 p521 sha512 p521 sha512 p256 ecc

chmod -R u=rwX,go=rX "$out"
rm -rf "$here/fixtures"
cp -r "$out" "$here/fixtures"
du -sh "$here/fixtures"
