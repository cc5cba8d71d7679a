#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The layout that .clang-format gives. Versions differ in small things: only 14, Debian 12's, decides (77: skipped).
set -eu
cd "$(dirname "$0")/../.."
tool=$(command -v clang-format-14 || command -v clang-format) || exit 77
"$tool" --version | grep -q 'version 14\.' || { echo "clang-format is not version 14"; exit 77; }
files=$(git ls-files -co --exclude-standard '*.c' '*.h' | while read -r f; do [ ! -f "$f" ] || echo "$f"; done)
# shellcheck disable=SC2086 # a list of names without spaces
wrong=$("$tool" --dry-run -Werror $files 2>&1 | sed -n 's/^\([^:]*:[0-9]*\):.*error:.*/\1: not as .clang-format says/p')
[ -z "$wrong" ] || { echo "$wrong" | head -40; echo "$(echo "$wrong" | wc -l) places; 'make format' puts them right"; exit 1; }
