#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Static analysis of everything that goes into the image.
set -eu
cd "$(dirname "$0")/../.."
set --
for d in arch boot drivers guest hv; do
	[ ! -d "$d" ] || set -- "$@" "$d"
done
mkdir -p build/cppcheck
exec cppcheck --quiet -j2 --cppcheck-build-dir=build/cppcheck --enable=warning,portability --inline-suppr \
	--suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 --std=c11 --language=c --platform=unix64 \
	--template='{file}:{line}: {message} [{id}]' -I. -Ihv/abi/x86 -Iarch/x86 -D__x86_64__ -D__STDC_VERSION__=201710L "$@"
