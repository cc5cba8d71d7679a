# SPDX-License-Identifier: Apache-2.0
"""Configurations, files and machines that are wrong: the reason is on the console, and the run ends."""

import struct

import pytest

from conftest import ASSETS

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


def test_config_names_an_absent_initrd(svm):
    svm.run_text(config(more="initrd = gone"), kernel=vmlinuz()).assert_failed("^trivet: .*gone")


@pytest.mark.parametrize("memory", ["64G", "1023M", "4K"])
def test_memory_that_cannot_be(svm, memory):
    svm.run_text(config(memory=memory), kernel=vmlinuz()).assert_failed("^trivet: .*memory")


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


def test_a_bad_guest_does_not_disturb_a_good_one(svm):
    text = svm.linux("smoke").read_text() + "[vm bad]\nkernel = wrong\nmemory = 64M\n"
    svm.file("wrong", b"x" * 5000)
    result = svm.run("--config", svm.file("two.ini", text))
    result.assert_shows("^TRIVET-TEST-PASS smoke", "^trivet: .*(wrong|bad)")


def test_machine_without_virtualization_is_told_so(svm):
    result = svm.run("--config", svm.linux("smoke"), "--cpu", "qemu64,-svm", seconds=60)
    result.assert_failed("(?i)^trivet: .*(SVM|VMX).*")


def test_machine_with_little_memory_is_told_so(svm):
    svm.run("--config", svm.linux("smoke"), "--host-memory", "128M", seconds=60).assert_failed("^trivet: .*memory")
