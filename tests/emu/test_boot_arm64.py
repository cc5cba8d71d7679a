# SPDX-License-Identifier: Apache-2.0
"""Ways into the arm64 hypervisor that ./trivet does not take: boot modules one by one, and the wrong exception level."""

import subprocess

CONFIG = "[machine]\npoweroff-when-done = yes\n[vm a]\nkernel = cpu.Image\ncmdline = trivet\nmemory = 64M\n"


def qemu(*args, seconds=120):
    """What QEMU's serial line says until its end, or until @seconds have passed."""
    command = ["timeout", "-k", "1", str(seconds), "qemu-system-aarch64", "-cpu", "max", "-m", "512", "-nographic",
               "-no-reboot", *map(str, args)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


def module(addr, path, string):
    """QEMU writes a node "multiboot,module" into /chosen, as GRUB's xen_module does."""
    return "-device", f"guest-loader,addr={addr:#x},kernel={path},bootargs={string}"


def test_modules_as_nodes_of_the_device_tree(arm64):
    config = arm64.file("config.ini", CONFIG)
    guest = arm64.build / "guest-test" / "cpu.Image"
    code, text = qemu("-machine", "virt,virtualization=on,gic-version=3", "-kernel", arm64.build / "trivet.Image",
                      *module(0x50000000, arm64.build / "service.bin", "service"),
                      *module(0x51000000, config, "config"), *module(0x52000000, guest, "cpu.Image"))
    assert code == 0 and " passed 0 failed" in text and "all guests have stopped" in text, text


def test_a_module_over_the_device_tree(arm64):
    code, text = qemu("-machine", "virt,virtualization=on,gic-version=3", "-kernel", arm64.build / "trivet.Image",
                      *module(0x48000000, arm64.build / "service.bin", "service"), seconds=10)
    assert "PANIC: boot: a module overlaps" in text, text


def test_entry_at_el3_is_told_so(arm64):
    image = arm64.build / "trivet.Image"
    code, text = qemu("-machine", "virt,secure=on,virtualization=on,gic-version=3",
                      "-device", f"loader,file={image},addr=0x40200000,force-raw=on",
                      "-device", "loader,addr=0x40200000,cpu-num=0", seconds=10)
    assert "PANIC: entered at EL3: it needs EL2" in text, text
