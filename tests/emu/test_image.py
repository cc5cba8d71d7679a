# SPDX-License-Identifier: Apache-2.0
"""The image for a stick and a CD (./trivet pack --image), started as a BIOS and as UEFI firmware start it; its menu and volume."""

import functools
import http.server
import json
import os
import re
import subprocess
import threading

import pexpect
import pytest

from conftest import ASSETS, LAUNCHER, load_launcher
from test_screen import Watched
from test_uefi import small, work_in_the_shell

launcher = load_launcher()  # and with it the folder of its parts
import hybrid  # noqa: E402

DONE = r"DONE \d+ passed 0 failed"
BIOS, UEFI = ("--firmware", "bios", "--boot-device", "disk"), ("--firmware", "uefi", "--boot-device", "usb")
IPXE = ASSETS / "ipxe" / "boot" / "ipxe.efi"
BOTH = pytest.mark.parametrize("firmware", [BIOS, UEFI], ids=["bios", "uefi"])


def launch(*args):
    return subprocess.run([str(LAUNCHER), *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True)


class Stick:
    """A packed image, and its volume."""

    def __init__(self, system, config, *args, menu=0):
        self.system = system
        self.path = system.folder / "stick.img"
        done = launch("pack", "--image", "--arch", system.arch, config, "-o", self.path, "--menu-timeout", menu, *args)
        assert done.returncode == 0, done.stderr
        self.start = int.from_bytes(self.path.read_bytes()[454:458], "little") * 512

    def mtools(self, command, *args):
        subprocess.run([command, "-i", f"{self.path}@@{self.start}", *map(str, args)], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, env={**os.environ, "MTOOLSRC": os.devnull})

    def put(self, name, content):
        """The file trivet/@name has @content from now on."""
        self.mtools("mcopy", "-o", self.system.file("put", content), f"::/trivet/{name}")

    def remove(self, name):
        self.mtools("mdel", f"::/trivet/{name}")

    def run(self, *args, seconds=120):
        return self.system.run("--image", self.path, *args, seconds=seconds)

    def choose(self, key, *args):
        """Run it, and press @key in the menu; the console's text to the end."""
        child = self.system.console("--image", self.path, *args)
        child.expect(r"Start \(s\)")
        child.send(key)
        child.expect(pexpect.EOF)
        child.close()
        return child.before.replace("\r", "")


# From the others Linux starts, below.
@pytest.mark.parametrize("firmware, device", [("bios", "cdrom"), ("uefi", "cdrom"), ("uefi", "nvme")])
def test_one_image_starts_from_everything(svm, firmware, device):
    result = Stick(svm, small(svm)).run("--firmware", firmware, "--boot-device", device)
    result.assert_passed("started by UEFI" if firmware == "uefi" else "started by GRUB", DONE)
    result.assert_audited()


def test_the_arm64_image_starts_from_a_cd(arm64):
    result = Stick(arm64, small(arm64)).run("--firmware", "uefi", "--boot-device", "cdrom")
    result.assert_passed("started by UEFI", DONE)


@pytest.mark.parametrize("quick, args", [("svm", BIOS), ("svm", UEFI), ("arm64", UEFI)], indirect=["quick"],
                         ids=["svm-bios", "svm-uefi", "arm64-uefi"])
def test_linux_to_its_shell(quick, args):
    stick = Stick(quick, quick.linux(""))
    work_in_the_shell(quick.console("--image", stick.path, *args))


@BOTH
def test_the_configuration_on_the_stick_counts(svm, firmware):
    """An edited trivet.ini with a kernel that was put there later, in other letters, and files that nobody names."""
    stick = Stick(svm, small(svm))
    stick.mtools("mmd", "::/trivet/More", "::/trivet/More/Kernels")
    stick.put("More/Kernels/NEW.ELF", (svm.build / "guest-test" / "io.elf").read_bytes())
    stick.remove("io.elf")
    stick.put("notes", b"n" * 5000)
    stick.put("cmdline.txt", "report\r\n")
    stick.put("trivet.ini", "\ufeff# edited\r\n[machine]\r\npoweroff-when-done = yes\r\n[vm renamed]\r\n"
              "kernel = /more/Kernels/new.elf\r\nmemory = 16M\r\ncmdline = svm trivet\r\n")
    stick.run(*firmware).assert_passed("^trivet: guest renamed:", r"trivet-report: \{", DONE)


@BOTH
def test_recovery_leaves_edits_aside(svm, firmware):
    """What was edited is started by the first entry."""
    stick = Stick(svm, small(svm), menu=-1)
    stick.put("trivet.ini", "[vm x]\nkernel = io.elf\nmemroy = 1M\n")
    stick.put("cmdline.txt", "panic-test")
    text = stick.choose("r", *firmware)
    assert re.search(DONE, text) and "trivet: all guests have stopped: powering off" in text
    stick.remove("cmdline.txt")
    assert re.search(r"^trivet: error: config: line 3.*memroy", stick.choose("s", *firmware), re.M)


@BOTH
def test_the_menu_has_a_report(svm, firmware):
    text = Stick(svm, small(svm), menu=-1).choose("m", *firmware)
    assert "trivet-report: {" in text and re.search(DONE, text)


GRUB = """\
insmod all_video
regexp --set=1:root '^.([^)]*)' "$cmdpath"
multiboot2 /boot/trivet.elf report
module2 /boot/service.bin service
module2 /boot/guests.ini config
module2 /boot/io.elf io.elf
set gfxpayload=1024x768x32
boot
"""


def test_grub_of_uefi_firmware_loads_the_hypervisor_itself(svm):
    """By multiboot2: memory, the RSDP and the screen are as firmware left them."""
    loader, image = svm.folder / "grub.efi", svm.folder / "grub.img"
    hybrid.make_grub(loader, "x86_64", hybrid.EFI["x86_64"], GRUB)
    launcher.make_volume(image, {"/EFI/BOOT/BOOTX64.EFI": loader, "/boot/trivet.elf": svm.build / "trivet.elf",
                                 "/boot/service.bin": svm.build / "service.bin", "/boot/guests.ini": small(svm),
                                 "/boot/io.elf": svm.build / "guest-test" / "io.elf"})
    result = svm.run("--firmware", "uefi", "--screen", "hidden", "--host-cpus", "2", "--host-memory", "5G", "--image", image)
    result.assert_passed("started by GRUB", "^trivet: screen of 1024 by 768, 32 bits", "found: .*ACPI tables", "2 of 2 CPUs are up", DONE)
    report = json.loads(re.search(r"^trivet-report: (.*)$", result.console, re.M)[1])
    assert 5000 < report["memory_mib"] <= 5120


def over_the_network(system, server="boot.ipxe"):
    """./trivet pack --net, and QEMU's options for a network card behind which is a TFTP server with that; @server: the boot file."""
    folder = system.folder / "net"
    done = launch("pack", "--net", "--arch", system.arch, small(system), "-o", folder, "--hypervisor-append", "report")
    assert done.returncode == 0, done.stderr
    return f"--qemu=-netdev user,id=net,tftp={folder},bootfile={server} -device virtio-net-pci,netdev=net"


def test_ipxe_of_a_network_card_starts_it(svm):
    """The ROM that QEMU's cards have for a BIOS is iPXE."""
    empty = svm.disk()
    result = svm.run("--firmware", "bios", "--boot-device", "disk", "--image", empty, over_the_network(svm))
    result.assert_passed("started by iPXE", r"trivet-report: \{", DONE)
    result.assert_audited()


def test_ipxe_of_uefi_starts_it(svm):
    """From a web server."""
    image = svm.folder / "ipxe.img"
    launcher.make_volume(image, {"/EFI/BOOT/BOOTX64.EFI": IPXE})
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=svm.folder / "net")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script = f"http://10.0.2.2:{server.server_port}/boot.ipxe"  # this computer, as QEMU's network shows it
        result = svm.run("--firmware", "uefi", "--image", image, over_the_network(svm, script))
        server.shutdown()
    result.assert_passed("started by UEFI", r"trivet-report: \{", DONE)


