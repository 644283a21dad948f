#!/bin/sh
# Builds wc.wasm from wc.c, which is plain C: the C library speaks WASI preview 1,
# and an adapter makes a component of it. It needs clang with wasi-libc (Debian:
# clang-19, lld-19, libclang-rt-19-dev-wasm32, wasi-libc), wasm-tools on the PATH,
# and in ADAPTER the file wasi_snapshot_preview1.command.wasm, of a release of
# wasmtime or of the npm package @bytecodealliance/jco.
set -eu
cd "$(dirname "$0")"
clang=${CLANG:-$(command -v clang-19 || command -v clang)}
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
"$clang" --target=wasm32-wasi -Oz -Wall -o "$tmp/core.wasm" wc.c -Wl,--strip-all
wasm-tools component new "$tmp/core.wasm" --adapt wasi_snapshot_preview1="$ADAPTER" -o wc.wasm
