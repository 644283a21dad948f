#!/bin/sh
# Builds files.wasm from files.c. It needs clang with wasi-libc (Debian: clang-19,
# lld-19, libclang-rt-19-dev-wasm32, wasi-libc), and wit-bindgen 0.63 and
# wasm-tools on the PATH.
set -eu
cd "$(dirname "$0")"
clang=${CLANG:-$(command -v clang-19 || command -v clang)}
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
mkdir -p "$tmp/wit/deps"
cp world.wit "$tmp/wit/"
cp -R ../../../wit/wasi/0.2.12/* "$tmp/wit/deps/"
wit-bindgen c --out-dir "$tmp/gen" --world files "$tmp/wit"
"$clang" --target=wasm32-wasi -mexec-model=reactor -Oz -Wall -I"$tmp/gen" \
	-o "$tmp/core.wasm" files.c "$tmp/gen/files.c" "$tmp/gen/files_component_type.o" -Wl,--strip-debug
wasm-tools component new "$tmp/core.wasm" -o files.wasm
