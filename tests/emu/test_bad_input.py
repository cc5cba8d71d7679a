# SPDX-License-Identifier: Apache-2.0
"""Configurations, files and machines that are wrong: the reason is on the console, and the run ends."""

import gzip
import struct
import subprocess

import pytest

from conftest import ASSETS, load_launcher

VM = "[machine]\npoweroff-when-done = yes\n[vm bad]\nkernel = kernel\nmemory = {memory}\n{more}\n"


def config(memory="64M", more=""):
    return VM.format(memory=memory, more=more)


def vmlinuz(patch=None, size=None):
    """Debian's kernel with bytes changed ({offset: bytes}) or cut off."""
    data = bytearray((ASSETS / "vmlinuz").read_bytes())
    for offset, new in (patch or {}).items():
        data[offset:offset + len(new)] = new
    return bytes(data[:size])


def multiboot(address, load_end, entry):
    """A Multiboot 1 kernel with an address header."""
    magic, flags = 0x1BADB002, 0x10000
    header = struct.pack("<8I", magic, flags, -(magic + flags) & 0xFFFFFFFF, address, address, load_end, load_end, entry)
    return header + b"\xf4" * 4096


def elf32(vaddr, filesz, memsz, offset=0x1000):
    """A Multiboot 1 ELF32 with one segment as given."""
    magic = 0x1BADB002
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    head = ident + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, vaddr, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<8I", 1, offset, vaddr, vaddr, filesz, memsz, 7, 0x1000)
    return (head + segment + struct.pack("<3I", magic, 0, -magic & 0xFFFFFFFF)).ljust(0x1000, b"\0") + b"\xf4" * 4096


@pytest.mark.parametrize("text, words", [
    ("[machine]\npoweroff-when-done = yes\n[vm a]\nkernel = kernel\nmemroy = 64M\n", "line 5.*memroy"),
    ("[vm a]\nmemory = 64M\n", "kernel"),
    ("[vm a]\nkernel = kernel\nmemory = many\n", "line 3"),
    ("kernel = kernel\n", "line 1"),
    ("[vm a]\nkernel = kernel\n[vm a]\nkernel = kernel\n", "line 3"),
    ("[vm a\n", "line 1"),
    ("", "no guest|no \\[vm"),
    ("\0\xff\n" * 10, "line 1"),
])
def test_config_error_is_named_with_its_line(svm, text, words):
    svm.run_text(text, kernel=b"x").assert_failed(f"^trivet: .*({words})")


def test_config_names_an_absent_kernel(machine):
    machine.run_text(config()).assert_failed("^trivet: .*kernel")


def test_config_names_an_absent_initrd(quick):
    kernel = (quick.assets / "vmlinuz").read_bytes()
    quick.run_text(config(more="initrd = gone"), kernel=kernel).assert_failed("^trivet: .*gone")


@pytest.mark.parametrize("memory", ["64G", "1023M", "4K"])
def test_memory_that_cannot_be(quick, memory):
    kernel = (quick.assets / "vmlinuz").read_bytes()
    quick.run_text(config(memory=memory), kernel=kernel).assert_failed("^trivet: .*memory")


@pytest.mark.parametrize("more, words", [
    ("cpus = 9", "line 6.*cpus"),
    ("cpus = 0", "line 6.*cpus"),
    ("pin = 5", "pin|CPU 5"),
    ("cpus = 2\npin = 0,256", "line 7.*pin"),
    ("disk = d\n[vm other]\nkernel = kernel\nmemory = 64M\ndisk = d", "disk.* d.*(writ|bad)"),
])
def test_cpus_and_disks_that_cannot_be(quick, more, words):
    """More CPUs than a guest may have, one that the machine lacks, a disk that two guests would write."""
    kernel = (quick.build / "guest-test" / ("busy.elf" if quick.arch == "x86_64" else "busy.Image")).read_bytes()
    quick.run_text(config(more=more), kernel=kernel, d=bytes(1 << 20)).assert_failed(f"^trivet: .*({words})")


KERNELS = {
    "empty": lambda: b"\0",
    "text": lambda: b"#!/bin/sh\n" * 1000,
    "cut in its header": lambda: vmlinuz(size=0x210),
    "cut in its code": lambda: vmlinuz(size=1 << 20),
    "more setup than file": lambda: vmlinuz({0x1F1: b"\xff"}, 20000),
    "an old protocol": lambda: vmlinuz({0x206: b"\x00\x02"}),
    "absurd init_size": lambda: vmlinuz({0x260: b"\xff\xff\xff\xff"}),
    "absurd alignment": lambda: vmlinuz({0x230: b"\x00\x00\x00\x80", 0x234: b"\0"}),
    "Multiboot outside RAM": lambda: multiboot(0x7FFF0000, 0x7FFF1000, 0x7FFF0000),
    "Multiboot that wraps": lambda: multiboot(0xFFFFF000, 0x1000, 0xFFFFF000),
    "ELF segment outside RAM": lambda: elf32(0x70000000, 16, 4096),
    "ELF segment that wraps": lambda: elf32(0xFFFFF000, 16, 0x2000),
    "ELF segment past the file": lambda: elf32(0x100000, 0xFFFFFFF0, 0xFFFFFFF0),
    "ELF segment larger in file than in memory": lambda: elf32(0x100000, 4096, 16),
}


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_that_is_wrong(svm, name):
    svm.run_text(config(), kernel=KERNELS[name]()).assert_failed("^trivet: .*(kernel|bad)")


