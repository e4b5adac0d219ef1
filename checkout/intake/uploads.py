"""Files that belong to answers: judged by their content, cleaned, sealed, and shown to few.

Images are written anew, without the place and the camera that photos tell of. A file lies sealed under a
random name in a private storage that no URL leads to.
"""

import datetime as dt
import logging
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from cryptography.fernet import InvalidToken
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import models, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from catalog.models import IntakeQuestion
from catalog.question_options import FILE_TYPES, MAX_MB
from checkout.models import Draft, Intake, Order, Upload
from shop import clock
from shop.crypto import open_sealed_bytes, seal_bytes, unopened
from shop.privacy.private_storage import PrivateFileStorage, private_storage
from shop.typed_values.characters import normalize
from shop.web import error_pages
from shop.web.rate_limit import RateLimit

from . import upload_budgets
from .file_kinds import PDF_HEADER, READ_AT_ENDS, called, kind_of
from .pdf_passwords import needs_password
from .pictures import clean_image
from .refused import Refused

logger = logging.getLogger(__name__)

ORPHAN_AGE = dt.timedelta(hours=24)  # without an order, since its draft was last worked on
LONGEST_IN_DRAFT = dt.timedelta(days=3)  # since it was sent, whatever is done to the draft
MB = 1024 * 1024
PER_NETWORK = RateLimit("answer-file", limit=150, minutes=60)  # enough for a family, too few for a disk
MAX_NAME_LENGTH = 100
CONTENT_TYPES = {"pdf": "application/pdf", "jpeg": "image/jpeg", "png": "image/png"}
SUFFIXES = {"pdf": (".pdf",), "jpeg": (".jpg", ".jpeg"), "png": (".png",)}
_PLACING = dt.timedelta(hours=1)  # what a form has taken becomes an order within it
_END = b"%%EOF"
PDF_BLANKS = b"\0\t\n\f\r "  # ISO 32000-2, 7.2.3


# --- taking in ---


def receive(
    request: HttpRequest, owner: Draft | Intake, questions: Mapping[str, IntakeQuestion]
) -> dict[str, list[str]]:
    """Keep what was sent for these fields. Returns messages about what could not be kept, by field."""
    problems: dict[str, list[str]] = {}
    # What comes later belongs to an order that was paid: it takes nothing from anybody's share.
    origin = upload_budgets.surroundings_digest(request) if isinstance(owner, Draft) else ""
    for field, question in questions.items():
        for file in request.FILES.getlist(field):
            try:
                if not PER_NETWORK.take(request):
                    raise Refused(_("Too many files came from your network. Please try again in an hour."))
                upload_budgets.check(request, file.size or 0)
                _keep(owner, field, question, file, origin)
            except Refused as refusal:
                problems.setdefault(field, []).append(f"{clean_name(file.name or '')}: {refusal.message}")
    return problems


def _keep(
    owner: Draft | Intake, field: str, question: IntakeQuestion, file: "UploadedFile[Any]", origin: str
) -> None:
    most = question.options.get("most", 1)
    if kept_in(owner, field).count() >= most:  # before the work; who comes at the same time is seen below
        raise _too_many(most)
    kind, content = examine(file, question.options)
    name = clean_name(file.name or "", kind)
    stored_as = secrets.token_urlsafe(32)
    try:
        write_sealed(stored_as, content)  # before the locks: a slow disk keeps nobody waiting for them
        with transaction.atomic():
            if not type(owner).objects.select_for_update().filter(pk=owner.pk):  # erased meanwhile
                raise Refused(too_late())
            if kept_in(owner, field).count() >= most:
                raise _too_many(most)
            upload_budgets.check_order(owner, len(content))
            if origin:
                upload_budgets.check_unclaimed(origin, len(content))
            upload = Upload.objects.create(
                draft=owner if isinstance(owner, Draft) else None,
                field=field,
                name=name,
                kind=kind,
                size=len(content),
                stored_as=stored_as,
                uploaded_at=clock.now(),
                surroundings=origin,
            )
            if isinstance(owner, Intake):
                upload.intakes.add(owner)
    except BaseException:
        storage().discard([stored_as])
        raise


