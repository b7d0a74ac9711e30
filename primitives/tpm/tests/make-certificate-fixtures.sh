#!/usr/bin/env bash
# Makes tests/certificates anew: the EK certificates that swtpm's local CA gives a TPM, with the public areas that the TPM
# has for them, and certificates and lists by openssl in every algorithm. All keys are new at every run; the tests depend
# on no value. Nothing is replaced before everything was made.
#
# Needs: swtpm, swtpm-tools, tpm2-tools, openssl (Debian's names). Takes some seconds; needs no root.
#
#   swtpm/root.der, ca.der        swtpm's root and the CA under it
#   swtpm/ek-{rsa,ecc}.der        EK certificates (RSA-2048 or 3072, P-384), and
#   swtpm/ek-{rsa,ecc}.tpmt_public  the public areas
#   swtpm/platform.der            a platform certificate, which is no EK's
#   algorithms/KEY-HASH.der       self-signed CAs; refused-*.der: in algorithms that are not accepted
#   list/ca.der, good.der, revoked.der, list.der  a CA, two EK certificates and the list that revokes the second
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/fixture-tpm.sh
. "$here/../../../scripts/fixture-tpm.sh"
need openssl swtpm_localca tpm2_readpublic xxd
out=$work/certificates
mkdir -p "$out/swtpm" "$out/algorithms" "$out/list" "$work/ca" "$work/ek"
cd "$work"

# A TPM and its certificates, by a CA of its own.
cat >localca.conf <<CONF
statedir = $work/ca
signingkey = $work/ca/signkey.pem
issuercert = $work/ca/issuercert.pem
certserial = $work/ca/certserial
CONF
printf -- '--tpm-manufacturer id:00001014\n--tpm-model swtpm\n--tpm-version id:20191023\n--platform-manufacturer Fixture\n--platform-version 1\n--platform-model Fixture\n' >localca.options
cat >setup.conf <<CONF
create_certs_tool = $(command -v swtpm_localca)
create_certs_tool_config = $work/localca.conf
create_certs_tool_options = $work/localca.options
active_pcr_banks = sha256
CONF
swtpm_setup --tpm2 --tpmstate "$work/state" --config "$work/setup.conf" --create-ek-cert --create-platform-cert \
	--write-ek-cert-files "$work/ek" --logfile "$work/setup.log" >/dev/null
der() { openssl x509 -in "$1" -outform DER -out "$2" 2>/dev/null || cp "$1" "$2"; }
der ca/swtpm-localca-rootca-cert.pem "$out/swtpm/root.der"
der ca/issuercert.pem "$out/swtpm/ca.der"

start_tpm
# What the chip has stored, as a node reads it: certificates at the indices of the TCG's registry, EKs made persistent.
tpm2_nvread -C p 0x01c08000 -o "$out/swtpm/platform.der" >/dev/null 2>&1 || tpm2_nvread 0x01c08000 -o "$out/swtpm/platform.der"
while read -r name index handle; do
	tpm2_nvread "$index" -o "$out/swtpm/ek-$name.der"
	tpm2_readpublic -c "$handle" -o "$name.pub" >/dev/null
	# TPM2B_PUBLIC: two bytes of size first.
	tail -c +3 "$name.pub" >"$out/swtpm/ek-$name.tpmt_public"
done <<KEYS
rsa $(tpm2_getcap handles-nv-index | grep -io '0x1c0000\(2\|1c\)' | head -n 1) 0x81010001
ecc $(tpm2_getcap handles-nv-index | grep -io '0x1c000\(16\|0a\)' | head -n 1) 0x81010016
KEYS
tpm2_shutdown -c

# Self-signed CAs, one an algorithm.
make_key() {
	case $1 in
	rsa*) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:"${1#rsa}" -out "$2" ;;
	p*) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:"P-${1#p}" -out "$2" ;;
	ed25519) openssl genpkey -quiet -algorithm ED25519 -out "$2" ;;
	esac
}
self_signed() { # KEY HASH OUT [OPTION...]
	make_key "$1" key.pem
	openssl req -x509 -new -key key.pem -"$2" -subj "/O=Fixture/CN=$1 $2" -days 36500 -outform DER -out "$3" "${@:4}" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}
for kind in rsa2048-sha256 rsa2048-sha512 rsa3072-sha384 rsa4096-sha512 p256-sha256 p256-sha512 p384-sha256 p384-sha384 \
	p521-sha256 p521-sha384 p521-sha512; do
	self_signed "${kind%-*}" "${kind#*-}" "$out/algorithms/$kind.der"
done
self_signed rsa2048 sha1 "$out/algorithms/refused-sha1.der"
self_signed rsa2048 sha256 "$out/algorithms/refused-pss.der" -sigopt rsa_padding_mode:pss
self_signed ed25519 sha256 "$out/algorithms/refused-ed25519.der"

# A CA, two EK certificates, a list.
make_key p384 ca.pem
openssl req -x509 -new -key ca.pem -sha384 -subj "/O=Fixture/CN=List CA" -days 36500 -out ca.crt \
	-addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign
mkdir -p issued
: >index.txt
echo 1000 >serial
echo 05 >crlnumber
cat >ca.cnf <<CONF
[ca]
default_ca = fixture
[fixture]
database = $work/index.txt
serial = $work/serial
crlnumber = $work/crlnumber
new_certs_dir = $work/issued
certificate = $work/ca.crt
private_key = $work/ca.pem
default_md = sha384
default_days = 36000
default_crl_days = 36000
policy = any
crl_extensions = list
x509_extensions = ek
unique_subject = no
[any]
commonName = optional
[list]
authorityKeyIdentifier = keyid
[ek]
basicConstraints = critical,CA:FALSE
keyUsage = critical,keyAgreement
extendedKeyUsage = 2.23.133.8.1
subjectAltName = critical,dirName:tpm
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
# What stands before the first dot is not part of a name.
[tpm]
1.2.23.133.2.1 = id:00001014
2.2.23.133.2.2 = fixture
3.2.23.133.2.3 = id:00010002
CONF
sed -i 's/id/id/; s/fixture/fixture/' ca.cnf
for name in good revoked; do
	make_key p256 "$name.pem"
	openssl req -new -key "$name.pem" -subj "/CN=$name" -out "$name.csr"
	openssl ca -batch -notext -config ca.cnf -in "$name.csr" -out "$name.crt" 2>/dev/null
	openssl x509 -in "$name.crt" -outform DER -out "$out/list/$name.der"
done
openssl ca -batch -config ca.cnf -revoke revoked.crt -crl_reason keyCompromise 2>/dev/null
openssl ca -batch -config ca.cnf -gencrl -out list.pem 2>/dev/null
openssl crl -in list.pem -outform DER -out "$out/list/list.der"
openssl x509 -in ca.crt -outform DER -out "$out/list/ca.der"

printf 'made by %s and %s\n' "$(swtpm --version | head -n 1)" "$(openssl version)" >"$out/README"
chmod -R u=rwX,go=rX "$out"
rm -rf "$here/certificates"
cp -r "$out" "$here/certificates"
du -sh "$here/certificates"
