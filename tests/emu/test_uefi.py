# SPDX-License-Identifier: Apache-2.0
"""Start by UEFI: OVMF and AAVMF run boot/uefi, which loads the hypervisor; and what they say when something is wrong."""

import pathlib

import pexpect
import pytest

from conftest import LAUNCHER, QUICK, load_launcher
from test_screen import Watched

SMALL = {"x86_64": "io", "arm64": "memory"}
GUEST = "[machine]\npoweroff-when-done = yes\n"


def small(system, extra=""):
    return system.file("small.ini", GUEST + system.small(SMALL[system.arch]) + extra)


def content(system, config="[vm a]\nkernel = kernel\n", **files):
    """{path: content} of a volume with all that belongs there, and the guests' @files."""
    launcher = load_launcher()
    build = system.build
    volume = {f"/EFI/BOOT/{launcher.UEFI[system.arch].program}": build / "trivet.efi", "/trivet/trivet.elf": build / "trivet.elf",
              "/trivet/service.bin": build / "service.bin", "/trivet/trivet.ini": config.encode()}
    volume.update({f"/trivet/{name}": data for name, data in files.items()})
    return volume


def volume(system, files):
    image = system.folder / "volume.image"
    load_launcher().make_volume(image, {path: data for path, data in files.items() if data is not None})
    return image


def run(system, files, *args, seconds=120):
    return system.run("--firmware", "uefi", "--image", volume(system, files), *args, seconds=seconds)


def said(words):
    return rf"^trivet: PANIC: boot: .*{words}"


def test_a_small_guest_runs_to_its_end(quick):
    result = quick.run("--firmware", "uefi", "--hypervisor-append", "report", "--config", small(quick))
    result.assert_passed("started by UEFI 2", r"trivet-report: \{", r"DONE \d+ passed 0 failed")
    result.assert_audited()


@pytest.mark.parametrize("device, memory", [("usb", "6G"), ("nvme", "1G")])
def test_other_devices_more_memory_and_cpus(svm, device, memory):
    result = svm.run("--firmware", "uefi", "--boot-device", device, "--host-memory", memory, "--host-cpus", "2", "--config",
                     small(svm))
    result.assert_passed("2 of 2 CPUs are up", r"DONE \d+ passed 0 failed")
    result.assert_audited()


def test_arm64_without_vhe_with_a_gicv2(arm64):
    result = arm64.run("--machine", "arm64-nvhe", "--gic", "2", "--firmware", "uefi", "--boot-device", "usb", "--host-cpus", "2",
                       "--config", small(arm64))
    result.assert_passed("2 of 2 CPUs are up", r"DONE \d+ passed 0 failed")


def work_in_the_shell(child):
    """From the guest's prompt to the machine's end."""
    child.expect_exact("guest# ")
    child.send("echo $((6*7))\r")
    child.expect(r"\n42\r")
    child.send("poweroff\r")
    child.expect_exact("powering off")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_linux_to_its_shell(quick):
    work_in_the_shell(quick.console("--firmware", "uefi", "--config", quick.linux("")))


def test_a_packed_image_runs_and_its_configuration_can_be_edited(quick):
    launcher = load_launcher()
    config = small(quick)
    image = quick.folder / "stick.image"
    assert pexpect.run(f"{LAUNCHER} pack --efi --arch {quick.arch} {config} -o {image}", withexitstatus=True)[1] == 0
    text = config.read_text().replace(f"[vm {SMALL[quick.arch]}]", "[vm renamed]")
    edited = quick.file("edited.ini", text)
    start = launcher.VOLUME_START
    assert pexpect.run(f"mcopy -o -i {image}@@{start} {edited} ::/trivet/trivet.ini", withexitstatus=True)[1] == 0
    quick.run("--firmware", "uefi", "--image", image).assert_passed("guest renamed:")


