#!/bin/sh
# Gathers the WIT of a guest's world in a folder: DIR/world.wit, and under deps
# the texts that it refers to.
#
#	wit.sh DIR TO
#
# Packages before their first release are taken as world.wit names them, such as
# wasi:keyvalue@0.2.0-draft2.
#
# The package wasi:http gets the version whose handler world.wit exports, while
# the packages that it uses keep theirs: real components mix versions so.
set -eu
dir=$1
to=$2
mkdir -p "$to/deps"
cp "$dir/world.wit" "$to/"
cp -R "$(dirname "$0")"/../../wit/wasi/0.2.12/* "$to/deps/"
version=$(sed -n 's|.*export wasi:http/incoming-handler@\(.*\);|\1|p' "$dir/world.wit")
test -n "$version" || exit 0
sed "s/^package wasi:http@.*;/package wasi:http@$version;/" "$to/deps/http/http.wit" >"$to/http.wit"
mv "$to/http.wit" "$to/deps/http/http.wit"
sed -n 's|.* wasi:\([a-z]*\)/[a-z-]*@\(0.2.0-[a-z0-9.]*\);|\1-\2|p' "$dir/world.wit" | sort -u | while read -r package; do
	cp -R "$(dirname "$0")/../../wit/wasi/$package" "$to/deps/"
done
