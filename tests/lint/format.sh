#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The layout that .clang-format gives. Versions differ in small things: only 14, Debian 12's, decides (77: skipped).
set -eu
cd "$(dirname "$0")/../.."
tool=$(command -v clang-format-14 || command -v clang-format) || exit 77
"$tool" --version | grep -q 'version 14\.' || { echo "clang-format is not version 14"; exit 77; }
git ls-files -co --exclude-standard '*.c' '*.h' | while read -r f; do [ ! -f "$f" ] || echo "$f"; done |
	xargs -r "$tool" --dry-run -Werror
