#!/bin/sh
# Builds the JavaScript component of a folder, DIR/NAME.js for the world NAME of
# DIR/world.wit, into DIR/NAME.wasm, where NAME is the last part of DIR.
#
#	build-javascript.sh DIR COMPONENTIZE
#
# COMPONENTIZE is the program componentize-js.
set -eu
dir=$1
componentize=$2
name=$(basename "$dir")
tmp=$(mktemp -d)
trap 'rm -r "$tmp"' EXIT
"$(dirname "$0")/wit.sh" "$dir" "$tmp/wit"
"$componentize" "$dir/$name.js" --wit "$tmp/wit" --world-name "$name" --out "$dir/$name.wasm"