def half(path):
    data = pathlib.Path(path).read_bytes()
    return data[:len(data) // 2]


OTHER = {"x86_64": b"\xb7", "arm64": b"\x3e"}  # e_machine of the other architecture


def other(system):
    data = bytearray((system.build / "trivet.elf").read_bytes())
    data[18:19] = OTHER[system.arch]
    return bytes(data)


def another_version(system):
    """Its struct boot_info is larger."""
    data = bytearray((system.build / "trivet.elf").read_bytes())
    at = data.index(b"TRVUEFI1")
    data[at + 8] ^= 0x10
    return bytes(data)


BAD = {
    "nothing of ours": ({"trivet.elf": None, "service.bin": None, "trivet.ini": None}, r"there is no file \\trivet\\trivet.elf$"),
    "no configuration": ({"trivet.ini": None}, r"there is no file \\trivet\\trivet.ini$"),
    "no service VM": ({"service.bin": None}, r"there is no file \\trivet\\service.bin$"),
    "hypervisor cut off": ({"trivet.elf": lambda s: half(s.build / "trivet.elf")}, r"\\trivet\\trivet.elf: it is cut off"),
    "hypervisor empty": ({"trivet.elf": lambda s: b""}, r"\\trivet\\trivet.elf: it is cut off"),
    "not a hypervisor": ({"trivet.elf": lambda s: bytes(4096)}, r"\\trivet\\trivet.elf: it is not an ELF-64 file"),
    "another architecture's": ({"trivet.elf": other}, r"\\trivet\\trivet.elf: it is for another architecture"),
    "another version's": ({"trivet.elf": another_version}, r"\\trivet\\trivet.elf: it is of another version"),
    "service VM cut off": ({"service.bin": lambda s: half(s.build / "service.bin")}, r"\\trivet\\service.bin: it is cut off"),
    "not a service VM": ({"service.bin": lambda s: bytes(4096)}, r"\\trivet\\service.bin: it is not a service VM"),
    "a missing file": ({}, r"there is no file \\trivet\\kernel, named in line 2 of trivet.ini"),
    "a file in a missing folder": ({"trivet.ini": lambda s: b"[vm a]\ninitrd = no/where\n"},
                                   r"there is no file \\trivet\\no\\where, named in line 2"),
    "a name that cannot be": ({"trivet.ini": lambda s: b"\n[vm a]\ndisk = ../x,ro\n"}, r"trivet.ini:3: no file .* \.\./x"),
    "a folder": ({"trivet.ini": lambda s: b"[vm a]\nkernel = d\n", "d/x": lambda s: b""}, r"\\trivet\\d is not a file"),
    "too many files": ({"trivet.ini": lambda s: b"[vm a]\n" + b"".join(b"module = m%d\n" % n for n in range(23)),
                        **{f"m{n}": lambda s: b"x" for n in range(23)}}, "trivet.ini:24: there are more than 24 files"),
}


# Each on one machine, some on both: it is the same code.
BAD_ON = [(name, what) for name in QUICK for what in BAD
          if name == QUICK[0] or what in ("nothing of ours", "another architecture's", "a missing file")]


@pytest.mark.parametrize("quick, what", BAD_ON, indirect=["quick"])
def test_what_is_wrong_with_the_volume_is_said(quick, what):
    changes, words = BAD[what]
    files = content(quick)
    files.update({f"/trivet/{name}": make and make(quick) for name, make in changes.items()})
    run(quick, files).assert_failed(said(words))


def test_an_error_of_the_configuration_itself_is_the_service_vms(svm):
    files = content(svm, "[vm a]\nkernel = kernel\nmemroy = 1M\n", kernel=b"x")
    run(svm, files).assert_failed("^trivet: error: config: .*memroy")


def test_too_little_memory_is_said(svm):
    files = content(svm, "[vm a]\nkernel = kernel\ndisk = big\n", kernel=b"x", big=bytes(200 << 20))
    run(svm, files, "--host-memory", "192M").assert_failed(said(r"not enough memory below 4 GiB for \\trivet\\big: 204800 KiB"))


def test_a_key_goes_back_to_the_firmware(svm):
    launcher = load_launcher()
    args = launcher.parser().parse_args(["run", *svm.options, "--firmware", "uefi"])
    launcher.parts_of(args)
    files = content(svm)
    command = launcher.qemu_command(args, launcher.MACHINES["svm"], volume(svm, files), svm.folder)
    child = pexpect.spawn(command[0], command[1:], encoding="utf-8", codec_errors="replace", timeout=svm.seconds)
    child.expect("Press a key to go back to the firmware")
    assert child.expect(["BdsDxe", pexpect.TIMEOUT], timeout=3) == 1
    child.send(" ")
    child.expect("BdsDxe: failed to start .*: Load Error")
    child.close(force=True)


@pytest.mark.parametrize("args, words", [
    (["--qemu", "-machine virtualization=off"], "the firmware runs at EL1: Trivet needs EL2"),
    (["--qemu", "-machine acpi=on"], "the firmware gives no device tree"),
])
def test_a_machine_that_will_not_do_is_said(arm64, args, words):
    run(arm64, content(arm64), *args).assert_failed(said(words))


def test_a_cpu_without_virtualization_is_the_hypervisors_to_say(svm):
    files = content(svm, kernel=b"x")
    run(svm, files, "--cpu", "max,-svm").assert_failed("started by UEFI", "^trivet: PANIC: no hardware virtualization")


def faulty(system, name):
    """Our program, started by tests/emu/uefi/fault.c, and a small guest."""
    launcher = load_launcher()
    guest = SMALL[system.arch] + {"x86_64": ".elf", "arm64": ".Image"}[system.arch]
    files = content(system, small(system).read_text(), **{guest: system.build / "guest-test" / guest})
    files["/trivet/trivet.efi"] = system.build / "trivet.efi"
    files[f"/EFI/BOOT/{launcher.UEFI[system.arch].program}"] = system.build / "guest-test" / f"{name}.efi"
    return files


def test_a_stale_memory_map_is_read_again(quick):
    run(quick, faulty(quick, "stale-once")).assert_passed(r"DONE \d+ passed 0 failed")


def test_firmware_that_does_not_end_its_services(quick):
    run(quick, faulty(quick, "stale-always")).assert_failed(said(r"the firmware does not end its services \(ExitBootServices"),
                                                     "The machine restarts in 10 seconds")


def test_a_serial_port_without_a_console_is_written_to(quick):
    result = run(quick, {**faulty(quick, "silent"), "/trivet/service.bin": None})
    result.assert_failed(said(r"there is no file \\trivet\\service.bin"))
    assert run(quick, faulty(quick, "silent")).console.count("trivet: boot: loading") == 1


def test_the_screen_is_described(svm):
    result = svm.run("--firmware", "uefi", "--screen", "hidden", "--config", small(svm))
    result.assert_passed(r"^trivet: boot: screen of \d+ x \d+, 32 bits a pixel: red 8 at 16, green 8 at 8, blue 8 at 0",
                         r"DONE \d+ passed 0 failed")


def test_the_hypervisors_words_are_on_the_firmwares_screen(svm):
    watched = Watched(svm, "--firmware", "uefi", "--hypervisor-append", "panic-test", "--config", small(svm))
    watched.until(lambda lines: lines[0].startswith("TRIVET HAS STOPPED") and "The log before it" in lines and
                  any(line.startswith("trivet: hypervisor, ABI 1, started by UEFI") for line in lines))


@pytest.mark.parametrize("name", ["../k", "a/./k", "a//k", "a:b", "k\u00e4se", "a\\b"])
def test_a_name_that_no_volume_has_is_refused(name):
    launcher = load_launcher()
    with pytest.raises(launcher.Fault, match="can be called so"):
        launcher.volume_path(name)


def test_two_names_that_differ_in_case_alone_are_refused(tmp_path):
    launcher = load_launcher()
    with pytest.raises(launcher.Fault, match="upper and lower case"):
        launcher.make_volume(tmp_path / "x", {"/trivet/K": b"", "/trivet/k": b""})


def test_names_of_ours_are_taken(svm):
    svm.file("service.bin", "x")
    config = svm.file("a.ini", "[vm a]\nkernel = service.bin\n")
    result = svm.run("--firmware", "uefi", "--config", config)
    assert result.status == 2 and "is taken" in result.last
