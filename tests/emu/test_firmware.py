# SPDX-License-Identifier: Apache-2.0
"""Guests that start with their own firmware: Debian's SeaBIOS and OVMF, and small ROMs of our own that misbehave."""

import pathlib
import random
import shutil
import subprocess
import time

import pexpect
import pytest

from conftest import ASSETS, EVERY, System

SEABIOS = pathlib.Path("/usr/share/seabios/bios-256k.bin")
OVMF = pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARIABLES = pathlib.Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
AAVMF = pathlib.Path("/usr/share/AAVMF/AAVMF_CODE.fd")
AAVMF_VARIABLES = pathlib.Path("/usr/share/AAVMF/AAVMF_VARS.fd")
MEMTEST = pathlib.Path("/boot/memtest86+x64.bin")
GRUB = {"i386-pc": pathlib.Path("/usr/lib/grub/i386-pc"),
        "arm64-efi": ASSETS / "arm64" / "grub-efi-arm64-bin" / "usr" / "lib" / "grub" / "arm64-efi"}
GRUB_MODULES = {"i386-pc": "linux linux16 multiboot normal iso9660 biosdisk serial terminal test echo reboot",
                "arm64-efi": "linux normal iso9660 part_msdos part_gpt fat terminal test echo reboot"}
IPXE = ASSETS / "ipxe" / "boot" / "ipxe.lkrn"
DEBIAN = ASSETS / "debian.img"
HERE = pathlib.Path(__file__).parent

MENU = """\
{serial}
set timeout={timeout}
menuentry "Debian" {{
	linux /vmlinuz console={tty} {append}
	initrd /initrd.gz
}}
"""
SMALL_MENU = """\
{serial}
set timeout=1
menuentry "small" {{
	multiboot /{file} {machine} trivet
}}
"""
IPXE_MENU = """\
set timeout=0
menuentry "iPXE" {{
	linux16 /{file}
}}
"""
SERIAL = "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial"
MEMTEST_MENU = """\
set timeout=0
menuentry "memtest" {{
	linux /{file} console=ttyS0,115200
}}
"""


@pytest.fixture(params=[name for name in EVERY if name in ("svm", "vmx")])
def pc(request, tmp_path):
    """A system on each x86 machine."""
    return System(tmp_path, request.param)


def grub_disk(system, name="disk.img", menu=MENU, files=None, grub="i386-pc", **words):
    """A disk that starts GRUB, by its master boot record or its EFI partition, with Debian's kernel."""
    root = system.folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    (root / "boot" / "grub").mkdir(parents=True)
    words |= {"tty": system.tty, "serial": "" if grub.endswith("efi") else SERIAL}  # UEFI's console is there already
    (root / "boot" / "grub" / "grub.cfg").write_text(menu.format(**words))
    for file in files or (system.assets / "vmlinuz", system.assets / "initrd.gz"):
        shutil.copy(file, root)
    subprocess.run(["grub-mkrescue", "-d", GRUB[grub], f"--install-modules={GRUB_MODULES[grub]}", "--fonts=", "--themes=", "--locales=",
                    "-o", system.folder / name, root], check=True, capture_output=True)
    return system.folder / name


def config(system, lines, name="bios", firmware=SEABIOS, poweroff="yes"):
    """A configuration with one guest of firmware @firmware."""
    if firmware.parent != system.folder:
        shutil.copy(firmware, system.folder)
    return system.file("firmware.ini", f"[machine]\npoweroff-when-done = {poweroff}\n[vm {name}]\nfirmware = {firmware.name}\n{lines}\n")


def rom(system, *defines):
    """tests/emu/rom.asm, assembled."""
    out = system.folder / "rom.bin"
    subprocess.run(["nasm", "-f", "bin", *defines, "-o", out, HERE / "rom.asm"], check=True)
    return out


