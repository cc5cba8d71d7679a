# SPDX-License-Identifier: Apache-2.0
"""Write an image to a stick and read it back; refuse what is not a stick, or is in use."""

import collections
import fcntl
import os
import pathlib
import re
import stat
import sys

from volume import FAT32, EFI_SYSTEM, LABEL, SECTOR, Fault

SYSFS, PROC = pathlib.Path("/sys"), pathlib.Path("/proc")
CHUNK = 4 << 20
BLKRRPART, BLKFLSBUF = 0x125F, 0x1261  # ioctl: read the partitions again, forget what is cached

Target = collections.namedtuple("Target", "path block size words")  # block: else it is a regular file


class Failed(Exception):
    """It was tried, and went wrong."""


def field(path, default=""):
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return default


def image_size(path, force=False):
    """The bytes of the image @path, when it is one of ours and whole."""
    size = os.stat(path).st_size
    with open(path, "rb") as file:
        table = file.read(SECTOR)
        start, sectors = (int.from_bytes(table[at:at + 4], "little") for at in (454, 458))
        file.seek(start * SECTOR)
        boot = file.read(SECTOR)
    ours = len(table) == SECTOR and table[510:] == b"\x55\xaa" and table[450] in (FAT32, EFI_SYSTEM) and sectors
    if ours and (start + sectors) * SECTOR > size:
        raise Fault(f"'{path}' is cut off: it has {size} bytes of {(start + sectors) * SECTOR}")
    if not force and not (ours and boot[71:82] == LABEL.encode().ljust(11)):
        raise Fault(f"'{path}' is not an image that './trivet pack --image' or '--efi' has written (--force takes it all the same)")
    if size == 0:
        raise Fault(f"'{path}' is empty")
    return size


def parts_of(device):
    """The sysfs folders of a device and its partitions."""
    return [device, *sorted(p.parent for p in device.glob("*/partition"))]


def uses(device):
    """What a disk with the sysfs folder @device is in use for, in words."""
    numbers = {field(part / "dev"): part.name for part in parts_of(device)}
    names = set(numbers.values())

    def name_of(source):
        return os.path.basename(os.path.realpath(source))

    for line in field(PROC / "self" / "mountinfo").splitlines():
        words = line.split()
        source = words[words.index("-") + 2] if "-" in words[:-2] else ""
        if words[2] in numbers or source.startswith("/dev/") and name_of(source) in names:
            yield f"{numbers.get(words[2]) or name_of(source)} is mounted on {words[4]}"
    for line in field(PROC / "swaps").splitlines()[1:]:
        if name_of(line.split()[0]) in names:
            yield f"{name_of(line.split()[0])} is swap space"
    for part in parts_of(device):
        for holder in sorted((part / "holders").glob("*")):
            yield f"{part.name} is in use by {field(holder / 'dm' / 'name') or holder.name}"


def removable(device):
    """A stick or a card: sysfs says so, or it is at a USB port, or an SD card."""
    real = str(device.resolve())
    return field(device / "removable") == "1" or bool(re.search(r"/usb\d+/", real)) or field(device / "device" / "type") == "SD"


def describe(device, path):
    words = " ".join(w for w in (field(device / "device" / n) for n in ("vendor", "model", "name")) if w)
    return f"{path}: {words or 'no model name'}"


def examine(path, force=False):
    """The Target that @path is; a Fault for what must not be written to, with what to do."""
    try:
        status = os.stat(path)
    except OSError as e:
        raise Fault(f"device '{path}': {e.strerror}") from None
    if stat.S_ISREG(status.st_mode):
        if not force:
            raise Fault(f"'{path}' is a regular file, not a device (--force writes to it)")
        return Target(path, False, None, f"{path}: a regular file")
    if not stat.S_ISBLK(status.st_mode):
        raise Fault(f"'{path}' is not a block device, such as /dev/sdb")
    return examine_block(path, SYSFS / "dev" / "block" / f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}", force)


def examine_block(path, device, force=False):
    """The same for the block device with the sysfs folder @device."""
    if not device.exists():
        raise Fault(f"'{path}': nothing is known of this device in {device}")
    device = device.resolve()
    if (device / "partition").exists() and not force:
        raise Fault(f"'{path}' is a partition: name the whole device, {device.parent.name} (--force writes to it)")
    if field(device / "ro") == "1":
        raise Fault(f"'{path}' is write-protected")
    used = list(uses(device))
    if used and not force:
        raise Fault(f"'{path}' is in use: {'; '.join(used)}")
    if not removable(device) and not force:
        raise Fault(f"'{path}' is not removable, it may be this computer's own disk (--force writes to it)")
    size = field(device / "size", "0")
    return Target(path, True, int(size) * SECTOR if size.isdigit() else 0, describe(device, path))


def mebi(size):
    return f"{size / (1 << 20):.0f} MiB" if size < 10 << 30 else f"{size / (1 << 30):.0f} GiB"


def confirmed(target, image, size):
    print(f"image:   {image}, {mebi(size)}")
    print(f"device:  {target.words}" + (f", {mebi(target.size)}" if target.block else ""))
    print("All that is on the device will be lost. Type yes to go on: ", end="", flush=True)
    return sys.stdin.readline().strip() == "yes"


def write_at(fd, data, at):
    """Write all of @data."""
    while data:
        n = os.pwrite(fd, data, at)
        data, at = data[n:], at + n


def read_at(fd, size, at):
    return os.pread(fd, size, at)


def control(fd, request):
    """Ask for what is good to have, and need not be."""
    try:
        fcntl.ioctl(fd, request)
    except OSError:
        pass


def each_chunk(image, what, size):
    """(byte, content) of all of @image, with the progress on a terminal."""
    with open(image, "rb") as file:
        at = 0
        while data := file.read(CHUNK):
            if sys.stderr.isatty():
                print(f"\r{what} {100 * at // size} % ", end="", file=sys.stderr, flush=True)
            yield at, data
            at += len(data)
    if sys.stderr.isatty():
        print(f"\r{what} 100 % ", file=sys.stderr)


def write(image, target, size, force=False):
    """Write @image to @target, and read it back."""
    at = 0
    try:
        fd = os.open(target.path, os.O_RDWR | os.O_CLOEXEC | (os.O_EXCL if target.block and not force else 0))
    except OSError as e:
        raise Fault(f"device '{target.path}': {e.strerror}") from None
    try:
        doing = "written"
        for at, data in each_chunk(image, "writing", size):
            write_at(fd, data, at)
        os.fsync(fd)
        if target.block:
            control(fd, BLKFLSBUF)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)  # what is read comes from the device
        doing = "read back"
        for at, data in each_chunk(image, "reading back", size):
            found = read_at(fd, len(data), at)
            if found != data:
                wrong = next((n for n, (a, b) in enumerate(zip(found, data)) if a != b), len(found))
                raise Failed(f"'{target.path}' does not hold what was written, from byte {at + wrong} on: it may be worn out or fake")
        if target.block:
            control(fd, BLKRRPART)
    except OSError as e:
        raise Failed(f"'{target.path}' cannot be {doing}, near byte {at}: {e.strerror}") from None
    finally:
        os.close(fd)


def flash(image, device, force=False, yes=False):
    """Do all of it."""
    size = image_size(image, force)
    target = examine(device, force)
    if target.block and target.size < size:
        raise Fault(f"'{device}' is too small: {mebi(target.size)}, and the image has {mebi(size)}")
    if not yes and not confirmed(target, image, size):
        raise Failed("nothing was written")
    write(image, target, size, force)
