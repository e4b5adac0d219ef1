"""All reports of an order in one zip, for keeping without us: as pages, as text, and with their files.

It is written while it is sent, so memory holds a piece of a file at a time, whatever its size.
"""

import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, cast

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from consulting.models import Case
from consulting.report_encryption import Opened, Unreadable

from . import context as pages
from . import report_files

MAX_FOLDER_LENGTH = 60  # characters of a folder: with the file's name a path that every system takes
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class _Pipe:
    """What zipfile writes to; it is told that there is no way back."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


@dataclass(frozen=True)
class _Entry:
    opened: Opened
    path: str
    pieces: Iterator[bytes] = field(repr=False)


@sensitive_variables()
def pack(reports: list[Opened], *, missing: Iterable[str] = ()) -> Iterator[bytes]:
    """The zip, piece by piece. What does not open is named in it instead of being there.

    Pages are made at once, while the reader's language is active; files are read while they are sent.
    """
    entries = []
    for number, opened in enumerate(reports, start=1):
        folder = f"{number:02} {safe(_title(opened.report.case))}"
        entries += [_Entry(opened, f"{folder}/{name}", pieces) for name, pieces in _files(opened)]
    name_of_list = safe(_("Not included"))
    return _packed(entries, list(missing), f"{name_of_list}.txt")


@sensitive_variables()
def _packed(entries: list[_Entry], lost: list[str], name_of_list: str) -> Iterator[bytes]:
    pipe = _Pipe()
    with zipfile.ZipFile(cast("IO[bytes]", pipe), "w") as package:
        for entry in entries:
            try:
                first = next(entry.pieces)
            except Unreadable:
                lost.append(entry.path)
                continue
            with package.open(_info(entry), "w") as target:
                target.write(first)
                yield pipe.take()
                for piece in entry.pieces:  # one that turns out altered midway breaks the download off
                    target.write(piece)
                    yield pipe.take()
        if lost:
            package.writestr(name_of_list, "\n".join(lost))
    yield pipe.take()


def _info(entry: _Entry) -> zipfile.ZipInfo:
    published = timezone.localtime(entry.opened.report.published_at)
    info = zipfile.ZipInfo(entry.path, date_time=published.timetuple()[:6])
    is_text = entry.path.endswith((".md", ".html", ".txt"))
    info.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info


@sensitive_variables()
def _files(opened: Opened) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The page, the text that the fingerprint is of, and the files by the names they were given."""
    name, folder = safe(_("Report")), safe(_("Attachments"))
    yield f"{name}.html", iter([_page(opened, folder).encode()])
    yield f"{name}.md", iter([opened.text.document()])
    for file in opened.text.attachments:
        yield f"{folder}/{safe(file.name)}", report_files.read(opened, file)


@sensitive_variables()
def _page(opened: Opened, folder: str) -> str:
    names = [safe(file.name) for file in opened.text.attachments]
    context: dict[str, Any] = pages.report_context(
        opened.report, opened.text, file_url=lambda number: f"{folder}/{names[number - 1]}"
    )
    return render_to_string("consulting/offline.html", context)


def _title(case: Case) -> str:
    which = f" ({case.subject})" if case.line.quantity > 1 else ""
    return f"{case.line.name[: MAX_FOLDER_LENGTH - 6]}{which}"


def safe(name: str) -> str:
    """A name that no system reads as a path, a device or a hidden file."""
    shown = "".join(
        sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign)[0] != "C"
    )
    shown = re.sub(r'[<>:"/\\|?*%]', "_", shown).strip(" .")
    return f"_{shown}" if not shown or _RESERVED.fullmatch(shown) else shown
