"""The one storage of sealed files: private, exclusive, whole or not at all."""

import datetime as dt
import os
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from shop import clock
from shop.privacy.private_storage import as_file, private_storage


@pytest.fixture(params=["answers", "reports"])
def storage(request, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return private_storage(request.param)


def test_a_file_lies_in_the_storage_s_own_folder_readable_by_nobody_else(storage, settings):
    assert storage.save("name", ContentFile(b"sealed")) == "name"
    path = Path(storage.path("name"))
    assert path.parent in {settings.MEDIA_ROOT / "answers", settings.MEDIA_ROOT / "reports"}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    with storage.open("name") as file:
        assert file.read() == b"sealed"
    assert storage.exists("name")
    assert storage.size("name") == 6


def test_what_is_there_is_not_written_over(storage):
    storage.save("name", ContentFile(b"first"))
    with pytest.raises(FileExistsError):
        storage.save("name", ContentFile(b"second"))
    assert Path(storage.path("name")).read_bytes() == b"first"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_half_a_file_is_taken_away(storage, error):
    def pieces():
        yield b"x" * 1_000_000
        raise error

    with pytest.raises(type(error)):
        storage.save("name", as_file(pieces()))
    assert storage.listdir("") == ([], [])


def test_pieces_of_any_size_are_kept_as_they_came(storage):
    pieces = [b"", b"a", b"b" * 200_000, b"", b"c" * 65_536, b"d"]
    storage.save("name", as_file(iter(pieces)))
    assert Path(storage.path("name")).read_bytes() == b"".join(pieces)


def test_other_content_takes_the_old_one_s_place_at_once(storage):
    storage.save("name", ContentFile(b"old"))
    storage.replace("name", b"new")
    assert Path(storage.path("name")).read_bytes() == b"new"
    assert Path(storage.path("name")).stat().st_mode & 0o777 == 0o600
    assert storage.listdir("") == ([], ["name"])


def test_old_files_are_found_and_discarded_and_what_is_missing_is_no_mistake(storage):
    assert storage.names_before(clock.now()) == set()
    for name in ("old", "new"):
        storage.save(name, ContentFile(b"x"))
    yesterday = (clock.now() - dt.timedelta(hours=25)).timestamp()
    os.utime(storage.path("old"), (yesterday, yesterday))
    assert storage.names_before(clock.now() - dt.timedelta(hours=24)) == {"old"}
    storage.discard(["old", "unknown"])
    assert storage.listdir("") == ([], ["new"])
