# SPDX-License-Identifier: Apache-2.0
"""An image for a stick and a CD, for a BIOS and UEFI firmware: an ISO 9660 file system whose file trivet.fat is a partition, too."""

import collections
import io
import pathlib
import re
import struct
import tarfile
import tempfile

from volume import FAT32, LABEL, SECTOR, Fault, make_fat, partition_table, run_tool

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"
APPLICATION = "TRIVET IMAGE 1"
ISO_SECTOR = 2048

MODULES = "all_video chain configfile echo efifwsetup fat halt iso9660 loopback memdisk minicmd multiboot2 normal part_gpt part_msdos " \
          "reboot regexp search search_fs_file serial sleep tar terminal test true biosdisk vbe efi_gop"
Grub = collections.namedtuple("Grub", "platform format")
BIOS = {"x86_64": Grub("i386-pc", "i386-pc-eltorito")}
EFI = {"x86_64": Grub("x86_64-efi", "x86_64-efi"), "arm64": Grub("arm64-efi", "arm64-efi")}

README = """\
Trivet, a hypervisor, and its guests. docs/boot.md in its source describes this volume.

trivet\\trivet.ini    the guests, text: edit it and start again
trivet\\recovery.ini  as it was when this was made; the menu's entry Recovery uses it
trivet\\cmdline.txt   the hypervisor's own words, one line, such as report; need not be there
trivet\\...           the kernels and disks that trivet.ini names; put others beside them

What lies in the folder trivet is loaded when a PC starts by a BIOS, whether trivet.ini names it or not.
Keep other files elsewhere. At most 24 files, with trivet.ini and service.bin.
"""


def grub_folder(arch, platform):
    """GRUB's modules for @platform: of the package, or as the build has unpacked them."""
    for folder in (pathlib.Path("/usr/lib/grub"), BUILD / "assets" / arch / f"grub-efi-{arch}-bin" / "usr" / "lib" / "grub"):
        if (folder / platform / "moddep.lst").is_file():
            return folder / platform
    raise Fault(f"GRUB's {platform} modules are missing: run 'make ARCH={arch} assets'")


def menu_text(graphics, seconds):
    menu = re.sub("^\\s*#.*\n", "", (HERE / "menu.cfg").read_text(), flags=re.M)
    return menu.replace("@GRAPHICS@", graphics).replace("@TIMEOUT@", str(seconds))


def make_grub(output, arch, grub, menu):
    """Write GRUB with the menu @menu in it."""
    folder = grub_folder(arch, grub.platform)
    menu = menu.encode()
    with tempfile.TemporaryDirectory(prefix="trivet-") as temporary:
        disk = pathlib.Path(temporary) / "memdisk"
        with tarfile.open(disk, "w") as tar:
            entry = tarfile.TarInfo("boot/grub/grub.cfg")
            entry.size = len(menu)
            tar.addfile(entry, io.BytesIO(menu))
        modules = [name for name in MODULES.split() if (folder / f"{name}.mod").exists()]
        run_tool("grub-mkimage", "-O", grub.format, "-d", folder, "-p", "(memdisk)/boot/grub", "-m", disk, "-o", output, *modules)


def iso_extent(path, name):
    """(first byte, bytes) of the file @name in the root of the ISO 9660 file system @path (ECMA-119, 8.4 and 9.1)."""
    with open(path, "rb") as file:
        file.seek(16 * ISO_SECTOR)
        volume = file.read(ISO_SECTOR)
        at, size = (struct.unpack_from("<I", volume, 156 + n)[0] for n in (2, 10))
        file.seek(at * ISO_SECTOR)
        root = file.read(size)
    at = first = total = 0
    while at < len(root):
        length = root[at]
        if length == 0:  # the rest of a sector
            at = (at // ISO_SECTOR + 1) * ISO_SECTOR
            continue
        if root[at + 33:at + 33 + root[at + 32]].split(b";")[0] == name:
            first = first or struct.unpack_from("<I", root, at + 2)[0]
            total += struct.unpack_from("<I", root, at + 10)[0]  # a large file has several pieces, one behind the other
        at += length
    if not total:
        raise Fault(f"xorriso left no {name.decode()} in '{path}'")
    return first * ISO_SECTOR, total


def check_bios_name(path):
    """GRUB's menu finds the file @path of a volume, and passes its name on as it is."""
    name = path.removeprefix("/trivet/")
    if re.search(r"['\\\\]|  |(^|/)[. ]| (/|$)", name) or name.count("/") > 3:
        raise Fault(f"'{name}': a start by a BIOS does not find such a file (quotes, a dot or blank in front, two blanks, more than "
                    "three folders)")


def make_hybrid(output, content, program, arch, menu, room):
    """Write the image @output: @content is {path: content or host path} of the volume, @program our UEFI program, @menu
    from menu_text(), and the volume has @room bytes for more."""
    output = pathlib.Path(output).resolve()
    for path in content if arch in BIOS else ():
        check_bios_name(path)
    with tempfile.TemporaryDirectory(prefix=".trivet-", dir=output.parent) as temporary:
        root = pathlib.Path(temporary) / "root"
        (root / "boot").mkdir(parents=True)
        loader = pathlib.Path(temporary) / "loader.efi"
        make_grub(loader, arch, EFI[arch], menu)
        boot = []
        if arch in BIOS:
            make_grub(root / "boot" / "bios.img", arch, BIOS[arch], menu)
            boot = ["--grub2-mbr", grub_folder(arch, BIOS[arch].platform) / "boot_hybrid.img", "-b", "boot/bios.img",
                    "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", "--grub2-boot-info", "-eltorito-alt-boot"]
        fat = root / "trivet.fat"
        fat.touch()
        name = {"x86_64": "BOOTX64.EFI", "arm64": "BOOTAA64.EFI"}[arch]
        make_fat(fat, 0, {f"/EFI/BOOT/{name}": loader, "/trivet/trivet.efi": program,
                          "/README.TXT": README.replace("\n", "\r\n").encode(), **content}, room)
        (root / "trivet.efi").write_bytes(program.read_bytes())
        run_tool("xorriso", "-as", "mkisofs", "-quiet", "-V", LABEL, "-A", f"{APPLICATION} {arch}", "-iso-level", "3",
                 "-o", output, *boot, "-e", "trivet.fat", "-no-emul-boot", root)
    start, size = iso_extent(output, b"TRIVET.FAT")
    with open(output, "r+b") as file:
        file.seek(446)
        file.write(partition_table(start // SECTOR, size // SECTOR, FAT32, arch in BIOS))
        for sector in (0, 6):  # the boot sector and its copy know where they lie
            file.seek(start + sector * SECTOR + 28)
            file.write(struct.pack("<I", start // SECTOR))
