#!/bin/sh
# Builds fileserver.wasm from fileserver.c. It needs clang with wasi-libc (Debian: clang-19,
# lld-19, libclang-rt-19-dev-wasm32, wasi-libc), and wit-bindgen 0.63 and
# wasm-tools on the PATH.
set -eu
cd "$(dirname "$0")"
clang=${CLANG:-$(command -v clang-19 || command -v clang)}
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
mkdir -p "$tmp/wit/deps"
cp world.wit "$tmp/wit/"
cp -R ../../wit/wasi/0.2.12/* "$tmp/wit/deps/"
wit-bindgen c --out-dir "$tmp/gen" --world fileserver "$tmp/wit"
"$clang" --target=wasm32-wasi -mexec-model=reactor -Oz -Wall -I"$tmp/gen" \
	-o "$tmp/core.wasm" fileserver.c "$tmp/gen/fileserver.c" "$tmp/gen/fileserver_component_type.o" -Wl,--strip-debug
wasm-tools component new "$tmp/core.wasm" -o fileserver.wasm
