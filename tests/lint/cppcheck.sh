#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Static analysis of everything that goes into the images, once for each architecture with its headers.
set -eu
cd "$(dirname "$0")/../.."
status=0
for arch in x86 arm64; do
	case $arch in
	x86) other=arm64 macro=__x86_64__ ;;
	arm64) other=x86 macro=__aarch64__ ;;
	esac
	mkdir -p "build/cppcheck/$arch"
	# shellcheck disable=SC2046 # a list of names without spaces
	cppcheck --quiet -j2 --cppcheck-build-dir="build/cppcheck/$arch" --enable=warning,portability --inline-suppr \
		--suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 --std=c11 --language=c --platform=unix64 \
		--template='{file}:{line}: {message} [{id}]' -I. "-Ihv/abi/$arch" "-Iarch/$arch" "-Iguest/rt/$arch" \
		"-Iguest/vmm/$arch" "-D$macro" -D__STDC_VERSION__=201710L \
		$(git ls-files -co --exclude-standard 'arch/*.c' 'boot/*.c' 'drivers/*.c' 'guest/*.c' 'hv/*.c' |
			grep -v "/$other/" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done) || status=1
done
exit $status
