#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mk/kernelsrc.sh DESTDIR FOLDER...: of the kernel's source in Debian's package linux-source, put those folders into DESTDIR.
# apt, with the archives that this machine is configured with, checks what it downloads.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 DESTDIR FOLDER..." >&2; exit 2; }
mkdir -p "$1"
dest=$(cd "$1" && pwd)
shift
# The package's name has the kernel's version in it: this one depends on the newest.
name() { apt-cache depends linux-source 2>/dev/null | sed -n 's/^ *Depends: \(linux-source-[0-9.]*\)$/\1/p'; }
package=$(name)
[ -n "$package" ] || { apt-get -q update >/dev/null 2>&1 || :; package=$(name); }
[ -n "$package" ] || { echo "kernelsrc: apt knows no package linux-source: run 'apt-get update' as root" >&2; exit 1; }
work=$(mktemp -d "$dest/.new.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get -q download "$package" >log 2>&1) || { cat "$work/log" >&2; exit 1; }
for folder; do
	set -- "$@" "$package/$folder"
	shift
done
dpkg-deb --fsys-tarfile "$work"/*.deb | tar -xO --wildcards "*/$package.tar.xz" | xz -dc | tar -x -C "$work" "$@"
for folder; do
	folder=${folder#"$package"/}
	rm -rf "${dest:?}/$folder"
	mkdir -p "$(dirname "$dest/$folder")"
	mv "$work/$package/$folder" "$dest/$folder"
done
