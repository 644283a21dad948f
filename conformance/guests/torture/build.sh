#!/bin/sh
# Builds torture.wasm. It needs Rust with the target wasm32-unknown-unknown, and
# wasm-tools on the PATH.
set -eu
cd "$(dirname "$0")"
# The component must not carry the paths of the machine that built it.
RUSTFLAGS="--remap-path-prefix=$(pwd)=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
export RUSTFLAGS
cargo build --quiet --release --locked --target wasm32-unknown-unknown
wasm-tools component new target/wasm32-unknown-unknown/release/torture.wasm -o torture.wasm
