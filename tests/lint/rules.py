#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of the tree that are one look at each file: its argument names the rule."""

import re
import sys

import tree

CODE = (".c", ".h", ".asm", ".S", ".py", ".sh", ".ld", ".asl", ".mk", ".ini", ".cfg")
FUNCTION_LINES, FUNCTION_LIMIT = 50, 80  # "about 50": told above the first, refused above the second
FILE_LINES, FILE_LIMIT = 500, 600


def spdx():
    """Each source says its licence in its first three lines."""
    for path in tree.files():
        text = tree.text(path)
        if path.suffix in CODE[:9] or path.name == "Makefile" or text.startswith("#!"):
            if not any("SPDX-License-Identifier: Apache-2.0" in line for line in text.splitlines()[:3]):
                yield f"{path}:1: no line SPDX-License-Identifier: Apache-2.0"


ARCHITECTURES = {"x86", "arm64"}
# Files of one architecture's machines beside the folders of architectures: devices and firmware tables that only those have.
ONE_MACHINES = re.compile(r"boot/(acpi|multiboot/|uefi/libc/).*|guest/vmm/dev/(gicv2m|ioapic|i8259|i8254|mc146818|acpi_pm)\.[ch]")
GUARD = re.compile(r"\s*#\s*ifndef \w+_H$|\s*#\s*ifndef static_assert$")
CONDITION = re.compile(r"\s*#\s*(if|ifdef|ifndef|elif)\b")
NAMES = re.compile(r"(?<![a-z])(vmx|svm|ept|npt|vmcs|vmcb|gic(v\d\w*)?|vhe|el[123]|hcr|x86\w*|i386|arm64\w*|aarch64\w*)(?![a-z])", re.I)
ASSEMBLY = re.compile(r"\b(__)?asm(__)?\s*(volatile|goto|\()")


def without_comments(text):
    """@text with blanks in the place of its comments, line for line."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S)


def portable():
    """What lies beside the architectures' folders in hv/, arch/iface, drivers, guest/ does not know which one it is for: no
    conditional compilation but a header's guard, no assembly, and of the names of CPUs' features none but in comments (in hv/*.c
    and hv/lib not there either)."""
    for path in tree.files(".c", ".h", ".S", ".asm"):
        name = str(path)
        if path.parts[0] not in ("hv", "drivers", "guest", "boot") and path.parts[:2] != ("arch", "iface"):
            continue
        if ARCHITECTURES & set(path.parts) or ONE_MACHINES.fullmatch(name):
            continue
        if path.suffix in (".S", ".asm"):
            yield f"{path}:1: assembly beside the architectures' folders"
            continue
        text = tree.text(path)
        strict = path.parts[0] == "hv" and path.parts[1] != "abi"
        for number, line in enumerate((text if strict else without_comments(text)).splitlines(), 1):
            if CONDITION.match(line) and not GUARD.match(line.rstrip()):
                yield f"{path}:{number}: conditional compilation"
            if NAMES.search(line):
                yield f"{path}:{number}: '{NAMES.search(line)[0]}'"
        for number, line in enumerate(without_comments(text).splitlines(), 1):
            if ASSEMBLY.search(line):
                yield f"{path}:{number}: assembly"


def archives():
    """No name of a package archive's host: the machine's own configuration has them."""
    host = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:debian|ubuntu)\.(?:org|net|com)\b")
    for path in tree.files():
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if host.search(line):
                yield f"{path}:{number}: names a host, '{host.search(line)[0]}'"


def functions(path):
    """(name, first line, lines) of each function of a C file in the Linux kernel's style."""
    lines = tree.text(path).splitlines()
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            head = next((l for l in reversed(lines[: start - 1]) if re.match(r"[A-Za-z_]", l)), "?")
            found = re.search(r"(\w+)\(", head)
            yield found[1] if found else "?", start - 1, number - start - 1
            start = None


def lengths():
    """Functions of about 50 lines, files of about 500 (a test's may be longer)."""
    for path in tree.files(".c", ".h"):
        total = len(tree.text(path).splitlines())
        if total > FILE_LINES:
            message = f"{path}: {total} lines"
            if total > FILE_LIMIT and path.parts[0] != "tests":
                yield message
            else:
                print(f"note: {message}")
        for name, number, count in functions(path):
            message = f"{path}:{number}: {name} has {count} lines"
            if count > FUNCTION_LIMIT and path.parts[0] != "tests":
                yield message
            elif count > FUNCTION_LINES:
                print(f"note: {message}")


def unfinished():
    """Nothing is left for later."""
    word = re.compile(r"\b(TODO|FIXME|XXX)\b")
    for path in tree.files(*CODE):
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            if word.search(line) and path.name != "rules.py":
                yield f"{path}:{number}: {word.search(line)[0]}"


RULES = {f.__name__: f for f in (spdx, portable, archives, lengths, unfinished)}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in RULES:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(RULES)}")
    tree.finish(list(RULES[sys.argv[1]]()))