@pytest.mark.parametrize("config, words", [
    ("[vm a]\nkernel = dir/k\n", "'dir/k': over the network"), ("[vm a]\nkernel = boot.ipxe\n", "'boot.ipxe': this name is taken"),
    ("[vm a]\nkernel = trivet32.elf\n", "'trivet32.elf': this name is taken")])
def test_names_that_the_network_does_not_have(svm, config, words):
    name = config.split()[-1]
    svm.file(name, "x")
    done = launch("pack", "--net", "--arch", "x86_64", svm.file("a.ini", config), "-o", svm.folder / "net")
    assert done.returncode == 2 and words in done.stderr


def cut(data):
    return data[:len(data) // 2]


BAD = {
    "bios hypervisor cut off": ("trivet.elf", cut, r"the boot loader cannot load \\trivet\\trivet.elf"),
    "bios no service VM": ("service.bin", None, r"the boot loader cannot load \\trivet\\service.bin"),
    "bios no kernel": ("io.elf", None, r"boot: there is no file \\trivet\\io.elf, named in line 4 of trivet.ini"),
    "bios a name that cannot be": ("trivet.ini", lambda data: b"[vm a]\nkernel = a/../b\n",
                                   r"boot: trivet.ini:2: no file on this volume can be called a/../b"),
    "uefi program cut off": ("trivet.efi", cut, r"the boot loader cannot load \\trivet\\trivet.efi"),
    "uefi no kernel": ("io.elf", None, r"boot: there is no file \\trivet\\io.elf, named in line 4 of trivet.ini"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_missing_or_damaged_is_said(svm, what):
    name, change, words = BAD[what]
    stick = Stick(svm, small(svm))
    if change:
        source = {"trivet.elf": svm.build / "trivet.elf", "trivet.efi": svm.build / "trivet.efi"}.get(name, LAUNCHER)
        stick.put(name, change(source.read_bytes()))
    else:
        stick.remove(name)
    stick.run(*(BIOS if what.startswith("bios") else UEFI)).assert_failed(f"trivet: PANIC: {words}")


def test_a_missing_file_is_said_on_the_screen(svm):
    stick = Stick(svm, small(svm))
    stick.remove("io.elf")
    Watched(svm, "--image", stick.path, *BIOS).until(  # a picture may be of half the screen
        lambda lines: lines[0].startswith("TRIVET HAS STOPPED") and any("there is no file \\trivet\\io.elf" in line for line in lines))


@pytest.mark.parametrize("name", ["it's", "a  b", ".k", "d/.k", "a/b/c/d/e", "a /b"])
def test_a_name_that_a_bios_does_not_find_is_refused(name):
    with pytest.raises(launcher.Fault, match="a start by a BIOS does not find"):
        hybrid.check_bios_name(f"/trivet/{name}")
    hybrid.check_bios_name("/trivet/a/b c/d.e/f")


def test_the_volume_is_a_partition_that_any_computer_opens(svm):
    """One active partition of FAT32, labelled, whole, with room for more; the file system of a CD is around it."""
    image = Stick(svm, small(svm), "--room", "100M")
    data = image.path.read_bytes()
    active, kind = data[446], data[450]
    sectors = int.from_bytes(data[458:462], "little")
    assert (active, kind, data[510:512]) == (0x80, 0x0C, b"\x55\xaa") and data[462:510] == bytes(48)
    boot = data[image.start:image.start + 512]
    assert boot[71:82] == b"TRIVET     " and int.from_bytes(boot[28:32], "little") * 512 == image.start
    assert int.from_bytes(boot[32:36], "little") == sectors and image.start + sectors * 512 <= len(data)
    free = subprocess.run(["mdir", "-i", f"{image.path}@@{image.start}", "::"], capture_output=True, text=True).stdout
    found = re.search(r"([\d ]+) bytes free", free)
    assert found and int(found[1].replace(" ", "")) >= 100 << 20
    assert data[0x8001:0x8006] == b"CD001" and data[0x8028:0x802e] == b"TRIVET"


@pytest.mark.parametrize("args, words", [
    (["run", "--machine", "vmx", "--boot-device", "usb", "--image", "/dev/null"], "need QEMU"),
    (["run", "--machine", "arm64", "--boot-device", "usb"], "--boot-device goes with --firmware uefi"),
    (["run", "--machine", "arm64", "--firmware", "bios"], "--firmware bios goes with an x86 machine"),
    (["pack", "--image", "--efi", "x", "-o", "x"], "not allowed with"),
    (["pack", "--image", "x", "-o", "x", "--room", "much"], "not a size"),
    (["pack", "--image", "x", "-o", "x", "--menu-timeout", "-2"], "not a number of seconds"),
    (["pack", "--efi", str(LAUNCHER), "-o", "x", "--room", "1G"], "--room and --menu-timeout go with --image"),
])
def test_arguments_that_do_not_fit(args, words):
    done = launch(*args)
    assert done.returncode == 2 and words in done.stderr.splitlines()[-1]
