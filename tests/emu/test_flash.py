# SPDX-License-Identifier: Apache-2.0
"""./trivet flash: what it refuses, by a /sys and /proc made for it; what it writes, to files and where there are some to loop devices."""

import errno
import shutil
import subprocess
import sys

import pytest

from conftest import LAUNCHER, load_launcher

load_launcher()  # and with it the folder of its parts
import flash  # noqa: E402

MIB = 1 << 20


def launch(*args, answer=""):
    return subprocess.run([str(LAUNCHER), "flash", *map(str, args)], input=answer, capture_output=True, text=True)


@pytest.fixture
def image(tmp_path):
    """A small image of ours."""
    launcher = load_launcher()
    path = tmp_path / "stick.img"
    launcher.make_volume(path, {"/trivet/trivet.ini": b"[vm a]\n", "/trivet/x": bytes(range(256)) * 4096})
    return path


class Machine:
    """A /sys and a /proc."""

    def __init__(self, folder, monkeypatch):
        self.sys, self.proc = folder / "sys", folder / "proc"
        (self.proc / "self").mkdir(parents=True)
        (self.proc / "self" / "mountinfo").write_text("22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n")
        (self.proc / "swaps").write_text("Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n")
        monkeypatch.setattr(flash, "SYSFS", self.sys)
        monkeypatch.setattr(flash, "PROC", self.proc)

    def disk(self, name, number, removable=1, port="pci0000:00/usb2/2-1", size=16 * MIB, partitions=2):
        disk = self.sys / "devices" / port / "block" / name
        (disk / "device").mkdir(parents=True)
        (disk / "holders").mkdir()
        values = {"dev": f"8:{number}", "removable": removable, "ro": 0, "size": size // 512, "device/vendor": "Acme ",
                  "device/model": "Stick 1 "}
        for key, value in values.items():
            (disk / key).write_text(f"{value}\n")
        for n in range(1, partitions + 1):
            part = disk / f"{name}{n}"
            (part / "holders").mkdir(parents=True)
            (part / "dev").write_text(f"8:{number + n}\n")
            (part / "partition").write_text(f"{n}\n")
        return disk


