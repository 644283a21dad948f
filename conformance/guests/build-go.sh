#!/bin/sh
# Builds the component of a folder with upstream Go, into DIR/NAME.wasm, where
# NAME is the last part of DIR and its world's name:
#
#	build-go.sh DIR ADAPTER
#
# DIR holds go.mod, world.wit, and a package for each interface that the world
# exports, named as wit-bindgen's Go generator names it. The bindings go beside
# them in a folder that does not outlive the build. ADAPTER is the one from
# preview 1 for reactors.
#
# It needs Go 1.25, and wit-bindgen 0.63 and wasm-tools on the PATH.
set -eu
dir=$1
adapter=$2
name=$(basename "$dir")
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
"$(dirname "$0")/wit.sh" "$dir" "$tmp/wit"
wit-bindgen go --quiet --out-dir "$tmp" --world "$name" "$tmp/wit"
cp -R "$dir/go.mod" "$dir/go.sum" "$dir"/export_* "$tmp/"
# -checklinkname=0: the allocator of the bindings uses the runtime's sbrk.
(cd "$tmp" && GOOS=wasip1 GOARCH=wasm ${GO:-go} build -buildmode=c-shared -trimpath -buildvcs=false \
	-ldflags='-s -w -buildid= -checklinkname=0' -o core.wasm .)
wasm-tools component embed --world "$name" "$tmp/wit" "$tmp/core.wasm" -o "$tmp/embedded.wasm"
wasm-tools component new --adapt "wasi_snapshot_preview1=$adapter" "$tmp/embedded.wasm" -o "$dir/$name.wasm"