@pytest.mark.parametrize("pc", [name for name in EVERY if name == "vmx"], indirect=True)
def test_seabios_starts_a_small_kernel_through_grub(pc):
    """From the disk's boot sector to GRUB's menu on the serial line, to the kernel, to power-off. Linux takes minutes in Bochs."""
    kernel = pc.build / "guest-test" / "io.elf"
    grub_disk(pc, menu=SMALL_MENU, files=[kernel], file=kernel.name, machine=pc.name)
    result = pc.run("--config", config(pc, "memory = 128M\ndisk = disk.img"), seconds=4 * pc.seconds)
    result.assert_passed("SeaBIOS \\(version", "GNU GRUB", r"^DONE [1-9]\d* passed 0 failed")
    result.assert_audited()


def test_seabios_with_several_cpus_resets_and_starts_again(svm):
    """All CPUs are found by it and by Linux; a reset goes through the firmware, whose RAM copy is as new, again."""
    grub_disk(svm, "boot.img", timeout=1, append="trivet.test=smp")
    svm.disk("mark.img", 1)
    result = svm.run("--config", config(svm, "memory = 128M\ncpus = 4\ndisk = boot.img\ndisk = mark.img"), seconds=2 * svm.seconds)
    result.assert_passed("GNU GRUB", "^TRIVET-TEST-REBOOTING", "^TRIVET-TEST-PASS smp",
                         "ACPI: RSDP 0x00000000000F[0-9A-F]{4} .* TRIVET")
    assert result.console.count("online: 0-3, in cpuinfo: 4") == 2
    assert result.console.count("SeaBIOS (version") == 2
    result.assert_audited()


def debian_shell(system, child, commands):
    """Log in on Debian's console, once it is there, say @commands, each with what it must answer, and switch it off."""
    child.expect_exact("GNU GRUB", timeout=2 * system.seconds)
    child.expect_exact("debian login: ", timeout=2 * system.seconds)
    child.send("root\r")
    child.expect_exact(":~# ")
    for command, answer in commands:
        child.send(f"{command}\r")
        child.expect(rf"[\r\n]{answer}\r?\n")  # bash says something to the terminal before it
        child.expect_exact(":~# ")
    child.send("poweroff\r")
    child.expect("guest .* has powered off")
    child.expect(r"leaves, 0 violations")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_seabios_boots_debians_disk_to_its_login(svm):
    """GRUB, kernel, initramfs, systemd, a shell: all from a disk that mmdebstrap has made (tests/assets/debian.py)."""
    (svm.folder / DEBIAN.name).symlink_to(DEBIAN)
    child = svm.console("--config", config(svm, f"memory = 256M\ndisk = {DEBIAN.name}"), seconds=4 * svm.seconds)
    debian_shell(svm, child, [("cat /sys/block/vda/device/vendor", "0x1af4"), ("ls -d /sys/firmware/[ae]*", "/sys/firmware/acpi")])


def test_ovmf_boots_debians_disk_to_its_login(svm):
    """The same disk, by its EFI partition."""
    (svm.folder / DEBIAN.name).symlink_to(DEBIAN)
    child = svm.console("--config", uefi(svm, f"disk = {DEBIAN.name}", memory=256), seconds=4 * svm.seconds)
    debian_shell(svm, child, [("ls -d /sys/firmware/e*", "/sys/firmware/efi")])


def test_seabios_takes_the_first_disk_and_says_when_there_is_none(svm):
    """The configuration's order counts, not the devices'; an empty disk is no reason to try nothing else."""
    config_file = config(svm, "memory = 64M\ndisk = empty.img\nrng = no", poweroff="no")
    svm.disk("empty.img", 1)
    child = svm.console("--config", config_file)
    child.expect_exact("SeaBIOS (version")
    child.expect_exact("not a bootable disk")
    child.expect_exact("No bootable device")
    child.send("\x1d")
    child.expect(pexpect.EOF)


