#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a disk with a small Debian on it, in the file named: systemd, a login on the serial port, its own kernel, initramfs and GRUB.

GRUB starts by a BIOS and by UEFI. The kernel lies beside it on the disk's ISO file system, all else on an ext2 partition.
mmdebstrap installs the packages; what no test needs (drivers, documentation, translations) is left out, since the disk is in RAM.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

APT = pathlib.Path("/etc/apt")
PACKAGES = "usr-is-merged,linux-image-cloud-amd64,systemd-sysv"
LEFT_OUT = [f"/usr/share/{d}/*" for d in ("doc", "man", "locale", "info", "lintian", "i18n", "zoneinfo", "bash-completion")] + \
    [f"*/modules/*/kernel/{d}/*" for d in ("sound", "net", "arch/x86/kvm", "drivers/net", "drivers/infiniband", "drivers/gpu",
                                           "drivers/scsi", "drivers/md", "drivers/hid", "drivers/target", "fs/xfs", "fs/btrfs",
                                           "fs/smb", "fs/nfs", "fs/nfsd", "fs/ceph", "fs/ocfs2", "fs/gfs2", "fs/f2fs", "fs/udf")] + \
    ["*/udev/hwdb*", "/usr/lib/*/gconv/*", "/boot/System.map*"]
GRUB_MODULES = "linux normal iso9660 part_msdos part_gpt fat serial terminal echo reboot"
MENU = """\
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=1
menuentry "Debian" {
	linux /vmlinuz root=LABEL=debian console=ttyS0 quiet
	initrd /initrd.img
}
"""


def run(*command):
    """What it says is shown if it fails. In a session of its own: mmdebstrap ends by signalling its process group."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", start_new_session=True)
    if done.returncode:
        sys.exit(f"{done.stdout[-3000:]}\ndebian: {command[0]}: failed with status {done.returncode}")


def suite():
    """This machine's, from the archives that its apt is set up for: (name, files that name them)."""
    names = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)
    name = names.get("VERSION_CODENAME", "").strip('"')
    files = [file for file in (APT / "sources.list", *sorted((APT / "sources.list.d").glob("*")))
             if file.is_file() and file.suffix in (".list", ".sources") and re.search(rf"\b{name}\b", file.read_text(errors="replace"))] if name else []
    if not files:
        sys.exit(f"debian: no file of {APT} names the suite '{name}' of /etc/os-release")
    return name, [str(file) for file in files]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("disk", type=pathlib.Path)
    disk = p.parse_args().disk
    os.umask(0o022)
    name, mirrors = suite()
    with tempfile.TemporaryDirectory() as temporary:
        root, iso = pathlib.Path(temporary) / "root.ext2", pathlib.Path(temporary) / "iso"
        (iso / "boot" / "grub").mkdir(parents=True)
        (iso / "boot" / "grub" / "grub.cfg").write_text(MENU)
        run("mmdebstrap", "--quiet", "--variant=essential", f"--include={PACKAGES}", "--format=ext2",
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
            '--customize-hook=echo debian >"$1/etc/hostname"; chroot "$1" passwd --delete root; rm -f "$1/usr/lib/udev/hwdb.bin"',
            f"--customize-hook=download /vmlinuz {iso}/vmlinuz", f"--customize-hook=download /initrd.img {iso}/initrd.img",
            '--customize-hook=rm -rf "$1"/boot/* "$1"/vmlinuz* "$1"/initrd.img*', name, str(root), *mirrors)
        run("/sbin/tune2fs", "-L", "debian", str(root))
        run("grub-mkrescue", f"--install-modules={GRUB_MODULES}", "--fonts=", "--themes=", "--locales=", "-o", f"{disk}.new",
            str(iso), "--", "-append_partition", "3", "Linux", str(root))
    os.replace(f"{disk}.new", disk)


if __name__ == "__main__":
    main()