@pytest.fixture
def machine_files(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


def test_a_stick_is_taken_with_its_model_and_size(machine_files):
    target = flash.examine_block("/dev/sdb", machine_files.disk("sdb", 16))
    assert target.block and target.size == 16 * MIB and target.words == "/dev/sdb: Acme Stick 1"


@pytest.mark.parametrize("removable, port, kind, taken", [
    (1, "pci/ata1", "", True), (0, "pci/usb3/3-2", "", True), (0, "pci/mmc0", "SD", True), (0, "pci/mmc0", "MMC", False),
    (0, "pci/ata1", "", False), (0, "virtual/usbless", "", False)])
def test_what_is_not_removable_is_refused(machine_files, removable, port, kind, taken):
    disk = machine_files.disk("sdb", 16, removable, port)
    (disk / "device" / "type").write_text(kind)
    if taken:
        assert flash.examine_block("/dev/sdb", disk).block
    else:
        with pytest.raises(flash.Fault, match="not removable"):
            flash.examine_block("/dev/sdb", disk)
        assert flash.examine_block("/dev/sdb", disk, force=True).block


MOUNT = "{} {} / /media/My\\040Stick rw - vfat {} rw\n"


def mounted(machine, disk):
    (machine.proc / "self" / "mountinfo").write_text(MOUNT.format("30 1", "8:17", "/dev/sdb1"))


def mounted_whole(machine, disk):
    (machine.proc / "self" / "mountinfo").write_text(MOUNT.format("30 1", "8:16", "/dev/sdb"))


def mounted_anonymous(machine, disk):  # as btrfs shows its mounts
    (machine.proc / "self" / "mountinfo").write_text(MOUNT.format("30 1", "0:45", "/dev/sdb2"))


def swap(machine, disk):
    (machine.proc / "swaps").write_text("Filename\tType\n/dev/sdb2                               partition\t1\t0\t-2\n")


def held(machine, disk):
    (disk / "sdb1" / "holders" / "dm-0" / "dm").mkdir(parents=True)
    (disk / "sdb1" / "holders" / "dm-0" / "dm" / "name").write_text("vault-root\n")


def held_whole(machine, disk):
    (disk / "holders" / "md0").mkdir()


@pytest.mark.parametrize("use, words", [
    (mounted, "sdb1 is mounted on"), (mounted_whole, "sdb is mounted on"), (mounted_anonymous, "sdb2 is mounted on"),
    (swap, "sdb2 is swap space"), (held, "sdb1 is in use by vault-root"), (held_whole, "sdb is in use by md0")],
    ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_in_use_is_refused(machine_files, use, words):
    disk = machine_files.disk("sdb", 16)
    assert flash.examine_block("/dev/sdb", disk).block
    use(machine_files, disk)
    with pytest.raises(flash.Fault, match=words):
        flash.examine_block("/dev/sdb", disk)
    assert flash.examine_block("/dev/sdb", disk, force=True).block


def test_a_partition_and_a_locked_card_are_refused(machine_files):
    disk = machine_files.disk("sdb", 16)
    with pytest.raises(flash.Fault, match="is a partition: name the whole device, sdb"):
        flash.examine_block("/dev/sdb1", disk / "sdb1")
    (disk / "ro").write_text("1\n")
    for force in (False, True):
        with pytest.raises(flash.Fault, match="write-protected"):
            flash.examine_block("/dev/sdb", disk, force)


@pytest.mark.parametrize("force", [False, True])
def test_a_device_that_is_too_small_is_refused(monkeypatch, image, force):
    monkeypatch.setattr(flash, "examine", lambda path, force: flash.Target(path, True, image.stat().st_size - 512, "small"))
    monkeypatch.setattr(flash, "write", lambda *args: pytest.fail("it was written to"))
    with pytest.raises(flash.Fault, match="too small"):
        flash.flash(image, "/dev/sdb", force, yes=True)


@pytest.mark.parametrize("path, words", [("/no/such", "No such file"), ("/dev/null", "not a block device"), ("/tmp", "not a block device")])
def test_what_is_no_device_is_refused(image, path, words):
    done = launch(image, path, "--yes", "--force")
    assert done.returncode == 2 and words in done.stderr.splitlines()[-1]


def test_a_file_is_written_when_forced_and_confirmed(image, tmp_path):
    size = image.stat().st_size
    old = b"o" * (size + 1000)
    target = tmp_path / "target"
    target.write_bytes(old)
    done = launch(image, target, "--yes")
    assert done.returncode == 2 and "is a regular file" in done.stderr and target.read_bytes() == old
    for answer in ("", "no\n", "y\n"):
        done = launch(image, target, "--force", answer=answer)
        assert done.returncode == 1 and done.stderr.splitlines()[-1] == "trivet: nothing was written"
        assert f"{size >> 20} MiB" in done.stdout and "a regular file" in done.stdout and target.read_bytes() == old
    done = launch(image, target, "--force", answer="yes\n")
    assert done.returncode == 0 and "and read it back" in done.stdout, done.stderr
    assert target.read_bytes() == image.read_bytes() + b"o" * 1000


def test_what_is_not_our_image_is_refused(image, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"old")
    data = image.read_bytes()
    label = data.index(b"TRIVET     ")
    other = {"not an image": b"text\n" * 1000, "is not an image": b"",
             "is cut off": data[:-512], "not an image that": data[:label] + b"OTHER      " + data[label + 11:]}
    for words, content in other.items():
        image.write_bytes(content)
        done = launch(image, target, "--yes")
        assert done.returncode == 2 and words in done.stderr.splitlines()[-1], done.stderr
        assert target.read_bytes() == b"old"
    done = launch(image, target, "--yes", "--force")  # another one's, but whole
    assert done.returncode == 0 and target.read_bytes() == image.read_bytes()


def test_what_comes_back_wrong_is_a_failure(monkeypatch, image, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"")
    read = flash.read_at

    def worn(fd, size, at):
        data = bytearray(read(fd, size, at))
        if at <= 5 * MIB < at + size:
            data[5 * MIB - at] ^= 1
        return bytes(data)

    monkeypatch.setattr(flash, "read_at", worn)
    with pytest.raises(flash.Failed, match=f"from byte {5 * MIB} on"):
        flash.flash(image, target, force=True, yes=True)
    monkeypatch.setattr(flash, "read_at", lambda fd, size, at: read(fd, size, at) if at < 8 * MIB else b"")
    with pytest.raises(flash.Failed, match=f"from byte {8 * MIB} on"):
        flash.flash(image, target, force=True, yes=True)


def test_a_device_that_fails_is_a_failure(monkeypatch, image, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"")

    def broken(fd, data, at):
        if at >= 4 * MIB:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(flash, "write_at", broken)
    monkeypatch.setattr(sys, "argv", ["trivet", "flash", str(image), str(target), "--force", "--yes"])
    launcher = load_launcher()
    monkeypatch.setattr(launcher.signal, "signal", lambda *_: None)
    with pytest.raises(launcher.Failed, match=f"cannot be written, near byte {4 * MIB}: Input/output error"):
        flash.flash(image, target, force=True, yes=True)
    assert launcher.main() == 1


@pytest.fixture
def loop(tmp_path):
    """A loop device of 64 MiB."""
    backing = tmp_path / "backing"
    backing.write_bytes(b"")
    with open(backing, "r+b") as file:
        file.truncate(64 * MIB)
    done = subprocess.run(["losetup", "-f", "--show", backing], capture_output=True, text=True) if shutil.which("losetup") else None
    if not done or done.returncode:
        pytest.skip("no loop device can be had here")
    yield done.stdout.strip()
    subprocess.run(["losetup", "-d", done.stdout.strip()], check=True)


def test_a_real_block_device_is_written(image, loop, tmp_path):
    done = launch(image, loop, "--yes")
    assert done.returncode == 2 and "not removable" in done.stderr
    done = launch(image, loop, "--yes", "--force")
    assert done.returncode == 0, done.stderr
    data = image.read_bytes()
    with open(loop, "rb") as device:
        assert device.read(len(data)) == data
    with open(image, "ab") as file:  # too much now, though nothing of ours
        file.truncate(65 * MIB)
    done = launch(image, loop, "--yes", "--force")
    assert done.returncode == 2 and "too small" in done.stderr
