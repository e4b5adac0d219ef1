"""Files as buyers send them, good and bad, made on the spot."""

import struct
import zlib
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

PLACE = b"canary-exif-8842"  # what a camera writes beside the picture


def picture(
    kind: str = "JPEG", *, size: tuple[int, int] = (40, 20), orientation: int = 1, **options
) -> bytes:
    image = Image.new("RGB", size, "#B3392F")
    exif = Image.Exif()
    exif[0x010E] = PLACE.decode()  # ImageDescription
    exif[0x0112] = orientation
    written = BytesIO()
    image.save(written, format=kind, exif=exif, **options, **({"comment": PLACE} if kind == "JPEG" else {}))
    return written.getvalue()


def pdf(text: str = "canary-plan-3310") -> bytes:
    return b"%PDF-1.4\n% " + text.encode() + b"\ntrailer<<>>\n%%EOF\n"


def surrounded(whole: bytes) -> list[bytes]:
    """A PDF as editors, scripts and devices hand it on: readers open each of these."""
    bom, blanks = b"\xef\xbb\xbf", b" " * 3000
    in_front = [bom + whole, b"\r\n" + whole, b"x" * 1000 + whole]
    return [*in_front, whole + blanks, bom + b"\r\n" + whole + b"\0\r\n" * 1000]


def bomb() -> bytes:
    """A PNG of a few bytes that would be 4 GB of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 32000, 32000, 8, 6, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def sent(content: bytes, name: str = "plan.pdf", declared: str = "application/octet-stream"):
    return SimpleUploadedFile(name, content, content_type=declared)
