# SPDX-License-Identifier: Apache-2.0
"""A folder for a web or TFTP server from which iPXE starts Trivet, on a BIOS (Multiboot 1) and on UEFI firmware (trivet.efi)."""

import pathlib
import re
import shutil

from volume import Fault

SCRIPT = "boot.ipxe"


def make_net(folder, content, hypervisor, program, words):
    """Write it: @content is {path: content or host path} of a volume, @hypervisor the 32-bit ELF file, @program our UEFI program,
    @words the hypervisor's command line."""
    files = {path.removeprefix("/trivet/"): item for path, item in content.items() if path != "/trivet/cmdline.txt"}
    for name in files:
        if not re.fullmatch(r"[\w.+-]+", name, re.A):
            raise Fault(f"'{name}': over the network files have names of letters, digits and . _ + - alone, without folders")
    if re.search(r"[^ -~]|\$|&&|\|\|", words):
        raise Fault(f"'{words}' cannot stand in a script of iPXE")
    taken = {"trivet32.elf": hypervisor, "trivet.efi": program}
    for name in (*taken, SCRIPT):
        if name in files:
            raise Fault(f"'{name}': this name is taken")
    strings = {"service.bin": "service", "trivet.ini": "config", "symbols.bin": "hypervisor symbols"}
    modules = [f"module {name} {strings.get(name, name)}" for name in files if name != "trivet.elf"]
    script = ["#!ipxe", "# Written by ./trivet pack --net. Files that trivet.ini names later have to be added to both lists.",
              "iseq ${platform} efi && goto efi ||", f"kernel trivet32.elf {words}", *modules, "boot", ":efi",
              f"kernel trivet.efi {words}", *(f"initrd {name}" for name in files), "boot"]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, item in {**files, **taken, SCRIPT: "".join(f"{line.rstrip()}\n" for line in script).encode()}.items():
        if isinstance(item, pathlib.Path):
            shutil.copyfile(item, folder / name)
        else:
            (folder / name).write_bytes(item)
