#!/usr/bin/env bash
# Builds the part of Rust's standard library that a Substrate runtime needs (core, alloc) for wasm32v1-none, from
# Debian's or Ubuntu's own packages. For machines on which `rustup target add wasm32v1-none` is refused, or that have no
# rustup.
#
#   scripts/wasm-toolchain.sh
#
# Prints on standard output the name of the toolchain to export as WASM_BUILD_TOOLCHAIN, or an empty line if the Rust on
# the PATH is the distribution's and got the target itself. setup.sh calls this where it has to.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
if [[ "${1:-}" == --help || "${1:-}" == -h ]]; then
	usage
	exit 0
fi

TARGET=wasm32v1-none
needed="$(setup_rust_needed)"
family="$(setup_packaged_rust "$needed")"
[[ -n "$family" ]] || die "your distribution has no Rust $needed or newer to build $TARGET with" \
	"With network: rustup target add $TARGET"

# The linker for wasm: the newest lld that the distribution has.
lld="$(apt-cache pkgnames lld- | grep -E '^lld-[0-9]+$' | sort -t- -k2 -n | tail -n 1)"
[[ -n "$lld" ]] || lld=lld
source_package="$(setup_rust_package "$family" src)"
missing=()
for package in "$family" "$(setup_rust_package "$family" cargo)" "$source_package" "$lld"; do
	setup_installed "$package" || missing+=("$package")
done
if ((${#missing[@]})); then
	say "Installing ${missing[*]}: compiler, standard library sources and linker for $TARGET"
	setup_apt_install "${missing[@]}"
fi

rustc=/usr/bin/rustc
cargo=/usr/bin/cargo
sysroot="$("$rustc" --print sysroot)"
host="$("$rustc" -vV | sed -n 's/^host: //p')"
library="$sysroot/lib/rustlib/src/rust/library"
[[ -f "$library/core/src/lib.rs" ]] || die "$source_package is installed, yet $library/core is not there"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir "$work/src"
cat >"$work/Cargo.toml" <<-TOML
	[package]
	name = "core-for-wasm"
	version = "0.1.0"
	edition = "2021"

	[profile.release]
	panic = "abort"

	[workspace]
TOML
printf '#![no_std]\nextern crate alloc;\n' >"$work/src/lib.rs"
# Debian's source package is not where Cargo looks for a rustup component: Cargo's own tests have a variable for that.
(cd "$work" && env -u RUSTUP_TOOLCHAIN -u CARGO_TARGET_DIR PATH="/usr/bin:$PATH" RUSTC="$rustc" RUSTC_BOOTSTRAP=1 \
	__CARGO_TESTS_ONLY_SRC_ROOT="$library" \
	"$cargo" build --release -Zbuild-std=core,alloc --target "$TARGET" --target-dir "$work/target" >&2) ||
	die "the standard library for $TARGET could not be built" "The compiler's words stand above."

libdir="$sysroot/lib/rustlib/$TARGET/lib"
setup_as_root mkdir -p "$libdir"
setup_as_root cp "$work/target/$TARGET/release/deps/"lib{core,alloc,compiler_builtins}-*.{rlib,rmeta} "$libdir/"

# rustc looks for its own wasm linker here.
tools="$sysroot/lib/rustlib/$host/bin"
if [[ ! -x "$tools/rust-lld" ]]; then
	version="${lld#lld-}"
	[[ "$version" == lld ]] && linker=/usr/bin/lld || linker="/usr/lib/llvm-$version/bin/lld"
	printf '#!/bin/sh\nexec %s "$@"\n' "$linker" >"$work/rust-lld"
	setup_as_root mkdir -p "$tools"
	setup_as_root install -m 755 "$work/rust-lld" "$tools/rust-lld"
fi

if command -v rustup >/dev/null; then
	rustup toolchain link elapse-wasm "$sysroot" >&2
	echo elapse-wasm
else
	echo
fi
