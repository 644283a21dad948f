#!/bin/sh
# Builds the Rust component of a folder, the crate of DIR/Cargo.toml, into
# DIR/NAME.wasm, where NAME is the last part of DIR and the crate's name.
#
#	build-rust.sh DIR        for wasm32-unknown-unknown: only what wasi:http has
#	build-rust.sh DIR JCO    for wasm32-wasip1, made a component by that jco, with
#	                         the adapter from preview 1 that it carries
#
# It needs Rust with that target, and wasm-tools on the PATH. Where Rust comes
# without the target but with the sources of std (Debian: rustc-web, rust-web-src,
# cargo-web, lld-19, wasi-libc), std is built as well; CARGO_TARGET_DIR shares it
# between guests.
set -eu
dir=$(cd "$1" && pwd)
name=$(basename "$dir")
jco=${2:+$(cd "$(dirname "$2")" && pwd)/$(basename "$2")}
RUSTC=${RUSTC:-rustc}
export RUSTC
target=wasm32-unknown-unknown
test -n "$jco" && target=wasm32-wasip1
sysroot=$("$RUSTC" --print sysroot)
cargo=${CARGO:-cargo}
# The component must not carry the paths of the machine that built it.
flags="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$sysroot/lib/rustlib/src/rust=rust"
set -- --locked --target "$target"
if ! test -d "$sysroot/lib/rustlib/$target/lib"; then
	export RUSTC_BOOTSTRAP=1
	set -- "$@" -Zbuild-std=std,panic_abort
	flags="$flags -Clinker=$(command -v wasm-ld-19 || command -v wasm-ld)"
	test -n "$jco" && flags="$flags -Clink-self-contained=no -Lnative=/usr/lib/wasm32-wasi"
fi
cd "$dir"
# Nor where the crates came from: the path of a crate begins at its own folder. The
# folders of the registries are there once the crates are fetched, and where two
# prefixes match, rustc takes the last.
"$cargo" fetch --quiet "$@"
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
	flags="$flags --remap-path-prefix=$registry="
done
RUSTFLAGS="$flags" "$cargo" build --quiet --release "$@"
core=${CARGO_TARGET_DIR:-target}/$target/release/$name.wasm
if test -n "$jco"; then
	"$jco" new --wasi-reactor "$core" -o "$name.wasm"
else
	wasm-tools component new "$core" -o "$name.wasm"
fi
