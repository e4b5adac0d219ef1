"""All reports of an order in one zip, for keeping without us: as pages, as text, and with their files."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from consulting.models import Case
from consulting.report_encryption import Opened
from shop.privacy import streamed_zip
from shop.privacy.streamed_zip import Entry
from shop.typed_values.characters import normalize

from . import context as pages
from . import report_files

MAX_FOLDER_LENGTH = 60  # characters of a folder: with the file's name a path that every system takes
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@sensitive_variables()
def pack(reports: list[Opened], *, missing: Iterable[str] = ()) -> Iterator[bytes]:
    """The zip, piece by piece. What does not open is named in it instead of being there.

    Pages are made at once, while the reader's language is active; files are read while they are sent.
    """
    entries: list[Entry] = []
    for number, opened in enumerate(reports, start=1):
        folder = f"{number:02} {safe(_title(opened.report.case))}"
        entries += _entries(opened, folder)
    name_of_list = safe(_("Not included"))
    lost = list(missing)
    return streamed_zip.packed(_and_what_is_lost(entries, lost, f"{name_of_list}.txt"), lost)


def _and_what_is_lost(entries: list[Entry], lost: list[str], name: str) -> Iterator[Entry]:
    """The list comes last, when everything was tried."""
    yield from entries
    if lost:
        yield Entry(name, iter(["\n".join(lost).encode()]))


@sensitive_variables()
def _entries(opened: Opened, root: str) -> Iterator[Entry]:
    """The page, the text that the fingerprint is of, and the files by the names they were given."""
    name, folder = safe(_("Report")), safe(_("Attachments"))
    made_at = opened.report.published_at
    yield Entry(f"{root}/{name}.html", iter([_page(opened, folder).encode()]), made_at)
    yield Entry(f"{root}/{name}.md", iter([opened.text.document()]), made_at)
    for file in opened.text.attachments:
        yield report_files.entry(f"{root}/{folder}/{safe(file.name)}", opened, file)


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
    shown = "".join(sign for sign in normalize("NFC", name) if unicodedata.category(sign)[0] != "C")
    shown = re.sub(r'[<>:"/\\|?*%]', "_", shown).strip(" .")
    return f"_{shown}" if not shown or _RESERVED.fullmatch(shown) else shown