def _too_many(most: int) -> Refused:
    return Refused(_("At most %(most)s files can be kept here.") % {"most": most})


def too_late() -> str:
    return _("These details were given already, or are not needed any more. Nothing was changed.")


def kept_in(owner: Draft | Intake, field: str) -> models.QuerySet[Upload]:
    kept = owner.uploads.filter(field=field)
    return kept.filter(_is_young()) if isinstance(owner, Draft) else kept


def _is_young() -> Q:
    """What a draft may still be ordered with."""
    return Q(uploaded_at__gt=clock.now() - LONGEST_IN_DRAFT)


def examine(file: "UploadedFile[Any]", options: Mapping[str, object]) -> tuple[str, bytes]:
    """The kind of the file and what of it is kept. Raises Refused."""
    most = int(str(options.get("max_mb", MAX_MB)))
    if (file.size or 0) > most * MB:
        raise Refused(_("This file is larger than %(most)s MB. Please send a smaller one.") % {"most": most})
    if not getattr(file, "is_whole", True):
        raise Refused(_("These are too many large files at once. Please send them one after another."))
    content = file.read()
    if not content:
        raise Refused(_("This file is empty. Please choose it again."))
    kind = kind_of(content)
    accepted = options.get("accept") or list(FILE_TYPES)
    if kind == "heic":
        raise Refused(_("HEIC photos cannot be opened everywhere. Please send this one as a JPEG."))
    if not kind and PDF_HEADER in content:  # further down than readers look
        raise Refused(_("This file is damaged or incomplete. Please choose it again."))
    if kind not in CONTENT_TYPES or kind not in accepted:  # type: ignore[operator]
        names = ", ".join(name for key, name in FILE_TYPES.items() if key in accepted)  # type: ignore[operator]
        raise Refused(_not_of_use(content, names))
    return kind, _whole_pdf(content) if kind == "pdf" else clean_image(content, kind)


def _not_of_use(content: bytes, names: str) -> str:
    """A name is no help where it says what is wanted: a picture saved by a browser as .jpg may be a WebP."""
    if name := called(content):
        text = _("This is %(kind)s. Please save it as %(names)s and choose that file.")
        return text % {"kind": name, "names": names}
    return _("This is not a file of a kind we can use. Please send %(names)s.") % {"names": names}


def trimmed_pdf(content: bytes) -> bytes:
    """From its header, which offsets count from (ISO 32000-2, 7.5.2), and without blanks that hide its end.

    A file that begins and ends as it should stays as it was sent.
    """
    trimmed = content[content.find(PDF_HEADER) :]
    return trimmed if _END in trimmed[-READ_AT_ENDS:] else trimmed.rstrip(PDF_BLANKS) + b"\n"


def _whole_pdf(content: bytes) -> bytes:
    content = trimmed_pdf(content)
    if _END not in content[-2048:]:
        raise Refused(_("This file is damaged or incomplete. Please choose it again."))
    if needs_password(content):
        raise Refused(
            _("This PDF asks for a password before it opens. Please save it without one and choose it again.")
        )
    return content


def clean_name(name: str, kind: str = "") -> str:
    """The last part of the name, without what would hide or break it; ends as its kind of file should."""
    last = re.split(r"[/\\]", normalize("NFC", name))[-1]
    shown = "".join(sign for sign in last if unicodedata.category(sign)[0] not in "CZ" or sign == " ")
    shown = re.sub(r'[<>:"|?*%;]', "_", shown).strip(" .")
    suffix = PurePosixPath(shown).suffix
    if not kind:
        return shown[-MAX_NAME_LENGTH:] or _("File")
    if suffix.lower() in SUFFIXES[kind]:
        shown = shown.removesuffix(suffix)
    else:
        suffix = SUFFIXES[kind][0]
    return (shown[: MAX_NAME_LENGTH - len(suffix)].strip(" .") or "file") + suffix


# --- the storage ---


def storage() -> PrivateFileStorage:
    return private_storage("answers")