def test_memtest_passes_under_seabios(svm):
    """memtest86+ takes the screen's place on the serial line, and its tests pass once, in as little memory as SeaBIOS and GRUB
    take. The last one is left out: it waits for 160 seconds. Number keys are its function keys."""
    grub_disk(svm, menu=MEMTEST_MENU, files=[MEMTEST], file=MEMTEST.name)
    child = svm.console("--config", config(svm, "memory = 16M\ndisk = disk.img", poweroff="no"), seconds=2 * svm.seconds)
    child.expect_exact("Status: Testing")
    for key, answer in (("1", "Test selection"), ("1", "Remove one test"), ("2", "Enter test #"), ("10\r", "Remove one test"),
                        ("0", "Test selection"), ("0", "Status: Testing")):
        child.send(key)
        child.expect_exact(answer)
    child.expect(r"Pass: +1 +Errors: 0 ", timeout=2 * svm.seconds)
    assert "Bit fade" not in child.before
    child.send("\x1d")
    child.expect(pexpect.EOF)


def test_ipxe_comes_to_its_prompt(svm):
    """Without a network device it looks for one in vain, and talks by the BIOS' screen and keyboard."""
    grub_disk(svm, menu=IPXE_MENU, files=[IPXE], file=IPXE.name)
    child = svm.console("--config", config(svm, "memory = 64M\ndisk = disk.img", poweroff="no"))
    child.expect_exact("Press Ctrl-B for the iPXE command line")
    child.send("\x02")
    child.expect_exact("iPXE> ")
    child.send("show version\r")
    child.expect(r"version:string = 1\.[0-9.]+")
    child.send("\x1d")
    child.expect(pexpect.EOF)


UEFI = {"x86_64": (OVMF, OVMF_VARIABLES), "arm64": (AAVMF, AAVMF_VARIABLES)}


def uefi(system, lines, memory=None):
    firmware, variables = UEFI[system.arch]
    shutil.copy(variables, system.folder)
    memory = memory or {"x86_64": 128, "arm64": 256}[system.arch]  # with 128, GRUB stands still in AAVMF, on QEMU alone, too
    return config(system, f"variables = {variables.name}\nmemory = {memory}M\n{lines}", name="uefi", firmware=firmware)


def test_aavmf_boots_debian_through_grub(arm64):
    """From the disk's EFI partition to GRUB, to the kernel, which knows that it was started by UEFI, to power-off."""
    grub_disk(arm64, grub="arm64-efi", timeout=1, append="trivet.test=smoke")
    result = arm64.run("--config", uefi(arm64, "disk = disk.img"), seconds=2 * arm64.seconds)
    result.assert_passed("GNU GRUB", "efi: EFI v2.7", "^TRIVET-TEST-PASS smoke")
    result.assert_audited()


def test_uefi_keeps_its_variables(quick):
    """What its shell has set is there after a reset; then it powers off by itself."""
    variable = "TRIVET -guid 11111111-2222-3333-4444-555555555555"
    child = quick.console("--config", uefi(quick, ""), seconds=2 * quick.seconds)

    def shell(*lines):
        child.expect(r"in [1-5] seconds to skip")
        child.send("\x1b")
        for line in lines:
            child.expect_exact("Shell> ")
            for character in line:  # it echoes each, slowly
                child.send(character)
                time.sleep(0.05)
            child.send("\r")

    shell(f"setvar {variable} -nv -bs =0x5a17", "reset")
    child.expect_exact("guest uefi resets")
    shell(f"setvar {variable}")
    child.expect_exact("17 5A")  # little-endian
    child.expect_exact("Shell> ")
    child.send("reset -s\r")
    child.expect_exact("guest uefi has powered off")
    child.expect(r"leaves, 0 violations")
    child.expect(pexpect.EOF)


