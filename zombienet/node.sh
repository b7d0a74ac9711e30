#!/usr/bin/env bash
# The `command` of the nodes in this folder's networks. Zombienet gives every node an empty base path; a member needs
# the one in which its TPM and keys were made. So: copy that one, once, then become the node.
set -euo pipefail
prepared="$(cd "$(dirname "$0")" && pwd)"

name='' base='' previous=''
for argument in "$@"; do
	case "$previous" in
	--name) name=$argument ;;
	--base-path) base=$argument ;;
	esac
	previous=$argument
done
if [[ -n "$name" && -n "$base" && -d "$prepared/$name/tpm" && ! -d "$base/tpm" ]]; then
	mkdir -p "$base"
	cp -a "$prepared/$name/tpm" "$base/"
	# Keys only: zombienet gives the node a network key of its own.
	for keystore in "$prepared/$name"/chains/*/keystore; do
		chain="$(basename "$(dirname "$keystore")")"
		mkdir -p "$base/chains/$chain/keystore"
		cp -a "$keystore/." "$base/chains/$chain/keystore/"
	done
fi
exec "$prepared/elapse-node" "$@"
