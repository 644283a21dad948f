#!/bin/sh
# Builds plugin.wasm from plugin.c. It needs wit-bindgen 0.63, wasm-tools, clang
# with the wasm32 target, wasm-ld and wasi-libc (Debian: clang-19, lld-19, wasi-libc).
set -eu
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
${WIT_BINDGEN:-wit-bindgen} c ../wit --out-dir "$out"
${CLANG:-clang-19} --target=wasm32-wasi -O2 -Wall -Wno-unused-function -nostartfiles -nodefaultlibs \
	-fuse-ld="${WASM_LD:-$(command -v wasm-ld-19 || command -v wasm-ld)}" -Wl,--no-entry -Wl,--strip-all \
	-I"$out" -o "$out/core.wasm" plugin.c "$out/text_plugin.c" "$out/text_plugin_component_type.o" -lc
${WASM_TOOLS:-wasm-tools} component new "$out/core.wasm" -o ../plugin.wasm
