# SPDX-License-Identifier: Apache-2.0
"""The launcher and the way to the first instruction, with a kernel that is not the hypervisor (tiny.asm, tiny.S)."""

import json
import re
import struct
import subprocess

import pexpect
import pytest

from conftest import LAUNCHER, load_launcher

KERNELS = {"x86_64": ("tiny.mb2", "echo.mb2"), "arm64": ("tiny.Image", "echo.Image")}


def tiny(system):
    return ["--hypervisor", system.build / "guest-test" / KERNELS[system.arch][0], "--service", ""]


def echo(system):
    return ["--hypervisor", system.build / "guest-test" / KERNELS[system.arch][1], "--service", ""]


def launch(*args):
    return subprocess.run([str(LAUNCHER), *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def test_an_image_boots_and_its_end_is_success(machine):
    config = machine.file("empty.ini", "# nothing\n")
    machine.run("--config", config, *tiny(machine), seconds=60).assert_passed("tiny test kernel")


def test_a_packed_image_boots_too(machine):
    config = machine.file("with space/a.ini", "[vm a]\nkernel = my kernel\n")
    machine.file("with space/my kernel", "x")
    iso = machine.folder / "out=1.iso"
    assert launch("pack", "--arch", machine.arch, config, "-o", iso, *tiny(machine)).returncode == 0
    parts = [] if machine.arch == "x86_64" else tiny(machine)  # an arm64 image has the hypervisor beside it
    machine.run("--image", iso, *parts, seconds=60).assert_passed("tiny test kernel")


def test_a_machine_that_ends_early_is_a_failure(svm):
    svm.file("k", b"not a kernel")
    config = svm.file("a.ini", "")
    result = svm.run("--config", config, "--hypervisor", svm.folder / "k", "--service", "", seconds=60)
    result.assert_failed("trivet: PANIC: the boot loader cannot load trivet.elf")


def test_a_run_without_an_end_is_timed_out(svm):
    config = svm.file("a.ini", "")
    result = svm.run("--config", config, *tiny(svm), "--host-memory", "1M", seconds=5)  # too little for the firmware
    assert result.status == 1
    assert result.last


@pytest.mark.parametrize("args, words", [
    (["run", "--kernel", "/no/such"], "kernel '/no/such' does not exist"),
    (["run", "--config", "/no/such"], "configuration '/no/such' does not exist"),
    (["run", "--image", "/no/such"], "image '/no/such' does not exist"),
    (["run", "--initrd", "/dev/null"], "go with --kernel"),
    (["run", "--machine", "arm"], "invalid choice"),
    (["run", "--machine", "svm", "--arch", "arm64"], "--machine svm is not of --arch arm64"),
    (["run", "--machine", "svm", "--gic", "2", "--config", "/dev/null"], "--gic goes with --machine arm64"),
    (["run", "--machine", "vmx", "--count"], "--count needs QEMU's emulation"),
    (["run", "--host-memory", "lots"], "not a size"),
    (["pack", "/no/such", "-o", "/dev/null"], "configuration '/no/such' does not exist"),
])
def test_bad_arguments_get_one_clear_line(args, words):
    done = launch(*args)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_file_named_in_a_configuration_is_missed_with_its_line(quick):
    config = quick.file("a.ini", "[vm a]\nmemory = 16M\nkernel = gone\n")
    done = launch("run", *quick.options, "--config", config, *tiny(quick))
    assert done.returncode == 2
    assert f"{config}:3: kernel" in done.stderr and "does not exist" in done.stderr


def test_files_of_a_configuration_are_its_modules_as_written(tmp_path):
    for name in ("k", "i", "d.img", "m"):
        (tmp_path / name).write_text(name)
    (tmp_path / "a.ini").write_text("# kernel = no\n[machine]\nkernel = no\n[vm a]\nkernel = k ; why\ninitrd=i\n"
                                    "disk = d.img,ro,serial=A\nmodule = m with words\ncmdline = initrd=/no\n")
    files = load_launcher().config_files(tmp_path / "a.ini")
    assert files == {name: tmp_path / name for name in ("k", "i", "d.img", "m")}


def unpack(data):
    """[(string, content)] of a packed file of boot modules, as boot/arm64 reads it."""
    magic, version, count, size = struct.unpack_from("<8sIIQ", data)
    assert (magic, version, size) == (b"TRVPACK1", 1, len(data))
    modules = []
    for n in range(count):
        offset, length, name = struct.unpack_from("<QQ240s", data, 256 * (n + 1))
        assert offset % 4096 == 0 and offset >= 256 * (count + 1) and offset + length <= size
        modules.append((name.split(b"\0")[0].decode(), data[offset:offset + length]))
    return modules


@pytest.mark.parametrize("sizes", [[], [0], [1], [4096, 4097], [0, 0, 1], [100] * 24])
def test_a_packed_file_has_each_module_on_pages_of_its_own(tmp_path, sizes):
    modules = [(f"module {n} with words", bytes([n + 1]) * size) for n, size in enumerate(sizes)]
    (tmp_path / "last").write_bytes(b"a file")
    given = [*modules[:-1], ("last", tmp_path / "last")] if modules else []
    load_launcher().make_pack(tmp_path / "pack", given)
    data = (tmp_path / "pack").read_bytes()
    assert len(data) % 4096 == 0
    assert unpack(data) == ([*modules[:-1], ("last", b"a file")] if modules else [])


@pytest.mark.parametrize("modules", [[("m", b"")] * 25, [("n" * 240, b"")], [("\u00e4" * 120, b"")], [("a\0b", b"")]])
def test_what_a_packed_file_cannot_hold_is_refused(tmp_path, modules):
    launcher = load_launcher()
    with pytest.raises(launcher.Fault):
        launcher.make_pack(tmp_path / "pack", modules)


def test_an_arm64_image_has_service_configuration_and_files_by_name(arm64):
    arm64.file("dir/my kernel", b"kernel")
    config = arm64.file("a.ini", "[vm a]\nkernel = dir/my  kernel\n")
    arm64.file("dir/my  kernel", b"kernel")
    arm64.file("service", b"service VM")
    done = launch("pack", "--arch", "arm64", config, "-o", arm64.folder / "image", "--hypervisor", config,
                  "--service", arm64.folder / "service")
    assert done.returncode == 0, done.stderr
    assert unpack((arm64.folder / "image").read_bytes()) == [
        ("service", b"service VM"), ("config", config.read_bytes()), ("dir/my kernel", b"kernel")]


@pytest.mark.parametrize("machine, arch, cpu", [("svm", "x86_64", "max"), ("vmx", "x86_64", None), ("arm64", "arm64", "max"),
                                                ("arm64-nvhe", "arm64", "cortex-a72")])
def test_a_machine_has_its_architecture(monkeypatch, machine, arch, cpu):
    launcher = load_launcher()
    monkeypatch.setenv("ARCH", "x86_64" if arch == "arm64" else "arm64")
    assert launcher.choose_arch(None, machine) == arch
    chosen = launcher.choose_machine(machine, arch)
    assert chosen.arch == arch and (cpu in (None, chosen.cpu) or chosen.accel == "kvm")


def test_the_architecture_is_the_option_or_that_of_the_environment(monkeypatch):
    launcher = load_launcher()
    monkeypatch.setenv("ARCH", "arm64")
    assert launcher.choose_arch("x86_64", "auto") == "x86_64"
    assert launcher.choose_arch(None, "auto") == "arm64"
    monkeypatch.delenv("ARCH")
    assert launcher.choose_arch(None, "auto") == launcher.HOST_ARCH
    monkeypatch.setenv("ARCH", "vax")
    with pytest.raises(launcher.Fault, match="ARCH=vax"):
        launcher.choose_arch(None, "auto")


def test_the_interrupt_controller_is_chosen(arm64):
    launcher = load_launcher()
    for given, version in (([], 3), (["--gic", "2"], 2), (["--gic", "3"], 3)):
        args = launcher.parts_of(launcher.parser().parse_args(["run", "--arch", "arm64", *given]))
        command = launcher.qemu_command(args, launcher.MACHINES["arm64"], "image")
        assert f"virt,virtualization=on,gic-version={version}" in command
        assert command[command.index("-initrd") + 1] == "image"
        assert command[command.index("-kernel") + 1].endswith("build/arm64/trivet.Image")


def test_console_goes_both_ways_and_every_key_reaches_the_machine(machine):
    child = machine.console("--config", machine.file("a.ini", ""), *echo(machine))
    child.expect("tiny test kernel")
    for text in ("hello\x01x\x03\x04", "\x11\x13 w\u00f6rld"):  # Ctrl-A, Ctrl-C, Ctrl-D, Ctrl-Q, Ctrl-S
        child.send(text)
        child.expect_exact(text)
    child.send("q")
    child.expect("powering off")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_the_quit_key_ends_the_machine(machine):
    child = machine.console("--config", machine.file("a.ini", ""), *echo(machine))
    child.expect("tiny test kernel")
    child.send("\x1d")
    child.expect("ended from the keyboard")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_the_report_says_what_the_machine_has(machine):
    """The hypervisor's own report, as people and as programs read it."""
    kernel = "cpu" + {"x86_64": ".elf", "arm64": ".Image"}[machine.arch]
    result = machine.run("--kernel", machine.build / "guest-test" / kernel, "--append", f"{machine.name} trivet",
                         "--hypervisor-append", "quiet report")
    result.assert_passed(r"^trivet: CPU: \S", r"^trivet: found: \S")
    log = machine.folder / "console.log"
    report = json.loads(launch("report", "--json", log).stdout)
    assert report["version"] == 1 and report["cpus"] == report["cpus_up"] == 1 and report["memory_mib"] in range(1000, 1025)
    assert report["machine"].startswith({"svm": "SVM", "vmx": "VMX"}.get(machine.name, "EL2"))
    found = {feature["name"]: feature["found"] for feature in report["features"]}
    assert all(found[name] for name in ("ACPI tables", "1 GiB pages", "XSAVE") if machine.arch == "x86_64")
    if machine.name == "vmx":
        assert found["VPID"] and found["virtual APIC"]
    if machine.name == "svm":
        assert not found["next RIP"] and "trivet: without next RIP: " in result.console
    if machine.arch == "arm64":
        assert found["VHE"] == ("nvhe" not in machine.name) and found["GICv3"] == ("gic2" not in machine.name)
    text = launch("report", log).stdout
    for name, there in found.items():
        assert re.search(rf"^{'yes' if there else 'no'} +{re.escape(name)}", text, re.M)


@pytest.mark.parametrize("text, words", [
    ("nothing\n", "has no report"),
    ("trivet-report: {\"version\": 1}\n", "damaged"),
    ("trivet-report: {\"features\": [7]}\n", "damaged"),
    ("trivet-report: {broken}\n", "damaged"),
])
def test_a_report_that_is_none(tmp_path, text, words):
    (tmp_path / "log").write_text(text)
    done = launch("report", tmp_path / "log")
    assert done.returncode == 2 and words in done.stderr
