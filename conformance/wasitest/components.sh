#!/bin/sh
# Makes components of the preview 1 programs of wasi-testsuite, for the test in
# this folder: components.sh SUITE ADAPTER OUT
#
#   SUITE    a checkout of the branch prod/testsuite-base of
#            github.com/WebAssembly/wasi-testsuite, which has the programs built
#   ADAPTER  wasi_snapshot_preview1.command.wasm, of a release of wasmtime or of
#            the npm package @bytecodealliance/jco
#   OUT      where to write them
#
# It needs wasm-tools on the PATH.
set -eu
suite=$1 adapter=$2 out=$3
for language in rust c assemblyscript; do
	from=$suite/tests/$language/testsuite/wasm32-wasip1
	mkdir -p "$out/$language"
	cp -R "$from/." "$out/$language/"
	for program in "$from"/*.wasm; do
		wasm-tools component new "$program" --adapt wasi_snapshot_preview1="$adapter" \
			-o "$out/$language/${program##*/}"
	done
done
