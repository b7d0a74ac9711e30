#!/usr/bin/env bash
# Makes a Debian or Ubuntu machine ready to build, run and test Elapse.
#
#   scripts/setup.sh            install what is missing, saying what and why
#   scripts/setup.sh --tests    the same, and what only the tests need
#   scripts/setup.sh --check    install nothing; fail if something is missing
#
# A second run changes nothing. Packages are installed with apt, through sudo only if you are not root. Rust comes from
# rustup if you have it, else from your distribution if it has one that is new enough. run.sh, test.sh and network.sh
# call this by themselves.

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then set -euo pipefail; fi
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

WASM_TARGET=wasm32v1-none

# package | why | how one sees that it is there without dpkg (empty: only dpkg knows)
SETUP_PACKAGES=(
	"build-essential|C compiler, linker and make: zstd, secp256k1 and OpenSSL inside the SDK are compiled from C|cc"
	"pkg-config|finds the TPM libraries|pkg-config"
	"git|the version number of the node carries the commit|git"
	"ca-certificates|crates are fetched over TLS|"
	"protobuf-compiler|protoc: the network libraries compile their message formats with it|protoc"
	"libtss2-dev|the TPM software stack that the node talks to its chip with|"
	"swtpm|a software TPM, for machines without a chip and for every test|swtpm"
	"swtpm-tools|swtpm_setup: manufactures a software TPM with its EK certificates|swtpm_setup"
)
SETUP_TEST_PACKAGES=(
	"tpm2-tools|tpm2_* commands: tests do to a chip what an owner could do|tpm2_getcap"
	"nodejs|the contracts' compiler and half of their tests are JavaScript|node"
	"npm|brings that compiler, and an EVM to run contracts on|npm"
)

