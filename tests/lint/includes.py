#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: the architecture's table (docs/architecture.md), run.

Includes are written from the root, so that the path shows the layer. Two exceptions: "self/x.h" is a header that each
architecture has in its own version (hv/abi/ARCH/self, arch/ARCH/self, guest/rt/ARCH/self, guest/vmm/ARCH/self), and a
library's header has a bare name. What lies in a folder of an architecture (x86, arm64) is included from folders of that
architecture alone: everything else reaches it by "self/x.h".
"""

import re

import tree

ABI, LIB, IFACE, SELF, RT = "hv/abi", "hv/lib", "arch/iface", "arch/self", "guest/rt"
ARCHITECTURES = {"x86", "arm64"}
OWN = "own"  # the including file's own layer; for an architecture, its own folder

# A layer may include itself and these.
MAY_INCLUDE = {
    ABI: {OWN},
    LIB: {OWN, ABI},
    IFACE: {OWN, LIB, ABI, SELF},
    "arch": {OWN, IFACE, LIB, ABI, SELF},
    "drivers": {OWN, IFACE, LIB, ABI},
    "hv": {OWN, IFACE, "drivers", LIB, ABI},
    "boot": {OWN, LIB, ABI},
    RT: {OWN, LIB, ABI},
    "guest/vmm": {OWN, RT, LIB, ABI},
    "guest/drv": {OWN, RT, LIB, ABI},
    "guest/proc": {OWN, RT, LIB, ABI},
    "guest/test": {OWN, RT, LIB, ABI},
    "guest/service": {OWN, RT, LIB, ABI, "guest/vmm", "guest/drv", "guest/proc"},
}
FREESTANDING = {"stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdalign.h", "limits.h"}
INTRINSICS = {"x86": {"cpuid.h"}}
# Headers of libraries: who uses them.
LIBRARY = {"ini.h": {"guest/service"}, "ini.c": {"guest/service"}, "libfdt.h": {"boot", "guest/vmm", "guest/service"},
           "efi.h": {"boot/uefi"}}


def layer(path):
    """The layer of the file @path, a row of the table, and its own folder."""
    parts = path.parts
    if parts[0] == "hv":
        return (f"hv/{parts[1]}",) * 2 if parts[1] in ("abi", "lib") else ("hv", "hv")
    if parts[0] == "arch":
        if "self" in parts:
            return SELF, f"arch/{parts[1]}"
        return (IFACE, IFACE) if parts[1] == "iface" else ("arch", f"arch/{parts[1]}")
    if parts[0] == "guest":
        return (f"guest/{parts[1]}",) * 2
    return parts[0], parts[0]


def resolve(name):
    """The file in the tree that "name" means, or None."""
    if name.startswith("self/"):
        for pattern in (f"hv/abi/*/{name}", f"arch/*/{name}", f"guest/rt/*/{name}", f"guest/vmm/*/{name}"):
            for found in sorted(tree.ROOT.glob(pattern)):
                return tree.pathlib.PurePosixPath(found.relative_to(tree.ROOT))
        return None
    return tree.pathlib.PurePosixPath(name) if (tree.ROOT / name).is_file() else None


def check(path, name, angle):
    """What is wrong with @path's including @name, or None."""
    mine, own = layer(path)
    if name in LIBRARY:
        used = mine in LIBRARY[name] or "/".join(path.parts[:2]) in LIBRARY[name]
        return None if used else f"only {' and '.join(sorted(LIBRARY[name]))} use this library"
    if angle:
        if own == "arch/host":
            return None  # it runs on the build machine, in unit tests
        if name in FREESTANDING or (mine == "arch" and name in INTRINSICS.get(own.split("/")[1], ())):
            return None
        return f"<{name}> is not a freestanding header"
    target = resolve(name)
    if target is None:
        if name.startswith("build/") or name.startswith("gen/"):
            return None  # generated
        return "not in the tree: includes are written from the root"
    which = ARCHITECTURES & set(target.parts)
    if which and not name.startswith("self/") and not which & set(path.parts):
        return f"only what is {' or '.join(which)}'s may include it"
    theirs, folder = layer(target)
    allowed = MAY_INCLUDE["arch" if mine == SELF else mine]
    if theirs == mine and folder == own:
        return None
    if theirs in allowed or (mine == SELF and theirs == SELF) or (theirs == SELF and mine == "arch"):
        return None
    if mine == SELF and theirs == "arch" and folder == own:
        return None
    return f"{mine} may not include {theirs}"


def main():
    problems = []
    for path in tree.files(".c", ".h", ".S"):
        if path.parts[0] == "tests" or path.parts[:3] in (("guest", "rt", "libc"), ("boot", "uefi", "libc")):
            continue
        if layer(path)[0] not in MAY_INCLUDE and layer(path)[0] != SELF:
            problems.append(f"{path}:1: {layer(path)[0]} has no row in tests/lint/includes.py")
            continue
        for number, line in enumerate(tree.text(path).splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            problem = found and check(path, found[2], found[1] == "<")
            if problem:
                problems.append(f"{path}:{number}: {found[2]}: {problem}")
    tree.finish(problems)


if __name__ == "__main__":
    main()
