"""Adding files to a draft, taking them out of it, and handing them to who may read the report."""

from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from checkout.intake.refused import Refused
from checkout.intake.uploads import MB, clean_name
from consulting import report_encryption
from consulting.models import Case, Report
from consulting.report_document import Attachment, ReportDocument

from . import file_validation, report_files
from . import services as reports

MAX_ATTACHMENTS = 10
MAX_TOTAL_MB = 100


@sensitive_variables()
def attach(case: Case, *, author: User, file: "UploadedFile[Any]", is_report: bool = False) -> Report:
    """Add the file to the draft; one that is the report replaces the one before. Raises Refused."""
    kind, content = file_validation.examine(file)
    if is_report and kind != "pdf":
        raise Refused(_("A file that is the report itself has to be a PDF."))
    stored: list[str] = []

    def add(report: Report, text: ReportDocument) -> ReportDocument:
        others = tuple(known for known in text.attachments if not (is_report and known.is_report))
        name = _free_name(clean_name(file.name or ""), others)
        _check_room(others, len(content), is_report=is_report)
        added = report_files.keep(report, iter([content]), name=name, kind=kind, is_report=is_report)
        stored.append(added.stored_as)
        return replace(text, attachments=(added, *others) if is_report else (*others, added))

    try:
        return reports.revise(case, author=author, change=add)
    except BaseException:
        report_files.storage().discard(stored)
        raise


@sensitive_variables("name")
def detach(case: Case, *, author: User, name: str) -> Report:
    """Take a file out of the draft. One that is not there any more is no mistake.

    Named by its name, which the next version keeps: where it is stored, it does not.
    """

    def remove(report: Report, text: ReportDocument) -> ReportDocument:
        left = tuple(file for file in text.attachments if file.name != name)
        return replace(text, attachments=left)

    return reports.revise(case, author=author, change=remove)


def _check_room(others: tuple[Attachment, ...], size: int, *, is_report: bool) -> None:
    if not is_report and sum(not file.is_report for file in others) >= MAX_ATTACHMENTS:
        raise Refused(_("At most %(most)s files can be kept here.") % {"most": MAX_ATTACHMENTS})
    if sum(file.size for file in others) + size > MAX_TOTAL_MB * MB:
        raise Refused(_("The files of one report may have %(most)s MB together.") % {"most": MAX_TOTAL_MB})


def _free_name(name: str, others: tuple[Attachment, ...]) -> str:
    """Two files of a report never have the same name: they end up in one folder."""
    taken = {file.name.casefold() for file in others}
    stem, dot, suffix = name.rpartition(".")
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{stem} ({number}){dot}{suffix}"
    return free


def download(opened: report_encryption.Opened, file: Attachment) -> StreamingHttpResponse:
    """To save, never to show: whatever it holds, no browser runs it on our pages.

    Raises Unreadable before the answer has begun, wherever the file is altered.
    """
    report_files.check(opened, file)
    return StreamingHttpResponse(
        report_files.read(opened, file),
        content_type=file_validation.CONTENT_TYPES[file.kind],
        headers={"Content-Length": str(file.size)} | SAVE_ONLY | named(file.name),
    )


SAVE_ONLY = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}


def named(name: str) -> dict[str, str]:
    return {"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""}
