#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mk/debsrc.sh PACKAGE DESTDIR: unpack the Debian source of PACKAGE, with Debian's patches, into DESTDIR/PACKAGE.
# It comes from the archives that this machine's apt is configured with, their entries turned to deb-src in a private
# copy. apt checks the archive's signature and the files' checksums, dpkg-source those of the parts once more.
set -eu
[ $# = 2 ] || { echo "usage: $0 PACKAGE DESTDIR" >&2; exit 2; }
package=$1
mkdir -p "$2"
dest=$(cd "$2" && pwd)
apt=$dest/.apt
mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/$package"

rm -f "$apt"/sources/*
for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ -f "$f" ] || continue
	sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$f" >"$apt/sources/$(basename "$f" .list).list"
done
for f in /etc/apt/sources.list.d/*.sources; do
	[ -f "$f" ] || continue
	sed 's/^[Tt]ypes:.*/Types: deb-src/' "$f" >"$apt/sources/$(basename "$f")"
done

apt_get() {
	apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/sources" \
		-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt" -o APT::Sandbox::User="$(id -un)" "$@"
}

apt_get update >"$apt/update.log" 2>&1 || { cat "$apt/update.log" >&2; exit 1; }
cd "$apt/$package"
rm -f ./*.dsc
apt_get source --download-only "$package" >"$apt/$package.log" 2>&1 || { cat "$apt/$package.log" >&2; exit 1; }
rm -rf "$dest/$package.new" "${dest:?}/$package"
dpkg-source --no-copy -x ./*.dsc "$dest/$package.new" >>"$apt/$package.log" 2>&1 || { cat "$apt/$package.log" >&2; exit 1; }
mv "$dest/$package.new" "$dest/$package"
