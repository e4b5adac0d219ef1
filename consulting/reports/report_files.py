"""Files of reports: each sealed with the key of its version, under a random name.

Rows of ``ReportFile`` say which files are still needed.
"""

import hashlib
import logging
import secrets
from collections.abc import Iterable, Iterator

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from checkout.intake.refused import Refused
from checkout.intake.uploads import ORPHAN_AGE
from checkout.models import Order
from consulting import report_encryption
from consulting.models import Report, ReportFile
from consulting.report_document import Attachment
from shop import clock
from shop.privacy.private_storage import PrivateFileStorage, as_file, private_storage
from shop.privacy.streamed_zip import Entry

logger = logging.getLogger(__name__)


def storage() -> PrivateFileStorage:
    return private_storage("reports")


@sensitive_variables()
def keep(
    report: Report, content: Iterator[bytes], *, name: str, kind: str, is_report: bool = False
) -> Attachment:
    """Write the sealed file of a version that is prepared. Raises Refused where there is no room."""
    stored_as = secrets.token_urlsafe(32)
    digest, size = hashlib.sha256(), 0

    def measured() -> Iterator[bytes]:
        nonlocal size
        for piece in content:
            digest.update(piece)
            size += len(piece)
            yield piece

    try:
        report_encryption.prepare(report)
        sealed = report_encryption.seal_file(report, stored_as, measured())
        storage().save(stored_as, as_file(sealed))
    except OSError:
        logger.exception("A file of a report could not be stored")
        raise Refused(_("We cannot keep this file just now. Please try again in a few minutes.")) from None
    return Attachment(stored_as, kind, size, name, digest.hexdigest(), is_report)


def read(opened: report_encryption.Opened, file: Attachment) -> Iterator[bytes]:
    """The content, piece by piece. Raises Unreadable, also midway: nothing altered is passed on."""
    try:
        with storage().open(file.stored_as) as source:
            yield from report_encryption.open_file(opened.report, opened.dek, file.stored_as, source)
    except OSError as error:
        raise report_encryption.Unreadable(str(opened.report)) from error


def check(opened: report_encryption.Opened, file: Attachment) -> None:
    """Read the file to its end, for it can be altered anywhere. Raises Unreadable."""
    for _piece in read(opened, file):
        pass


def entry(path: str, opened: report_encryption.Opened, file: Attachment) -> Entry:
    """The file in a zip, under this path."""
    return Entry(path, read(opened, file), opened.report.published_at, lambda: check(opened, file))


@sensitive_variables()
def copy(opened: report_encryption.Opened, target: Report) -> tuple[Attachment, ...]:
    """The files of one version sealed for the next one, which is prepared. What does not open is left out."""
    copies = []
    for file in opened.text.attachments:
        try:
            copies.append(
                keep(target, read(opened, file), name=file.name, kind=file.kind, is_report=file.is_report)
            )
        except report_encryption.Unreadable:
            logger.exception("A file of report %s does not open and was not taken over", opened.report.pk)
    return tuple(copies)


def settle(report: Report, attachments: Iterable[Attachment]) -> None:
    """The rows of a saved version, as its text lists them. Files that it lost are deleted with the commit."""
    listed = {file.stored_as for file in attachments}
    known = set(report.files.values_list("stored_as", flat=True))
    ReportFile.objects.bulk_create(
        ReportFile(report=report, stored_as=name) for name in sorted(listed - known)
    )
    lost = known - listed
    report.files.filter(stored_as__in=lost).delete()
    transaction.on_commit(lambda: storage().discard(lost))


def _strays() -> set[str]:
    """Files that no version needs: left by a process that ended between file and row."""
    old = storage().names_before(clock.now() - ORPHAN_AGE)
    return old - set(ReportFile.objects.filter(stored_as__in=old).values_list("stored_as", flat=True))


def count_orphans() -> int:
    """How much ``forget_orphans`` would delete."""
    return len(_strays())


def forget_orphans() -> None:
    storage().discard(_strays())


def erase(order: Order) -> None:
    """All files of the order's reports; they go with the commit. Their keys are erased with the reports."""
    files = ReportFile.objects.filter(report__case__line__order=order)
    names = list(files.values_list("stored_as", flat=True))
    files.delete()
    transaction.on_commit(lambda: storage().discard(names))
