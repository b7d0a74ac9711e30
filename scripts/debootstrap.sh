#!/usr/bin/env bash
# Proves scripts/setup.sh on a machine that has nothing: makes a minimal Debian in a folder, runs the set-up in it
# twice, and tries what it installed. The build of the node itself is left out. Needs root, debootstrap and a Debian
# mirror; takes some minutes and 2 GB, both given back at the end.
#
#   scripts/debootstrap.sh                                    this machine's own release, from its own mirrors
#   scripts/debootstrap.sh --suite NAME --mirror URL --security-mirror URL
#   scripts/debootstrap.sh --keep DIR                         leave the root there to look around
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# shellcheck source=/dev/null
suite="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")"
mirror='' security='' root=''
while (($#)); do
	case "$1" in
	--suite) suite="${2:?--suite needs a name}" && shift ;;
	--mirror) mirror="${2:?--mirror needs an address}" && shift ;;
	--security-mirror) security="${2:?--security-mirror needs an address}" && shift ;;
	--keep) root="${2:?--keep needs a folder}" && shift ;;
	--help | -h)
		usage
		exit 0
		;;
	*) die "debootstrap.sh does not know the option '$1'" "Try scripts/debootstrap.sh --help" ;;
	esac
	shift
done
((EUID == 0)) || die "a root file system can only be made by root" "Run: sudo scripts/debootstrap.sh"
command -v debootstrap >/dev/null || die "debootstrap is not installed" "Run: apt-get install debootstrap"

# The address that this machine's apt has for a release.
configured_mirror() {
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v release="$1" '$1 == release { print $2; exit }'
}
[[ -n "$mirror" ]] || mirror="$(configured_mirror "$suite")"
[[ -n "$security" ]] || security="$(configured_mirror "$suite-security")"
[[ -n "$mirror" ]] || die "this machine's apt has no mirror for '$suite'" "Name one with --mirror, and a release with --suite."

keep=yes
if [[ -z "$root" ]]; then
	keep=
	root="$(mktemp -d)"
	chmod 755 "$root" # apt fetches as a user of its own
fi
cleanup() {
	mountpoint -q "$root/proc" && umount "$root/proc"
	[[ -n "$keep" ]] || rm -rf --one-file-system "$root"
}
trap cleanup EXIT

say "Making a minimal $suite in $root"
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
	die "debootstrap failed" "$(tail -n 3 "$root.log")"
rm -f "$root.log"
if [[ -n "$security" ]]; then
	printf 'deb %s %s main\n' "$security" "$suite-security" >>"$root/etc/apt/sources.list"
fi
cp /etc/resolv.conf /etc/hosts "$root/etc/"
mount -t proc proc "$root/proc"
mkdir -p "$root/elapse"
cp -r "$ELAPSE_ROOT/scripts" "$ELAPSE_ROOT/Cargo.toml" "$root/elapse/"
# Whom this machine trusts is trusted inside: there may be a proxy with a certificate of its own in between.
cp /etc/ssl/certs/ca-certificates.crt "$root/elapse/"

inside() {
	chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		TERM=dumb LANG=C.UTF-8 CARGO_HTTP_CAINFO=/elapse/ca-certificates.crt "$@"
}

say "First set-up"
begun=$SECONDS
inside /elapse/scripts/setup.sh --tests
say "took $(duration $((SECONDS - begun)))"

say "Second set-up: there must be nothing left to do"
before="$(inside dpkg-query -W | sha256sum)"
begun=$SECONDS
inside /elapse/scripts/setup.sh --tests --check
[[ "$(inside dpkg-query -W | sha256sum)" == "$before" ]] || die "the second set-up changed packages"
say "took $(duration $((SECONDS - begun)))"

say "Trying what was installed"
# shellcheck disable=SC2016 # expanded inside
inside bash -euc '
	dir=$(mktemp -d) && cd "$dir"

	# The runtime: a no_std library for wasm, linked.
	mkdir src && printf "[package]\nname = \"probe\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ncrate-type = [\"cdylib\"]\n[profile.release]\npanic = \"abort\"\n" > Cargo.toml
	printf "#![no_std]\n#[no_mangle] pub extern \"C\" fn seven() -> u32 { 7 }\n#[panic_handler] fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }\n" > src/lib.rs
	cargo build --quiet --release --target wasm32v1-none
	[ "$(head -c 4 target/wasm32v1-none/release/probe.wasm | od -An -c | tr -d " ")" = "\\0asm" ]
	echo "    wasm32v1-none: compiles and links"

	# The node: Rust, C, protoc and the TPM libraries.
	printf "#include <tss2/tss2_esys.h>\nint main(void) { return Esys_Initialize == 0; }\n" > probe.c
	cc probe.c -o probe $(pkg-config --cflags --libs tss2-esys tss2-tctildr tss2-mu) && ./probe
	echo "    tpm2-tss: $(pkg-config --modversion tss2-esys) compiles and links"
	echo "syntax = \"proto3\"; message Probe { uint64 height = 1; }" > probe.proto
	protoc --descriptor_set_out=probe.bin probe.proto
	echo "    protoc: $(protoc --version)"

	# The chip: manufactured with certificates, started, asked.
	mkdir -p ca tpm
	printf "statedir = %s\nsigningkey = %s/signkey.pem\nissuercert = %s/issuercert.pem\ncertserial = %s/certserial\n" \
		"$dir/ca" "$dir/ca" "$dir/ca" "$dir/ca" > localca.conf
	echo "--platform-manufacturer Probe --platform-version 1.0 --platform-model probe" > localca.options
	printf "create_certs_tool = %s\ncreate_certs_tool_config = %s\ncreate_certs_tool_options = %s\n" \
		"$(command -v swtpm_localca)" "$dir/localca.conf" "$dir/localca.options" > setup.conf
	swtpm_setup --tpm2 --create-ek-cert --create-platform-cert --lock-nvram --tpm-state "$dir/tpm" \
		--config "$dir/setup.conf" --logfile setup.log >/dev/null || { cat setup.log; exit 1; }
	swtpm socket --tpm2 --tpmstate dir="$dir/tpm" --server type=tcp,bindaddr=127.0.0.1,port=23210 \
		--ctrl type=tcp,bindaddr=127.0.0.1,port=23211 --flags not-need-init,startup-clear \
		--daemon --pid file="$dir/pid"
	trap "kill $(cat "$dir/pid")" EXIT
	tpm2_getrandom -T swtpm:host=127.0.0.1,port=23210 --hex 8 >/dev/null
	tpm2_nvreadpublic -T swtpm:host=127.0.0.1,port=23210 | grep -q 0x1c00002
	echo "    swtpm: made with an EK certificate, answers"
' </dev/null
say "The set-up works on a bare $suite"