def test_variables_that_do_not_fit_are_refused(svm):
    good = b"\x90" * 0x10000
    text = "[machine]\npoweroff-when-done = yes\n[vm bad]\nmemory = 16M\nfirmware = good.bin\nvariables = v.bin\n"
    for content in (b"", b"x" * 1000, b"x" * (8 << 20)):
        svm.run_text(text, good__bin=good, v__bin=content).assert_failed(
            "^trivet: error: guest bad: line 6: variables 'v.bin' must have")


def test_rom_starts_at_the_reset_vector_and_stays_what_it_is(pc):
    """Reset state, stores into the ROM, its writable copy below 1 MiB."""
    result = pc.run("--config", config(pc, "memory = 16M", firmware=rom(pc)))
    result.assert_passed("^ROM-TEST-START", "^ROM-TEST-UNCHANGED", "^ROM-TEST-PASS")
    result.assert_audited()


def test_firmware_that_runs_off_ends_alone(pc):
    """The other guest, whose ROM is the same file, is not touched."""
    bad = rom(pc, "-DOFF_THE_END").rename(pc.folder / "off.bin")
    text = config(pc, "memory = 16M", firmware=rom(pc)).read_text()
    path = pc.file("two.ini", f"{text}[vm off]\nfirmware = {bad.name}\nmemory = 16M\n")
    result = pc.run("--config", path)
    result.assert_failed("^trivet: guest off crashed: CPU 0 runs code at guest-physical d0000000", "guest bios has powered off")
    result.assert_audited()


@pytest.mark.parametrize("content, words", [
    (b"", "64 KiB to 8 MiB"),
    (b"x" * 100, "64 KiB to 8 MiB"),
    (b"x" * 0x11234, "64 KiB to 8 MiB"),
    (b"x" * (9 << 20), "64 KiB to 8 MiB"),
    (b"\xff" * 0x10000, "no code at the reset vector"),
], ids=["empty", "small", "odd", "large", "blank"])
def test_firmware_of_a_wrong_shape_is_refused(svm, content, words):
    svm.run_text("[machine]\npoweroff-when-done = yes\n[vm bad]\nmemory = 16M\nfirmware = bad.bin\n",
                 bad__bin=content).assert_failed(f"^trivet: error: guest bad: line 5: firmware 'bad.bin' .*{words}")


def test_firmware_that_is_nonsense_harms_nobody(svm):
    """Random bytes behind the reset vector, more than once; the guest beside them runs to its end."""
    lines = "[machine]\npoweroff-when-done = yes\n" + svm.small("cpu")
    files = {}
    for n in range(4):
        rng = random.Random(n)
        files[f"random{n}__bin"] = rng.randbytes(0x20000)
        lines += f"[vm random{n}]\nfirmware = random{n}.bin\nmemory = 16M\non-crash = stop\non-reboot = stop\n"
    paths = {name.replace("__", "."): svm.file(name.replace("__", "."), content) for name, content in files.items()}
    paths["cpu.elf"] = svm.folder / "cpu.elf"
    child = svm.console("--image", svm.image(lines, paths))
    child.expect("guest cpu has powered off")
    child.send("\x01s")
    child.expect_exact("service console")
    child.send("audit\r")
    child.expect("leaves, 0 violations")
    child.send("poweroff\r")
    child.expect(pexpect.EOF)


@pytest.mark.parametrize("content, words", [
    (b"", "multiple of 4 KiB, at most 64 MiB"),
    (b"x" * 0x11234, "multiple of 4 KiB, at most 64 MiB"),
    (b"x" * ((64 << 20) + 4096), "multiple of 4 KiB, at most 64 MiB"),
    (bytes(0x10000), "no code at the reset vector"),
], ids=["empty", "odd", "large", "blank"])
def test_firmware_of_a_wrong_shape_is_refused_on_arm64(arm64, content, words):
    arm64.run_text("[machine]\npoweroff-when-done = yes\n[vm bad]\nmemory = 16M\nfirmware = bad.bin\n",
                   bad__bin=content).assert_failed(f"^trivet: error: guest bad: line 5: firmware 'bad.bin' .*{words}")
