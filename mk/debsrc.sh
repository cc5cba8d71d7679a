#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mk/debsrc.sh [--pristine | --orig] PACKAGE DESTDIR [SUITE]: unpack the Debian source of PACKAGE into DESTDIR/PACKAGE, with
# Debian's patches or, --pristine, without; --orig asks for the authors' tar file alone, Debian's part is not even fetched (some
# mirrors hold the one and not the other). It comes from the archives that this machine's apt is configured with, their entries turned
# to deb-src in a private copy. Where those list the package but no longer hold its files, SUITE of the same archive is tried.
# apt checks the archive's signature and the files' checksums, dpkg-source those of the parts once more.
set -eu
patches=
orig=
[ "${1-}" != --pristine ] || { patches=--skip-patches; shift; }
[ "${1-}" != --orig ] || { orig=--tar-only; shift; }
[ $# = 2 ] || [ $# = 3 ] || { echo "usage: $0 [--pristine | --orig] PACKAGE DESTDIR [SUITE]" >&2; exit 2; }
package=$1
suite=${3-}
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

fetch() {
	# shellcheck disable=SC2086 # empty, or one word
	apt_get update >"$apt/$package.log" 2>&1 &&
		apt_get source --download-only $orig "$package" >>"$apt/$package.log" 2>&1
}

# Leave of the sources the first entry, with $suite for its suites.
use_suite() {
	for f in "$apt"/sources/*; do
		{ [ -z "${entry-}" ] && [ -s "$f" ]; } || continue
		case $f in
		*.list) entry=$(sed -n "1s/\([a-z+]*:\/\/[^ ]*\) *[^ ]*/\1 $suite/p" "$f") ;;
		*) entry=$(sed "/^\$/q; s/^[Ss]uites:.*/Suites: $suite/" "$f") ;;
		esac
		type=${f##*.}
	done
	rm -f "$apt"/sources/*
	printf '%s\n' "$entry" >"$apt/sources/other.$type"
}

cd "$apt/$package"
rm -f ./*.dsc ./*.tar.*
if ! fetch; then
	[ -n "$suite" ] || { cat "$apt/$package.log" >&2; exit 1; }
	echo "debsrc: $package cannot be had from the configured suites, trying $suite"
	use_suite
	rm -f ./*.dsc ./*.tar.*
	fetch || { cat "$apt/$package.log" >&2; exit 1; }
fi
rm -rf "$dest/$package.new" "${dest:?}/$package"
unpack() {
	if [ -n "$orig" ]; then
		mkdir "$dest/$package.new" && tar -xf ./*.orig.tar.* --strip-components=1 -C "$dest/$package.new"
	else
		# shellcheck disable=SC2086 # empty, or one word
		dpkg-source --no-copy $patches -x ./*.dsc "$dest/$package.new"
	fi
}
unpack >>"$apt/$package.log" 2>&1 || { cat "$apt/$package.log" >&2; exit 1; }
mv "$dest/$package.new" "$dest/$package"
