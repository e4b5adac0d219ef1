"""What a picture costs: its pixels are judged by the header, its parts are counted, memory has a limit."""

import subprocess
import sys
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from checkout.intake import pictures
from checkout.intake.program_limits import Status
from checkout.intake.programs import jpeg_parts, picture_cleaner
from checkout.intake.refused import Refused
from checkout.tests import files

BASE = Path(__file__).parents[3]
MOST = 150  # MiB
# Cleans a picture as the program does, and tells the peak of memory before and after.
MEASURED = """
import re, sys
from PIL import Image
from checkout.intake.program_limits import serve
from checkout.intake.programs import picture_cleaner
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
sys.argv = ["", sys.argv[1]]
Image.preinit()
before = peak()
status = serve(picture_cleaner.judge)
print(before, peak(), file=sys.stderr)
sys.exit(status)
"""


def picture(kind, size, *, mode="RGB", **options):
    image = Image.new(mode, size, 90 if mode in {"L", "I;16"} else (90, 120, 30, 200)[: len(mode)])
    written = BytesIO()
    image.save(written, format=kind, **options)
    return written.getvalue()


def turned(**options):
    exif = Image.Exif()
    exif[0x0112] = 6
    return {"exif": exif, **options}


def growth(content, kind):
    """(status, MiB by which the program grew, size of what it made)"""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, kind],
        cwd=BASE,
        env={},
        input=content,
        capture_output=True,
        check=False,
    )
    before, after = map(int, done.stderr.split())
    size = None
    if done.returncode == 0:
        with Image.open(BytesIO(done.stdout)) as made:
            size = made.size
    return done.returncode, after - before, size


PICTURES = {  # what it is, and the size of what is kept
    "PNG with transparency": (partial(picture, "PNG", (6000, 4000), mode="RGBA"), (6000, 4000)),
    "JPEG": (partial(picture, "JPEG", (6000, 4000)), (6000, 4000)),
    "JPEG of a telephone": (partial(picture, "JPEG", (5712, 4284)), (5712, 4284)),
    "JPEG of a telephone, lying": (partial(picture, "JPEG", (4032, 3024), **turned()), (3024, 4032)),
    "large JPEG, lying": (partial(picture, "JPEG", (6000, 4000), **turned()), (2000, 3000)),
    "JPEG of 48 million": (partial(picture, "JPEG", (8000, 6000)), (4000, 3000)),
    "progressive JPEG": (partial(picture, "JPEG", (6000, 4000), progressive=True), (3000, 2000)),
    "JPEG of a press": (partial(picture, "JPEG", (6000, 4000), mode="CMYK"), (3000, 2000)),
    "PNG, lying": (partial(picture, "PNG", (6000, 4000), **turned()), (2000, 3000)),
    "PNG of 16 bits": (partial(picture, "PNG", (6000, 4000), mode="I;16"), (6000, 4000)),
}


@pytest.mark.prove
@pytest.mark.parametrize("name", PICTURES)
def test_no_picture_takes_more_memory_than_it_may(name, record_property):
    make, kept = PICTURES[name]
    content = make()
    status, grown, size = growth(content, "png" if content.startswith(b"\x89PNG") else "jpeg")
    record_property("figure", f"{name}: {grown} MiB")
    assert (status, size) == (Status.DONE, kept)
    assert grown <= MOST


@pytest.mark.parametrize("name", ["PNG with transparency"])
def test_the_largest_picture_takes_no_more_memory_than_it_may(name, record_property):
    test_no_picture_takes_more_memory_than_it_may(name, record_property)


def test_the_kernel_ends_what_would_take_more():
    """A picture of which nobody has thought: by its header small enough, and yet it needs two whole ones."""
    content = picture("PNG", (6000, 4000), transparency=(1, 2, 3))
    status, grown, _ = growth(content, "png")
    assert status == Status.TOO_MANY_PIXELS
    assert grown <= MOST


@pytest.mark.parametrize(("kind", "size"), [("PNG", (7000, 7000)), ("JPEG", (9000, 6000))])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header_alone(kind, size, monkeypatch):
    content = picture(kind, size, mode="L")
    with pytest.raises(Refused) as refusal:
        pictures.clean_image(content, kind.lower())
    assert refusal.value.message == (
        "This picture has too many pixels. Please send one of at most 24 million."
    )
    monkeypatch.setattr(Image.Image, "load", None)  # whatever decodes it fails otherwise
    monkeypatch.setattr(sys, "argv", ["", kind.lower()])
    assert picture_cleaner.judge(content, BytesIO()) == Status.TOO_MANY_PIXELS


def test_what_the_program_says_becomes_words():
    whole = files.picture("PNG", orientation=6)
    with Image.open(BytesIO(pictures.clean_image(whole, "png"))) as image:
        assert image.size == (20, 40)
    words = {whole[:60]: "damaged", picture("PNG", (9, 9), icc_profile=b"\0" * 200): "sRGB"}
    for content, word in words.items():
        with pytest.raises(Refused) as refusal:
            pictures.clean_image(content, "png")
        assert word in refusal.value.message


@pytest.mark.parametrize("most", ["MAX_SCANS", "MAX_SEGMENTS"])
def test_a_jpeg_of_more_scans_or_segments_than_programs_write_is_not_decoded(monkeypatch, most):
    content = files.picture(progressive=True)
    scans = content.count(b"\xff\xda")
    assert scans > 5
    # Neither a preview in its Exif nor what stands behind the picture is a part of it.
    preview = b"\xff\xe1" + (2 + len(content)).to_bytes(2, "big") + content
    content = content[:2] + preview + content[2:] + content
    monkeypatch.setattr(sys, "argv", ["", "jpeg"])
    monkeypatch.setattr(jpeg_parts, "MAX_SCANS", scans)
    assert picture_cleaner.judge(content, BytesIO()) == Status.DONE
    monkeypatch.setattr(jpeg_parts, most, scans - 1)
    monkeypatch.setattr(Image, "open", None)
    assert picture_cleaner.judge(content, BytesIO()) == Status.TOO_COSTLY
