#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lines of code (without blanks and comments) and bytes of each part; the arguments are build folders. Fails when an image is too large."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PARTS = {
    "hypervisor": ["hv", "arch", "drivers", "boot"],
    "UEFI loader": ["boot/uefi"],
    "service VM": ["guest/rt", "guest/vmm", "guest/drv", "guest/service", "guest/proc"],
    "test guests": ["guest/test"],
    "tests": ["tests"],
    "tools": ["mk", "trivet"],
}
COMMENTS = {
    ".c": r"/\*.*?\*/|//[^\n]*", ".h": r"/\*.*?\*/|//[^\n]*", ".ld": r"/\*.*?\*/", ".asl": r"/\*.*?\*/|//[^\n]*",
    ".asm": r";[^\n]*", ".S": r"/\*.*?\*/|//[^\n]*", ".py": r"^\s*#[^\n]*", ".sh": r"^\s*#[^\n]*", "": r"^\s*#[^\n]*",
}
LIMITS = {"hypervisor": 128 << 10}  # text, rodata and data


def lines(path):
    """Lines of code of @path."""
    text = path.read_text(errors="replace")
    text = re.sub(COMMENTS[path.suffix], "", text, flags=re.S | re.M)
    return sum(1 for line in text.splitlines() if line.strip())


def sources(folder):
    path = ROOT / folder
    found = [path] if path.is_file() else path.rglob("*")
    other = [ROOT / f for folders in PARTS.values() for f in folders if f != folder and f.startswith(f"{folder}/")]
    return [p for p in found if p.is_file() and p.suffix in COMMENTS and "__pycache__" not in p.parts and
            not any(o in p.parents for o in other)]


def count(folder):
    return sum(lines(p) for p in sources(folder))


def sections(elf):
    """(text, read-only data and data as `size` counts them, zeroed data) in bytes."""
    if not elf.exists():
        return None
    out = subprocess.run(["size", "-A", elf], check=True, stdout=subprocess.PIPE, text=True).stdout
    loaded = zeroed = 0
    for name, size, address in re.findall(r"^(\S+)\s+(\d+)\s+(\d+)$", out, re.M):
        if name == "Total" or name.startswith((".debug", ".comment", ".note")):
            continue
        if ".bss" in name or "stack" in name:
            zeroed += int(size)
        else:
            loaded += int(size)
    return loaded, zeroed


def images(build):
    """Print what is in the folder @build; returns whether it is within the limits."""
    good = True
    for part, name in (("hypervisor", "trivet.elf"), ("service VM", "service.elf")):
        found = sections(build / name)
        if not found:
            continue
        limit = f", at most {LIMITS[part]}" if part in LIMITS else ""
        print(f"{part:12} {found[0]:7} bytes of image{limit}; {found[1]} bytes of zeroed data   ({build})")
        good = good and found[0] <= LIMITS.get(part, found[0])
    return good


def main():
    for part, folders in PARTS.items():
        counts = {f: count(f) for f in folders}
        detail = ", ".join(f"{f} {n}" for f, n in counts.items() if n)
        print(f"{part:12} {sum(counts.values()):7} lines   ({detail})")
    for arch in sorted((ROOT / "arch").glob("*/")):
        print(f"{'':12} {count(arch):7} lines of it in {arch.relative_to(ROOT)}")
    return 0 if all([images(pathlib.Path(build)) for build in sys.argv[1:]]) else 1


if __name__ == "__main__":
    sys.exit(main())
