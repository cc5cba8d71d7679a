# SPDX-License-Identifier: Apache-2.0
"""Reads the text of a screen: QEMU's screendump (PPM) against the font that the hypervisor has, cell by cell, and exactly."""

import json
import pathlib
import re
import socket
import struct
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FONT = ROOT / "build" / "gen" / "fb_font.h"
WIDTH, HEIGHT = 8, 16


class Picture:
    """Pixels of three bytes, RGB, line after line."""

    def __init__(self, data):
        found = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        if not found or len(data) - found.end() != int(found[1]) * int(found[2]) * 3:
            raise ValueError("no whole PPM")
        self.width, self.height = int(found[1]), int(found[2])
        self.pixels = data[found.end():]

    def shrunk(self, scale):
        """The same with one pixel for each @scale by @scale of them, which must be alike."""
        rows = [[self.pixels[at:at + 3] for at in range(y * self.width * 3, (y + 1) * self.width * 3, 3)]
                for y in range(self.height // scale * scale)]
        assert all(row == rows[y - y % scale] for y, row in enumerate(rows)), "not as high as wide"
        rows = [row[:self.width // scale * scale] for row in rows[::scale]]
        assert all(row[n::scale] == row[::scale] for row in rows for n in range(1, scale)), "pixels differ"
        pixels = b"".join(b"".join(row[::scale]) for row in rows)
        return Picture(b"P6 %d %d 255\n" % (self.width // scale, self.height // scale) + pixels)

    def cell(self, row, col):
        """The lines of a cell, as bytes."""
        start = (row * HEIGHT * self.width + col * WIDTH) * 3
        return [self.pixels[at:at + WIDTH * 3] for at in range(start, start + HEIGHT * self.width * 3, self.width * 3)]

    def lines(self):
        """(text, colours of what is printed, colours behind it) of each row; a character that the font has not is U+FFFD."""
        shapes = glyphs()
        for row in range(self.height // HEIGHT):
            text, ink, paper = "", set(), set()
            for col in range(self.width // WIDTH):
                lines = self.cell(row, col)
                colours = {line[x:x + 3] for line in lines for x in range(0, WIDTH * 3, 3)}
                # each font's first row of pixels is empty
                back = lines[0][:3]
                shape = tuple(sum(0x80 >> x for x in range(WIDTH) if line[3 * x:3 * x + 3] != back) for line in lines)
                text += shapes.get(shape, "\ufffd") if len(colours) <= 2 else "\ufffd"
                paper.add(back.hex())
                ink |= {c.hex() for c in colours if c != back}
            yield text.rstrip(), ink, paper

    def text(self):
        return [line for line, _, _ in self.lines()]

    def write_png(self, path):
        """As few colours as text has: a palette of 4 bits a pixel."""
        colours = sorted({self.pixels[i:i + 3] for i in range(0, len(self.pixels), 3)})
        number = {c: n for n, c in enumerate(colours)}
        assert len(colours) <= 16 and self.width % 2 == 0
        rows = b""
        for y in range(self.height):
            line = [number[self.pixels[at:at + 3]] for at in range(y * self.width * 3, (y + 1) * self.width * 3, 3)]
            rows += b"\0" + bytes(line[x] << 4 | line[x + 1] for x in range(0, self.width, 2))

        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        header = struct.pack(">IIBBBBB", self.width, self.height, 4, 3, 0, 0, 0)
        pathlib.Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"PLTE", b"".join(colours)) +
                                       chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def glyphs():
    """{lines of a cell: character}, from the header that mk/font.py has written."""
    rows = [[int(value, 16) for value in re.findall(r"0x(\w\w)", line)]
            for line in FONT.read_text().splitlines() if line.startswith("\t{")]
    assert len(rows) == 95 and all(len(row) == HEIGHT and row[0] == 0 for row in rows)
    return {tuple(row): chr(0x20 + n) for n, row in enumerate(rows)}


class Monitor:
    """QEMU's monitor protocol (QMP) on a UNIX socket: what the screen shows."""

    def __init__(self, path, seconds=30):
        end = time.monotonic() + seconds
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self.socket.settimeout(seconds)
        self.file = self.socket.makefile("rw")
        self.file.readline()  # the greeting
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        json.dump({"execute": command, "arguments": arguments}, self.file)
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError("QEMU has gone")
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(answer["error"]["desc"])
            if "return" in answer:
                return answer["return"]

    def picture(self, folder):
        file = folder / "screen.ppm"
        self.call("screendump", filename=str(file))
        return Picture(file.read_bytes())
