"""What a file is by its content, whatever its name says: by its first bytes."""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis"}
PDF_HEADER = b"%PDF-"
READ_AT_ENDS = 1024  # bytes in which programs look for the header and the end of a PDF

# First bytes (ISO BMFF: from the fifth) -> what people call such a file, in a sentence.
_OTHERS = [
    (re.compile(rb"RIFF....WEBP", re.DOTALL), gettext_noop("a WebP picture")),
    (re.compile(rb"GIF8"), gettext_noop("a GIF picture")),
    (re.compile(rb"BM"), gettext_noop("a BMP picture")),
    (re.compile(rb"II\*\0|MM\0\*"), gettext_noop("a TIFF picture")),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), gettext_noop("an AVIF picture")),
    (re.compile(rb"....ftyp", re.DOTALL), gettext_noop("a video")),
    (re.compile(rb"PK\x03\x04.{0,3000}?word/", re.DOTALL), gettext_noop("a Word document")),
    (re.compile(rb"PK\x03\x04"), gettext_noop("a zip archive or an Office document")),
    (re.compile(rb"\xd0\xcf\x11\xe0"), gettext_noop("an Office document")),
    (re.compile(rb"AC10\d\d"), gettext_noop("a CAD drawing")),
    (re.compile(rb"\s*(?:<\?xml.{0,500}?)?<svg", re.DOTALL), gettext_noop("an SVG drawing")),
    (re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE), gettext_noop("a web page")),
]


def kind_of(content: bytes) -> str:
    """Return jpeg, png, heic or pdf; empty for anything else. Names and declared types say nothing."""
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS:
        return "heic"
    return "pdf" if PDF_HEADER in content[:READ_AT_ENDS] else ""


def called(content: bytes) -> str:
    """Return what people call a file of another kind, in the active language; empty if that is not known."""
    return next((_(name) for pattern, name in _OTHERS if pattern.match(content)), "")
