"""Writes a picture anew, in bounded memory: ``python -m`` this and its kind, the picture on standard input.

What a picture costs is not told by its size: a file of 200 kB may need 600 MB. So only its header decides
whether it is decoded, and a JPEG is decoded at a fraction of its size where the whole would not fit.
"""

import sys
from io import BytesIO
from typing import IO

from PIL import Image, ImageOps

from checkout.intake.program_limits import MAX_PIXELS, MIB, Status, serve

from .colours import UnknownColours, in_srgb
from .jpeg_parts import has_too_many_parts

MAX_JPEG_PIXELS = 50_000_000  # of the file: more than any ordinary telephone's; decoded at half the size
FOR_PIXELS = 112 * MIB  # of the room that there is; the rest is for the file itself and what libraries need
ORIENTATION = 0x0112  # the tag of EXIF
PNG_GREYS = {0, 4}  # kinds of colour in its header: without and with transparency
SCALES = (1, 2, 4, 8)  # a JPEG can be decoded at
SAMPLE = 2  # bytes of each coefficient that a progressive JPEG needs at once
STRIP = 256  # rows that are converted at once
TOO_LARGE_ERRORS = (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)


def most_pixels(kind: str) -> int:
    return MAX_JPEG_PIXELS if kind == "jpeg" else MAX_PIXELS


def clean(content: bytes, kind: str, target: IO[bytes]) -> None:
    """Write the picture (the first of several), upright, in sRGB, with nothing stored beside it."""
    with Image.open(BytesIO(content), formats=[kind.upper()]) as image:
        if image.width * image.height > most_pixels(kind):
            raise Image.DecompressionBombError
        turns = image.getexif().get(ORIENTATION, 1) in range(2, 9)
        if kind == "jpeg":
            scale = _scale(image, turns=turns)
            image.draft(None, (image.width // scale, image.height // scale))
        image.load()
        upright = _upright(image) if turns else image
        bits, kind_of_colour = content[24:26] if kind == "png" else (8, None)
        plain = _plain(upright, bits=bits, is_grey=kind_of_colour in PNG_GREYS)
        plain.info = {}
        plain.save(target, format=kind.upper(), **({"quality": 90} if kind == "jpeg" else {}))


def _scale(image: Image.Image, *, turns: bool) -> int:
    """The least by which a JPEG is divided so that decoding, turning, converting it fit ``FOR_PIXELS``."""
    pixels = image.width * image.height
    whole = 0  # a progressive one is collected whole before the first pixel is there
    if image.info.get("progressive"):
        parts = [(across, down) for _name, across, down, _table in image.layer]  # type: ignore[attr-defined]
        most = max(across for across, _ in parts) * max(down for _, down in parts)
        whole = sum(SAMPLE * pixels * across * down // most for across, down in parts)
    each = 4 if image.mode == "RGB" else 1 if not image.info.get("icc_profile") and image.mode == "L" else 8
    for scale in SCALES:
        decoded = pixels // scale**2
        if decoded <= MAX_PIXELS and whole + (1 + turns) * each * decoded <= FOR_PIXELS:
            return scale
    return SCALES[-1]


def _upright(image: Image.Image) -> Image.Image:
    is_heavy = image.mode not in {"1", "L", "P"} and 2 * 4 * image.width * image.height > FOR_PIXELS
    upright = image.reduce(2) if is_heavy else image  # there is no room for another one beside it
    if is_heavy:
        image.close()
    ImageOps.exif_transpose(upright, in_place=True)
    return upright


def _plain(image: Image.Image, *, bits: int, is_grey: bool) -> Image.Image:
    """In sRGB. Where each conversion needs another picture beside it, piece by piece."""
    if image.mode != "I;16":
        return in_srgb(image, bits=bits, is_grey=is_grey)
    whole: Image.Image | None = None
    for top in range(0, image.height, STRIP):
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
        strip = in_srgb(strip, bits=bits, is_grey=is_grey)
        whole = whole or Image.new(strip.mode, image.size)
        whole.paste(strip, (0, top))
    return whole or image


def judge(content: bytes, target: IO[bytes]) -> Status:
    kind = sys.argv[1]
    if kind == "jpeg" and has_too_many_parts(content):
        return Status.TOO_COSTLY
    try:
        clean(content, kind, target)
    except TOO_LARGE_ERRORS:
        return Status.TOO_MANY_PIXELS
    except UnknownColours:
        return Status.UNKNOWN_COLOURS
    return Status.DONE


if __name__ == "__main__":
    Image.preinit()  # its readers: they are no part of what the file takes
    sys.exit(serve(judge))
