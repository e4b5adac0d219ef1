"""A file is what it says it is, or it is refused with the reason and the way out."""

import zipfile
from io import BytesIO

import pytest
from django.core.files.uploadedfile import InMemoryUploadedFile
from PIL import Image

from checkout.intake.refused import Refused
from checkout.tests import files, profiles
from consulting.reports import file_validation
from consulting.tests import documents


def raw(name: str, content: bytes) -> InMemoryUploadedFile:
    """With the name as it was sent: Django would clean it on the way."""
    file = InMemoryUploadedFile(BytesIO(content), "f", "x", "", len(content), None)
    file._name = name
    return file


@pytest.mark.parametrize("name", documents.GOOD)
def test_what_consultants_send_is_taken_and_no_library_of_this_process_reads_it(monkeypatch, name):
    monkeypatch.setattr(Image, "open", None)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    kind, content = file_validation.examine(documents.sent(documents.GOOD[name], name))
    assert kind in file_validation.CONTENT_TYPES
    assert content


def test_a_pdf_that_readers_open_is_taken_without_what_surrounds_it():
    for content in files.surrounded(documents.pdf()):
        assert file_validation.examine(documents.sent(content, "a.pdf")) == ("pdf", documents.pdf())


def test_what_could_be_something_else_is_refused_in_words():
    wrong = []
    for name, (content, words) in documents.HOSTILE.items():
        try:
            file_validation.examine(documents.sent(content, name))
        except Refused as refusal:
            if words not in refusal.message:
                wrong.append((name, refusal.message))
        else:
            wrong.append((name, "taken"))
    assert wrong == []


@pytest.mark.parametrize(
    "name",
    ["../x.pdf", "..\\x.pdf", "/etc/x.pdf", "report\u202efdp.exe.pdf", "x\0.pdf", "a\nb.pdf", "\u200bx.pdf"],
)
def test_a_name_that_hides_what_it_is_is_refused(name):
    with pytest.raises(Refused) as refusal:
        file_validation.examine(raw(name, documents.pdf()))
    assert "Please rename it" in refusal.value.message


def test_a_picture_is_written_anew_without_place_and_camera():
    _kind, content = file_validation.examine(documents.sent(files.picture(), "photo.jpg"))
    assert files.PLACE not in content
    with Image.open(BytesIO(content)) as image:
        assert not image.getexif()


def test_a_picture_keeps_its_colours_or_is_refused():
    """As a client's: each depth and kind of profile is in checkout/tests/intake/test_colours.py."""
    adobe = profiles.matrix_profile(profiles.ADOBE, profiles.gamma_curve(profiles.ADOBE_GAMMA))
    for profile, expected in [
        (adobe, profiles.seen((200, 80, 40), profiles.ADOBE, lambda v: v**profiles.ADOBE_GAMMA)),
        (adobe[:150], None),
    ]:
        written = BytesIO()
        Image.new("RGB", (8, 8), (200, 80, 40)).save(written, format="PNG", icc_profile=profile)
        file = documents.sent(written.getvalue(), "room.png")
        if expected is None:
            with pytest.raises(Refused) as refusal:
                file_validation.examine(file)
            assert "save it in sRGB" in refusal.value.message
        else:
            with Image.open(BytesIO(file_validation.examine(file)[1])) as image:
                found = image.getpixel((4, 4))
            assert max(abs(one - other) for one, other in zip(found, expected, strict=True)) <= 1


def test_a_picture_that_is_also_a_page_is_only_a_picture_afterwards():
    both = files.picture("JPEG") + b"<html><script>alert(1)</script>"
    assert b"script" not in file_validation.examine(documents.sent(both, "photo.jpg"))[1]


def test_too_large_a_file_is_refused_without_being_read():
    file = raw("big.pdf", b"%PDF-")
    file.size = 26 * 1024 * 1024
    with pytest.raises(Refused, match="refused") as refusal:
        file_validation.examine(file)
    assert "25 MB" in refusal.value.message


def test_text_is_kept_as_utf_8_whatever_it_came_in():
    assert file_validation.examine(documents.sent("筆記".encode("utf-16"), "n.txt"))[1].decode() == "筆記"
