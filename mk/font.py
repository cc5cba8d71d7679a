#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A GRUB font (PFF2, GRUB's manual 'font format') as a C array: the characters 20h to 7Eh in cells of 8 by 16 pixels."""

import struct
import sys

FIRST, LAST, WIDTH, HEIGHT = 0x20, 0x7E, 8, 16


class Fault(Exception):
    pass


def sections(data):
    """{name: content}; DATA, the last one, has no length, and offsets of glyphs count from the file's start."""
    found, at = {}, 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from(">4sI", data, at)
        if name == b"DATA":
            return found
        found[name] = data[at + 8:at + 8 + size]
        at += 8 + size
    raise Fault("no section DATA")


def cell(data, offset, ascent):
    """The glyph at @offset as HEIGHT bytes, a bit for a pixel, the leftmost one highest."""
    width, height, left, bottom, _ = struct.unpack_from(">HHhhh", data, offset)
    top = ascent - bottom - height
    if left < 0 or left + width > WIDTH or top < 0 or top + height > HEIGHT:
        raise Fault(f"a glyph of {width} by {height} pixels at {left}, {top} does not fit into its cell")
    rows = [0] * HEIGHT
    for n in range(width * height):  # a stream of bits, without padding at a line's end
        if data[offset + 10 + n // 8] << n % 8 & 0x80:
            rows[top + n // width] |= 0x80 >> left + n % width
    return rows


def read(path):
    """{character code: rows} of the font file @path."""
    with open(path, "rb") as file:
        data = file.read()
    parts = sections(data)
    if parts.get(b"FILE") != b"PFF2":
        raise Fault("it is no PFF2 font")
    ascent = struct.unpack(">H", parts[b"ASCE"])[0]
    index = {code: (flags, offset) for code, flags, offset in struct.iter_unpack(">IBI", parts[b"CHIX"])}
    if any(index.get(code, (1, 0))[0] for code in range(FIRST, LAST + 1)):
        raise Fault("a character is missing, or compressed")
    return {code: cell(data, index[code][1], ascent) for code in range(FIRST, LAST + 1)}


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} FONT.pf2 OUTPUT.h")
    try:
        font = read(sys.argv[1])
    except (Fault, OSError, KeyError, IndexError, struct.error) as e:
        sys.exit(f"{sys.argv[0]}: {sys.argv[1]}: {e}")
    with open(sys.argv[2], "w") as out:
        out.write("/* Written by mk/font.py. */\n"
                  f"static const u8 fb_font[{LAST - FIRST + 1}][{HEIGHT}] = {{\n")
        for code, rows in font.items():
            out.write(f"\t{{ {', '.join(f'0x{row:02x}' for row in rows)} }}, /* {code:02X}h */\n")
        out.write("};\n")


if __name__ == "__main__":
    main()
