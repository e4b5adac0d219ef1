"""Judging a file that a consultant adds to a report: by its name, its first bytes and its inside.

The client opens it on their own machine and trusts it, so what could be anything else than it seems is
refused, with the reason and the way out.
"""

import re
import unicodedata
import zipfile
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from checkout.intake.apart import opened_apart
from checkout.intake.file_kinds import kind_of
from checkout.intake.pictures import clean_image
from checkout.intake.program_limits import Status
from checkout.intake.refused import Refused
from checkout.intake.signatures import EICAR
from checkout.intake.uploads import MB, PDF_BLANKS, trimmed_pdf

MAX_MB = 25
CONTENT_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "txt": "text/plain; charset=utf-8",
}
KINDS = {".pdf": "pdf", ".docx": "docx", ".png": "png", ".txt": "txt"}
KINDS |= dict.fromkeys((".jpg", ".jpeg", ".jfif", ".jpe"), "jpeg")  # as browsers on Windows name them
ACCEPT = ",".join(KINDS)

_MARKUP = re.compile(rb"<(!doctype|html|head|body|script|svg|iframe|\?xml|\?php)", re.IGNORECASE)
_ENCRYPTED_PDF = re.compile(rb"/Encrypt\s*(\d+\s+\d+\s+R|<<)")
_ACTIVE_PDF = re.compile(rb"/(JavaScript|Launch|EmbeddedFiles?|RichMedia)\b")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # a document of Word before 2007, or one with a password


@sensitive_variables()
def examine(file: "UploadedFile[Any]") -> tuple[str, bytes]:
    """The kind of the file and what of it is kept. Raises Refused."""
    kind = _kind_by_name(file.name or "")
    if (file.size or 0) > MAX_MB * MB:
        raise Refused(
            _("This file is larger than %(most)s MB. Please send a smaller one.") % {"most": MAX_MB}
        )
    if not getattr(file, "is_whole", True):
        raise Refused(_("These are too many large files at once. Please send them one after another."))
    content = file.read()
    if not content:
        raise Refused(_("This file is empty. Please choose it again."))
    if EICAR in content:
        raise _harmful()
    if content.startswith(_OLE):
        raise Refused(
            _("This document has a password or is of an old Word. Please save it as DOCX without a password.")
        )
    return kind, _CHECKS[kind](content)


def _kind_by_name(name: str) -> str:
    if any(unicodedata.category(sign)[0] == "C" for sign in name) or re.search(r"[/\\]", name):
        raise Refused(_("The name of this file holds signs that hide what it is. Please rename it."))
    kind = KINDS.get(PurePosixPath(name).suffix.lower())
    if kind is None:
        raise Refused(_("Please send PDF, Word (DOCX), PNG, JPEG or plain text (TXT)."))
    return kind


def _pdf(content: bytes) -> bytes:
    if kind_of(content) != "pdf" or _MARKUP.search(content[:1024]):
        raise _not_what_it_says()
    content = trimmed_pdf(content)
    if _MARKUP.search(content[:1024]):
        raise _not_what_it_says()
    before, end, after = content.rpartition(b"%%EOF")
    if not end or b"startxref" not in before[-1024:]:
        raise Refused(_("This file is damaged or incomplete. Please choose it again."))
    if after.strip(PDF_BLANKS) or zipfile.is_zipfile(BytesIO(content)):
        raise _not_what_it_says()
    if _ENCRYPTED_PDF.search(content):
        raise Refused(
            _("This PDF is protected by a password. Please save it without one: the order key protects it.")
        )
    if _ACTIVE_PDF.search(content):
        raise _harmful()
    return content


def _docx(content: bytes) -> bytes:
    if not content.startswith(b"PK\x03\x04"):
        raise _not_what_it_says()
    status, _nothing = opened_apart("word_document", content)
    if status == Status.DAMAGED:
        raise Refused(_("This file is damaged or incomplete. Please choose it again."))
    if status == Status.HARMFUL:
        raise _harmful()
    if status != Status.DONE:
        raise _not_what_it_says()
    return content


def _text(content: bytes) -> bytes:
    """As UTF-8, whatever Windows made of it."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise Refused(_("This text cannot be read. Please save it as UTF-8.")) from None
    if any(unicodedata.category(sign) == "Cc" and sign not in "\t\n\f\r" for sign in text):
        raise _not_what_it_says()
    content = text.encode()
    if _MARKUP.search(content[:4096]):
        raise _not_what_it_says()
    return content


def _image(kind: str) -> Any:
    def check(content: bytes) -> bytes:
        if kind_of(content) != kind:
            raise _not_what_it_says()
        return clean_image(content, kind)  # written anew: nothing is left of what else it may have been

    return check


def _not_what_it_says() -> Refused:
    return Refused(_("This file is not what its name says. Please save it anew and choose it again."))


def _harmful() -> Refused:
    return Refused(
        _("This file could harm whoever opens it. Please save it anew, without anything in it that runs.")
    )


_CHECKS = {"pdf": _pdf, "docx": _docx, "txt": _text, "png": _image("png"), "jpeg": _image("jpeg")}