setup_installed() { # package
	[[ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null)" == ii* ]]
}

setup_as_root() {
	if ((EUID == 0)); then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "to run '$*' one must be root, and there is no sudo here" "Run it as root, then start this script again."
	fi
}

SETUP_LISTS_FRESH=
setup_apt_update() {
	[[ -z "$SETUP_LISTS_FRESH" ]] || return 0
	note "reading the package lists (apt-get update)"
	setup_as_root apt-get update -qq >&2 ||
		note "some package lists could not be read; going on with what is known"
	SETUP_LISTS_FRESH=yes
}

setup_apt_install() { # packages...
	local log
	log="$(mktemp)"
	if ! setup_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" \
		</dev/null >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "apt-get could not install: $*" \
			"The reason stands above. Without network, bring the packages by other means and start again."
	fi
	rm -f "$log"
}

setup_system_packages() { # entries...
	local entry package why seen missing=()
	for entry in "$@"; do
		IFS='|' read -r package why seen <<<"$entry"
		setup_installed "$package" && continue
		# Something else may have brought the same program, say protoc under /usr/local.
		if [[ -n "$seen" ]] && command -v "$seen" >/dev/null && [[ "$package" != build-essential ]]; then continue; fi
		if [[ "$package" == build-essential ]] && command -v cc >/dev/null && command -v make >/dev/null &&
			command -v perl >/dev/null && command -v c++ >/dev/null; then continue; fi
		missing+=("$package")
		note "$package is missing: $why"
	done
	((${#missing[@]})) || return 0
	if [[ -n "$SETUP_CHECK" ]]; then
		die "not installed: ${missing[*]}" "Run scripts/setup.sh to install them."
	fi
	say "Installing ${missing[*]}"
	setup_apt_update
	setup_apt_install "${missing[@]}"
}

# Whether version $1 is at least version $2.
setup_at_least() { [[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]; }

setup_rust_needed() { sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$ELAPSE_ROOT/Cargo.toml" | head -n 1; }

# The version of the Rust on the PATH; nothing if there is none, or none that runs.
setup_rust_version() { rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9.]*\).*/\1/p'; }

# The distribution's Rust package that is new enough, if there is one. Debian's stable keeps its own `rustc` and, for
# browsers, a newer `rustc-web`.
setup_packaged_rust() {
	local needed=$1 name version
	for name in rustc rustc-web; do
		version="$(apt-cache policy "$name" 2>/dev/null | sed -n 's/^ *Candidate: \([0-9.]*\).*/\1/p')"
		if [[ -n "$version" ]] && setup_at_least "$version" "$needed"; then
			printf '%s\n' "$name"
			return
		fi
	done
}

# The name of a package out of the same family: `setup_rust_package rustc-web clippy`.
setup_rust_package() {
	case "$1/$2" in
	rustc-web/cargo | rustc-web/rustfmt) echo "$2-web" ;;
	rustc-web/*) echo "rust-web-$2" ;;
	rustc/cargo | rustc/rustfmt) echo "$2" ;;
	rustc/*) echo "rust-$2" ;;
	esac
}

setup_no_rust() { # needed
	die "Rust $1 or newer is needed and is not here" \
		"Install rustup as https://rustup.rs describes:" \
		"  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- --profile default" \
		"then open a new shell and start this script again."
}

setup_rust() {
	local needed version family
	needed="$(setup_rust_needed)"
	if ! command -v cargo >/dev/null && [[ -x "$HOME/.cargo/bin/cargo" ]]; then export PATH="$HOME/.cargo/bin:$PATH"; fi

	if ! command -v rustup >/dev/null && [[ -z "$(setup_rust_version)" ]]; then
		[[ -z "$SETUP_CHECK" ]] || setup_no_rust "$needed"
		setup_apt_update
		if apt-cache policy rustup 2>/dev/null | grep -q 'Candidate: [0-9]'; then
			say "Installing rustup: it brings Rust $needed or newer, which everything here is written in"
			setup_apt_install rustup
		else
			family="$(setup_packaged_rust "$needed")"
			[[ -n "$family" ]] || setup_no_rust "$needed"
			say "Installing $family: everything here is written in Rust"
			setup_apt_install "$family" "$(setup_rust_package "$family" cargo)"
		fi
		hash -r
	fi

	version="$(setup_rust_version)"
	if [[ -z "$version" ]] && command -v rustup >/dev/null; then
		[[ -z "$SETUP_CHECK" ]] || die "rustup has no toolchain yet" "Run: rustup default stable"
		say "Fetching Rust stable: rustup is here, but has no toolchain yet"
		rustup default stable >&2 || die "rustup could not fetch the stable toolchain" \
			"The reason stands above. Without network, install Rust $needed by other means and start again."
		version="$(setup_rust_version)"
	fi
	[[ -n "$version" ]] || setup_no_rust "$needed"
	if ! setup_at_least "$version" "$needed"; then
		if command -v rustup >/dev/null; then
			die "this is Rust $version, and $needed or newer is needed" "Run: rustup update stable && rustup default stable"
		fi
		note "this is Rust $version, too old"
		setup_no_rust "$needed"
	fi
}

setup_rust_for_tests() {
	local tool family missing=()
	cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
	cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
	((${#missing[@]})) || return 0
	[[ -z "$SETUP_CHECK" ]] || die "not installed: ${missing[*]}" "Run scripts/setup.sh --tests to install them."
	say "Installing ${missing[*]}: the tests check the form of the code with them"
	if command -v rustup >/dev/null; then
		rustup component add "${missing[@]}" >&2 || die "rustup could not fetch ${missing[*]}" "The reason stands above."
		return
	fi
	setup_apt_update
	setup_installed rustc-web && family=rustc-web || family=rustc
	for tool in "${missing[@]}"; do setup_apt_install "$(setup_rust_package "$family" "$tool")"; done
}

# Whether the compiler (of the toolchain $1, if given) has the standard library for the wasm target.
setup_has_wasm() {
	local libdir
	libdir="$(rustc ${1:+"+$1"} --print target-libdir --target "$WASM_TARGET" 2>/dev/null)" || return 1
	compgen -G "$libdir/libcore-*.rlib" >/dev/null
}

setup_wasm() {
	local toolchain
	! setup_has_wasm "${WASM_BUILD_TOOLCHAIN:-}" || return 0
	if command -v rustup >/dev/null; then
		if setup_has_wasm elapse-wasm; then
			export WASM_BUILD_TOOLCHAIN=elapse-wasm
			return
		fi
		[[ -z "$SETUP_CHECK" ]] || die "the target $WASM_TARGET is missing" "Run: rustup target add $WASM_TARGET"
		say "Adding the Rust target $WASM_TARGET: the runtime is compiled to WebAssembly with it"
		if rustup target add "$WASM_TARGET" >&2; then return; fi
		note "rustup did not hand it out"
	fi
	[[ -z "$SETUP_CHECK" ]] || die "the target $WASM_TARGET is missing" "Run scripts/setup.sh to install it."
	say "Building the standard library for $WASM_TARGET from your distribution's sources"
	setup_apt_update
	toolchain="$("$ELAPSE_ROOT/scripts/wasm-toolchain.sh")" ||
		die "there is no way here to get the Rust target $WASM_TARGET" "The reason stands above."
	if [[ -n "$toolchain" ]]; then export WASM_BUILD_TOOLCHAIN="$toolchain"; fi
}

setup() { # [--tests] [--check]
	local tests='' os=''
	SETUP_CHECK=
	while (($#)); do
		case "$1" in
		--tests) tests=yes ;;
		--check) SETUP_CHECK=yes ;;
		*) die "setup.sh does not know the option '$1'" "Try scripts/setup.sh --help" ;;
		esac
		shift
	done
	# shellcheck source=/dev/null
	os="$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${ID_LIKE:-}")" || true
	if [[ " $os " == *" debian "* || " $os " == *" ubuntu "* ]]; then
		setup_system_packages "${SETUP_PACKAGES[@]}"
		[[ -z "$tests" ]] || setup_system_packages "${SETUP_TEST_PACKAGES[@]}"
	else
		note "this is not Debian or Ubuntu: installing nothing. Needed are a C toolchain, pkg-config, protoc,"
		note "the tpm2-tss development files, swtpm with swtpm_setup, tpm2-tools (tests) and Rust $(setup_rust_needed)."
	fi
	setup_rust
	[[ -z "$tests" ]] || setup_rust_for_tests
	setup_wasm
}

if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then
	for argument in "$@"; do
		if [[ "$argument" == --help || "$argument" == -h ]]; then
			usage
			exit 0
		fi
	done
	setup "$@"
	say "Ready: $(rustc --version), $(swtpm --version | head -n 1 | sed 's/,.*//')"
fi
