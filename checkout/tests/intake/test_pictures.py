"""What a picture costs: pixels are judged by the header, memory has a limit, one is cleaned at a time."""

import subprocess
import sys
import threading
from functools import partial
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from checkout.intake import picture_cleaner, pictures
from checkout.intake.refused import Refused
from checkout.tests import files

BASE = Path(__file__).parents[3]
MOST = 150  # MiB
# Cleans a picture as the program does, and tells the peak of memory before and after.
MEASURED = """
import re, sys
from checkout.intake import picture_cleaner
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
sys.argv = ["", sys.argv[1]]
before = peak()
status = picture_cleaner.main()
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
    assert (status, size) == (picture_cleaner.STATUS["clean"], kept)
    assert grown <= MOST


@pytest.mark.parametrize("name", ["PNG with transparency"])
def test_the_largest_picture_takes_no_more_memory_than_it_may(name, record_property):
    test_no_picture_takes_more_memory_than_it_may(name, record_property)


def test_the_kernel_ends_what_would_take_more(monkeypatch):
    """A picture of which nobody has thought: by its header small enough, and yet it needs two whole ones."""
    content = picture("PNG", (6000, 4000), transparency=(1, 2, 3))
    status, grown, _ = growth(content, "png")
    assert status == picture_cleaner.STATUS["too large"]
    assert grown <= MOST


@pytest.mark.parametrize(("kind", "size"), [("PNG", (7000, 7000)), ("JPEG", (9000, 6000))])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header_alone(kind, size, monkeypatch):
    content = picture(kind, size, mode="L")
    monkeypatch.setattr(Image.Image, "load", None)  # whatever decodes it fails otherwise
    monkeypatch.setattr(subprocess, "run", None)
    with pytest.raises(Refused) as refusal:
        pictures.clean_image(content, kind.lower())
    assert refusal.value.message == (
        "This picture has too many pixels. Please send one of at most 24 million."
    )


def test_what_the_program_says_becomes_words(monkeypatch):
    monkeypatch.setattr(pictures, "SMALL", 0)
    whole = files.picture("PNG", orientation=6)
    with Image.open(BytesIO(pictures.clean_image(whole, "png"))) as image:
        assert image.size == (20, 40)
    words = {whole[:60]: "damaged", picture("PNG", (9, 9), icc_profile=b"\0" * 200): "sRGB"}
    for content, word in words.items():
        with pytest.raises(Refused) as refusal:
            pictures.clean_image(content, "png")
        assert word in refusal.value.message


def test_the_program_gets_no_secret_and_has_a_limit_of_time(monkeypatch):
    seen = {}

    def run(arguments, **options):
        seen.update(options)
        raise subprocess.TimeoutExpired(arguments, 1)

    monkeypatch.setattr(pictures, "SMALL", 0)
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(Refused):
        pictures.clean_image(files.picture(), "jpeg")
    assert (seen["env"], seen["timeout"]) == ({}, picture_cleaner.MAX_SECONDS)


@pytest.mark.parametrize(
    ("limits", "waits"), [({"MAX_WAIT": 0}, True), ({"_threads": threading.BoundedSemaphore(1)}, False)]
)
def test_one_picture_is_cleaned_at_a_time_and_who_waits_too_long_is_told(monkeypatch, limits, waits):
    """Or among too many, at once: they would leave no thread for those who only look at pages."""
    inside, go_on = threading.Event(), threading.Event()
    turn, asked = pictures._one_at_a_time, []
    monkeypatch.setattr(pictures, "MAX_WAIT", 0.1)
    monkeypatch.setattr(
        pictures,
        "_one_at_a_time",
        SimpleNamespace(
            acquire=lambda timeout: asked.append(timeout) or turn.acquire(timeout=timeout),
            release=turn.release,
        ),
    )

    def clean(content, kind):
        inside.set()
        go_on.wait(30)
        return b""

    for name, value in limits.items():
        monkeypatch.setattr(pictures, name, value)
    monkeypatch.setattr(pictures, "_cleaned_here", clean)
    first = threading.Thread(target=pictures.clean_image, args=(files.picture(), "jpeg"))
    first.start()
    try:
        assert inside.wait(30)
        with pytest.raises(Refused) as refusal:
            pictures.clean_image(files.picture(), "jpeg")
        assert len(asked) == 1 + waits
    finally:
        go_on.set()
        first.join()
    assert "Please send this one again in a minute." in refusal.value.message
    pictures.clean_image(files.picture(), "jpeg")  # the next one finds the way free
