"""Pictures that tests upload, without a library for pictures."""

import struct
import zlib


def png(width: int, height: int, colour: tuple[int, int, int] = (127, 127, 127)) -> bytes:
    """A PNG of one colour."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\x00" + bytes(colour) * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg_size(content: bytes) -> tuple[int, int]:
    """Width and height of a JPEG, from its frame header."""
    at = 2
    while content[at + 1] not in {0xC0, 0xC2}:
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    height, width = struct.unpack(">HH", content[at + 5 : at + 9])
    return width, height
