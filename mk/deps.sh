#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Install the Debian packages that the uses named as arguments need (mk/packages), when any is missing.
set -eu
list=$(dirname "$0")/packages
want=
for use in "$@"; do
	want="$want $(sed -n "s/^$use: *//p" "$list")"
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "deps: not a Debian system; please see to it that you have what these packages hold:$want"
	exit 0
fi

missing=
for p in $want; do
	state=$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true)
	[ "$state" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "deps: as root, run: apt-get install$missing" >&2; exit 1; }
	sudo=sudo
fi
echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get -q update
# shellcheck disable=SC2086 # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
