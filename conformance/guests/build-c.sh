#!/bin/sh
# Builds the C component of a folder, DIR/NAME.c for the world of DIR/world.wit,
# into DIR/NAME.wasm, where NAME is the last part of DIR.
#
# It needs clang with wasi-libc (Debian: clang-19, lld-19, libclang-rt-19-dev-wasm32,
# wasi-libc), and wit-bindgen 0.63 and wasm-tools on the PATH.
set -eu
dir=$1
name=$(basename "$dir")
world=$(sed -n 's/^world \([a-z]*\) .*/\1/p' "$dir/world.wit")
clang=${CLANG:-$(command -v clang-19 || command -v clang)}
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
"$(dirname "$0")/wit.sh" "$dir" "$tmp/wit"
wit-bindgen c --out-dir "$tmp/gen" --world "$world" "$tmp/wit"
"$clang" --target=wasm32-wasi -mexec-model=reactor -Oz -Wall -Wno-unused-function -I"$tmp/gen" \
	-o "$tmp/core.wasm" "$dir/$name.c" "$tmp/gen/$world.c" "$tmp/gen/${world}_component_type.o" -Wl,--strip-debug
wasm-tools component new "$tmp/core.wasm" -o "$dir/$name.wasm"