def image(patch=None):
    """The first MiB of Debian's arm64 kernel with bytes changed ({offset: bytes})."""
    data = bytearray((ASSETS / "arm64" / "vmlinuz").read_bytes()[:1 << 20])
    for offset, new in (patch or {}).items():
        data[offset:offset + len(new)] = new
    return bytes(data)


# Documentation/arch/arm64/booting.rst: text_offset at 8, image_size at 16, flags at 24.
IMAGES = {
    "empty": lambda: b"",
    "packed": lambda: gzip.compress(image(), 1),
    "a PC's": lambda: bytes(0x202) + b"HdrS" + bytes(8192),
    "an ELF file": lambda: elf32(0x100000, 16, 16),
    "image_size larger than RAM": lambda: image({16: struct.pack("<Q", 1 << 30)}),
    "image_size that wraps": lambda: image({16: b"\xff" * 8}),
    "text_offset outside RAM": lambda: image({8: struct.pack("<Q", 1 << 40)}),
    "text_offset that wraps": lambda: image({8: b"\xff" * 8}),
    "big-endian": lambda: image({24: b"\x01"}),
}


@pytest.mark.parametrize("name", IMAGES)
def test_arm64_image_that_is_wrong(arm64, name):
    arm64.run_text(config(), kernel=IMAGES[name]()).assert_failed("^trivet: error: guest bad: ")


def test_a_bad_guest_does_not_disturb_a_good_one(quick):
    text = quick.linux("smoke").read_text() + "[vm bad]\nkernel = wrong\nmemory = 64M\n"
    quick.file("wrong", {"x86_64": b"x" * 5000, "arm64": b""}[quick.arch])
    result = quick.run("--config", quick.file("two.ini", text))
    result.assert_shows("^TRIVET-TEST-PASS smoke", "^trivet: .*(wrong|bad)")


def test_machine_without_virtualization_is_told_so(svm):
    result = svm.run("--config", svm.linux("smoke"), "--cpu", "qemu64,-svm", seconds=60)
    result.assert_failed("(?i)^trivet: .*(SVM|VMX).*")


def test_machine_with_little_memory_is_told_so(quick):
    quick.run("--config", quick.linux("smoke"), "--host-memory", "128M", seconds=60).assert_failed("^trivet: .*memory")


def test_arm64_machine_without_el2_is_told_so(arm64):
    result = arm64.run("--config", arm64.linux("smoke"), "--qemu=-machine virtualization=off", seconds=60)
    result.assert_failed("^trivet: PANIC: entered at EL1: it needs EL2")


# --- the file of boot modules: header at 0, entries of 256 bytes from 256 on ---------------------------------------------


def patched(offset, layout, *values):
    """A change of a packed file: these values at @offset."""
    def change(data):
        struct.pack_into(layout, data, offset, *values)
    return change


