#!/bin/sh
# Builds sockets.wasm from sockets.c. It needs clang with wasi-libc, and
# wit-bindgen (0.63) and wasm-tools on the PATH.
set -eu
cd "$(dirname "$0")"
CLANG=${CLANG:-clang}
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
mkdir -p "$tmp/wit/deps"
cp world.wit "$tmp/wit/"
cp -R ../../../wit/wasi/0.2.12/* "$tmp/wit/deps/"
wit-bindgen c --out-dir "$tmp/gen" --world program "$tmp/wit"
"$CLANG" --target=wasm32-wasi -mexec-model=reactor -Oz -Wall -I"$tmp/gen" \
	-o "$tmp/core.wasm" sockets.c "$tmp/gen/program.c" "$tmp/gen/program_component_type.o" -Wl,--strip-debug
wasm-tools component new "$tmp/core.wasm" -o sockets.wasm