def write_sealed(stored_as: str, content: bytes) -> None:
    """Raises Refused where there is no room: the form goes on without the file."""
    try:
        storage().save(stored_as, ContentFile(seal_bytes(content)))
    except OSError:
        logger.exception("A file could not be stored")
        raise upload_budgets.no_room() from None


def read(upload: Upload) -> bytes:
    """The content. Raises FileNotFoundError and cryptography.fernet.InvalidToken."""
    return open_sealed_bytes(read_sealed(upload.stored_as))


def read_sealed(stored_as: str) -> bytes:
    """The file as it lies there. Raises FileNotFoundError."""
    with storage().open(stored_as) as file:
        content: bytes = file.read()
    return content


def download(request: HttpRequest, upload: Upload) -> HttpResponse:
    """To save, never to show: whatever it holds, no browser runs it on our pages.

    A file that is missing or does not open is a page that says so.
    """
    try:
        content = read(upload)
    except (OSError, InvalidToken):
        logger.exception("File %s of an answer does not open", upload.pk)
        return error_pages.unopened(request)
    return HttpResponse(
        content,
        content_type=CONTENT_TYPES[upload.kind],
        headers={
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=upload.name),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


# --- what becomes of them ---


def of_draft(draft: Draft | None) -> dict[str, list[Upload]]:
    """Field -> what was sent in it."""
    by_field: dict[str, list[Upload]] = {}
    for upload in draft.uploads.filter(_is_young()) if draft else []:
        by_field.setdefault(upload.field, []).append(upload)
    return by_field


def of_order(order: Order) -> list[Upload]:
    return list(Upload.objects.filter(intakes__line__order=order).distinct())


def attach(draft_id: int, intakes: Iterable[Intake]) -> None:
    """The answers of an order keep their files."""
    for intake in intakes:
        file_ids = [
            file["id"]
            for answer in intake.answers
            if answer.get("kind") == "file"
            for file in answer["value"] or []
        ]
        if file_ids:
            intake.uploads.add(*Upload.objects.filter(draft_id=draft_id, pk__in=file_ids))


def detach(intake: Intake, pks: Iterable[int]) -> None:
    """The answers are forgotten: a file that no other order holds goes with them."""
    files = list(pks)
    intake.uploads.remove(*files)
    _delete(Upload.objects.filter(pk__in=files, intakes__isnull=True))


@transaction.atomic
def remove(uploads: models.QuerySet[Upload]) -> None:
    """Take files out of a draft. An order that was already made keeps its own."""
    taken = uploads.values_list("pk", flat=True)
    of_no_order = list(taken.filter(intakes__isnull=True))
    Upload.objects.filter(pk__in=list(taken.filter(intakes__isnull=False))).update(draft=None)
    _delete(Upload.objects.filter(pk__in=of_no_order, intakes__isnull=True))


def _delete(uploads: models.QuerySet[Upload]) -> None:
    names = list(uploads.values_list("stored_as", flat=True))
    unopened(Upload.objects.filter(stored_as__in=names)).delete()
    transaction.on_commit(lambda: storage().discard(names))


def _orphans() -> models.QuerySet[Upload]:
    limit = clock.now() - ORPHAN_AGE
    is_left = Q(draft__isnull=True) | Q(draft__updated_at__lt=limit)
    is_left |= Q(uploaded_at__lt=clock.now() - LONGEST_IN_DRAFT - _PLACING)
    return Upload.objects.filter(is_left, intakes__isnull=True, uploaded_at__lt=limit)


def _stray_names() -> set[str]:
    """Files without a row, after a day."""
    old = storage().names_before(clock.now() - ORPHAN_AGE)
    return old - set(Upload.objects.filter(stored_as__in=old).values_list("stored_as", flat=True))


def count_orphans() -> int:
    """How much ``forget_orphans`` would delete."""
    return _orphans().count() + len(_stray_names())


@transaction.atomic
def forget_orphans() -> None:
    """Delete what belongs to no order a day after its draft was last worked on, or three after it was sent.

    Files without a row too. Placing an order begins with saving its draft, and no form takes a file that is
    too old, so nothing is deleted from under it.
    """
    _delete(_orphans())
    strays = _stray_names()
    transaction.on_commit(lambda: storage().discard(strays))