def truncate(data):
    del data[len(data) // 2:]


PACKS = {
    "no magic": patched(0, "<Q", 0),
    "another version": patched(8, "<I", 2),
    "no modules": patched(12, "<I", 0),
    "many modules": patched(12, "<I", 25),
    "absurdly many modules": patched(12, "<I", 0xFFFFFFFF),
    "a size larger than the file": patched(16, "<Q", 1 << 40),
    "a size smaller than its modules": patched(16, "<Q", 8192),
    "a size that is nothing": patched(16, "<Q", 0),
    "an offset outside": patched(256, "<Q", 1 << 40),
    "an offset that wraps": patched(256, "<QQ", 0xFFFFFFFFFFFFF000, 0x2000),
    "an offset inside a page": patched(256, "<Q", 4097),
    "an offset in the header": patched(256, "<Q", 0),
    "a module's size outside": patched(264, "<Q", 1 << 40),
    "a module's size that wraps": patched(264, "<Q", 0xFFFFFFFFFFFFFFFF),
    "a name without an end": patched(272, "<240s", b"x" * 240),
    "the file cut off": truncate,
}


@pytest.mark.parametrize("name", PACKS)
def test_packed_file_that_is_wrong(arm64, name):
    packed = arm64.image(config(), {"kernel": arm64.file("kernel", bytes(1 << 20))})
    data = bytearray(packed.read_bytes())
    PACKS[name](data)
    arm64.run("--image", arm64.file("wrong.image", bytes(data)), seconds=60).assert_failed("^trivet: (PANIC|error): ")


@pytest.mark.parametrize("without, words", [("service", "service"), ("config", "config")])
def test_packed_file_without_what_is_needed(arm64, without, words):
    launcher = load_launcher()
    modules = [("service", arm64.build / "service.bin"), ("config", config().encode()), ("kernel", b"x")]
    launcher.make_pack(arm64.folder / "image", [module for module in modules if module[0] != without])
    arm64.run("--image", arm64.folder / "image", seconds=60).assert_failed(f"^trivet: .*{words}")


# --- the machine's device tree -----------------------------------------------------------------------------------------------


def stub(system, x0, tree=b""):
    """A hypervisor that is entered with @x0 as the device tree's address, or, when that is None, with the tree @tree."""
    jump, at = 2 << 20, 4096  # where the hypervisor, and where @tree is

    def branch(where, to):
        return struct.pack("<I", 0x14000000 | (to - where) // 4)

    def movz(value):  # of 16 bits, at a multiple of 16
        shift = next(n for n in range(4) if value >> 16 * n < 1 << 16)
        return struct.pack("<I", 0xD2800000 | shift << 21 | (value >> 16 * shift) << 5)

    adr = 0x10000000 | (at - 64) % 4 << 29 | (at - 64) // 4 << 5
    code = struct.pack("<I", adr) if x0 is None else movz(x0)
    real = (system.build / "trivet.Image").read_bytes()
    size = jump + struct.unpack_from("<Q", real, 16)[0]
    head = branch(0, 64) + bytes(4) + struct.pack("<QQQ", 0, size, 0xA) + bytes(24) + b"ARM\x64" + bytes(4)
    data = (head + code + branch(68, jump)).ljust(at, b"\0") + tree
    assert len(data) <= jump
    return system.file("stub.Image", data.ljust(jump, b"\0") + real)


def device_tree(system, *more):
    """QEMU's for its virt machine, without the room that it leaves behind it: with -dtb it makes that larger still."""
    path = system.folder / "virt.dtb"
    subprocess.run(["qemu-system-aarch64", "-machine", f"virt,virtualization=on,gic-version=3,dumpdtb={path}", "-cpu", "max",
                    "-m", "1G", "-nodefaults", "-display", "none", *more], check=True, capture_output=True)
    tree = path.read_bytes()
    _, _, _, strings, _, _, _, _, size = struct.unpack_from(">9I", tree)
    return tree[:4] + struct.pack(">I", strings + size) + tree[8:strings + size]


# struct fdt_header is of big-endian words: magic, totalsize, off_dt_struct, off_dt_strings, off_mem_rsvmap, version,
# last_comp_version, ...
TREES = {
    "of zeros": lambda tree: bytes(4096),
    "without its magic": lambda tree: b"\0" + tree[1:],
    "cut off": lambda tree: tree[:600] + bytes(65536),
    "absurdly large": lambda tree: tree[:4] + b"\xff" * 4 + tree[8:],
    "with its nodes outside": lambda tree: tree[:8] + b"\x7f\xff\xff\xf0" + tree[12:],
    "with its strings outside": lambda tree: tree[:12] + b"\xff\xff\xff\xf0" + tree[16:],
    "with its reservations outside": lambda tree: tree[:16] + b"\xff\xff\xff\xf0" + tree[20:],
    "of a version to come": lambda tree: tree[:20] + struct.pack(">II", 99, 99) + tree[28:],
    "with garbage for nodes": lambda tree: tree[:128] + bytes(range(256)) * 4 + tree[1152:],
}


@pytest.mark.parametrize("name", TREES)
def test_device_tree_that_is_corrupt(arm64, name):
    kernel = stub(arm64, None, TREES[name](device_tree(arm64)))
    result = arm64.run("--config", arm64.linux("smoke"), "--hypervisor", kernel, seconds=60)
    result.assert_failed("^trivet: PANIC: .*device tree")


@pytest.mark.parametrize("x0", [0, 0x1003, 1 << 40])
def test_device_tree_that_is_nowhere(arm64, x0):
    result = arm64.run("--config", arm64.linux("smoke"), "--hypervisor", stub(arm64, x0), seconds=60)
    result.assert_failed("^trivet: PANIC: .*device tree")


@pytest.mark.parametrize("compatible, words", [
    (b"arm,gic-v3", "[Ii]nterrupt controller|GIC"), (b"-timer", "[Tt]imer"),
])
def test_device_tree_without_what_is_needed(arm64, compatible, words):
    tree = device_tree(arm64)
    assert compatible in tree
    path = arm64.file("less.dtb", tree.replace(compatible, b"x" * len(compatible)))
    result = arm64.run("--config", arm64.linux("smoke"), f"--qemu=-dtb {path}", seconds=60)
    result.assert_failed(f"^trivet: PANIC: .*({words})")
