# SPDX-License-Identifier: Apache-2.0
"""A FAT volume with Trivet's folder, as boot/uefi and boot/image/menu.cfg read it, in a partition or alone."""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile

LABEL = "TRIVET"
SECTOR = 512
VOLUME_START = 1 << 20  # bytes before the file system: the partition table
VOLUME_MOST, FILE_MOST = 128 << 30, (4 << 30) - 1  # bytes
FAT32, EFI_SYSTEM = 0x0C, 0xEF  # kinds of partition


class Fault(Exception):
    """Something the user can put right, in one line."""


def run_tool(*command, env=None):
    """Run a program to its end; a Fault with its last words if it fails."""
    try:
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", env=env)
    except FileNotFoundError:
        raise Fault(f"{command[0]} is missing: run 'make deps'") from None
    if done.returncode:
        raise Fault(f"{command[0]} failed: {(done.stdout.strip().splitlines() or ['no message'])[-1]}")


def volume_path(name):
    """Where boot/uefi looks for the file @name of a configuration: boot/names.c has the same rule."""
    parts = name.lstrip("/").split("/")
    if not re.fullmatch(r"[ -~]+", name) or re.search(r'["*:<>?\\|]', name) or {".", "..", ""} & set(parts):
        raise Fault(f"'{name}': no file on a volume for UEFI can be called so")
    return "/trivet/" + "/".join(parts)


def partition_table(start, sectors, kind, active):
    """The 66 bytes at the end of an MBR (UEFI 2.10, 5.2.1): one partition, @start and @sectors in sectors."""
    return struct.pack("<B3sB3sII48sH", 0x80 if active else 0, b"\xfe\xff\xff", kind, b"\xfe\xff\xff", start, sectors, b"", 0xAA55)


def make_fat(output, start, content, room):
    """Write a FAT32 file system into the file @output at the byte @start, with @room bytes free. Returns its sectors."""
    if not shutil.which("mformat") or not shutil.which("mcopy"):
        raise Fault("mtools is missing: run 'make deps'")
    names = [path.lower() for path in content]
    for path in content:
        if names.count(path.lower()) > 1:
            raise Fault(f"'{path}': FAT knows no difference between upper and lower case, and there are two of this name")
    sizes = [item.stat().st_size if isinstance(item, pathlib.Path) else len(item) for item in content.values()]
    if max(sizes) > FILE_MOST:
        raise Fault("a file of 4 GiB or more does not go on FAT")
    # Clusters that keep the FAT at a few MiB; no fewer than 65525 of them, or it is not FAT32.
    cluster = SECTOR
    while (sum(sizes) + room) // cluster > 1 << 20:
        cluster *= 2
    size = max(sum(-(-n // cluster) * cluster for n in sizes) + room, 70000 * cluster) * 101 // 100 + (1 << 20)
    size = -(-size // (1 << 20)) << 20
    if cluster > 32768 or size > VOLUME_MOST:
        raise Fault("the files are too large for a FAT volume")
    with open(output, "r+b") as file:
        file.truncate(start + size)
    volume = f"{output}@@{start}"
    env = {**os.environ, "MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": os.devnull}
    run_tool("mformat", "-i", volume, "-F", "-T", size // SECTOR, "-H", start // SECTOR, "-h", "255", "-s", "63",
             "-c", cluster // SECTOR, "-v", LABEL, "::", env=env)
    folders = sorted({str(parent) for path in content for parent in pathlib.PurePosixPath(path).parents} - {"/"})
    for folder in folders:
        run_tool("mmd", "-i", volume, "::" + folder, env=env)
    with tempfile.TemporaryDirectory(prefix="trivet-") as temporary:
        for path, item in content.items():
            if not isinstance(item, pathlib.Path):
                made = pathlib.Path(temporary) / "file"
                made.write_bytes(item)
                item = made
            run_tool("mcopy", "-o", "-i", volume, item.resolve(), "::" + path, env=env)
    return size // SECTOR


def make_volume(output, content):
    """Write a disk image with one FAT partition, for firmware to boot from: @content is {path: content or host path}."""
    open(output, "wb").close()
    sectors = make_fat(output, VOLUME_START, content, 8 << 20)
    with open(output, "r+b") as file:
        file.seek(446)
        file.write(partition_table(VOLUME_START // SECTOR, sectors, EFI_SYSTEM, False))
