"""Sealing and opening reports. The only place that knows the binary columns of ``Report``.

::

    identity     "<case id>.<version>|<order id>"
    body         nonce(12) | AES-256-GCM(DEK, document,   "report-v1|" + identity)
    escrow_wrap  MultiFernet(ESCROW_KEYS, newest first).encrypt(DEK); opens to the case's consultant alone
    client_wrap  pepper id(8) | nonce(12) | AES-256-GCM(KEK, DEK, "report-kek-v1|" + identity)
    KEK          HKDF-SHA256(order key + pepper, salt(16), "report-kek-v1|" + identity)
    file         nonce prefix(7) | a piece of 1 MiB after another:
                 AES-256-GCM(FEK, piece, "report-file-v1|" + identity + "|" + name on disk),
                 nonce = prefix | number of the piece(4) | 1 for the last one, else 0
    FEK          HKDF-SHA256(DEK, "report-file-v1|" + identity + "|" + name on disk)

The DEK belongs to one version: whoever is admitted to it reads its text and its files, and re-wrapping it for
another order key is all that a new key needs. A draft has no client_wrap: no order key opens it whatever
other code forgets. A body, wrap or file that was changed, cut, or moved to another version, case, order or
place raises Unreadable. The look-up of the order key is an HMAC with the same pepper but for another
purpose, so it says nothing about the KEK.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.files import File
from django.views.decorators.debug import sensitive_variables

from shop.privacy import streamed_zip

from . import access, key_format, report_document
from .models import Report
from .report_document import ReportDocument

NONCE = 12
PEPPER_ID = 8
PREFIX = 7
PIECE = 1024 * 1024
TAG = 16


class NotAssigned(PermissionDenied):
    """The case is not this person's, or they write no reports (any more), so escrow stays closed to them."""


class Unreadable(streamed_zip.Unreadable):
    """The report does not open: not published, altered, moved, or sealed under keys that are gone."""


@dataclass(frozen=True)
class Opened:
    """A version that somebody was admitted to, with the key to its files."""

    report: Report
    text: ReportDocument
    dek: bytes = field(repr=False)


@sensitive_variables()
def prepare(report: Report) -> None:
    """Make the key of the version if it has none (the row is not saved). Case and version must be final."""
    _dek_to_write_with(report)


@sensitive_variables()
def _dek_to_write_with(report: Report) -> bytes:
    if report.escrow_wrap:
        with suppress(Unreadable):  # else sealed under escrow keys that are gone: nothing is left to keep
            return _dek_from_escrow(report)
    dek = AESGCM.generate_key(256)
    report.salt = secrets.token_bytes(16)
    report.escrow_wrap = _escrow().encrypt(dek)
    return dek


@sensitive_variables()
def seal(report: Report, text: ReportDocument) -> None:
    """Put the text into the row (not saved), for staff only. Case and version must be final."""
    report.body = _encrypt(_dek_to_write_with(report), text.packed(), f"report-v1|{_identity(report)}")
    report.client_wrap = b""


@sensitive_variables()
def admit_client(report: Report, canonical_key: str) -> None:
    """Let the order key open the report (not saved)."""
    _admit(report, canonical_key, _dek_from_escrow(report))


@sensitive_variables()
def _admit(report: Report, canonical_key: str, dek: bytes) -> None:
    pepper = key_format.newest_pepper()
    wrap = _encrypt(_client_kek(report, canonical_key, pepper), dek, _wrap_purpose(report))
    report.client_wrap = bytes.fromhex(key_format.pepper_id(pepper)) + wrap


@sensitive_variables()
def renew_client_wrap(report: Report, canonical_keys: Iterable[str]) -> None:
    """The same wrap under the newest pepper (not saved), for the key that opens it. Raises Unreadable."""
    for canonical_key in canonical_keys:
        try:
            dek = dek_for_client(report, canonical_key)
        except Unreadable:
            continue
        _admit(report, canonical_key, dek)
        return
    raise Unreadable(str(report))


def is_under_newest_pepper(report: Report) -> bool:
    """Whether the client's wrap, if there is one, needs no older pepper."""
    wrap = bytes(report.client_wrap)
    return not wrap or wrap[:PEPPER_ID].hex() == key_format.pepper_id(key_format.newest_pepper())


@sensitive_variables()
def open_for_client(report: Report, canonical_key: str) -> ReportDocument:
    """The text, by the order key. Raises Unreadable."""
    return _open(report, dek_for_client(report, canonical_key))


@sensitive_variables()
def admitted_by_key(report: Report, canonical_key: str) -> Opened:
    """The text and the key to the files, by the order key. Raises Unreadable."""
    dek = dek_for_client(report, canonical_key)
    return Opened(report, _open(report, dek), dek)


@sensitive_variables()
def admitted_as_consultant(report: Report, consultant: User) -> Opened:
    """The same from escrow, for the consultant whose case it is: the one door through which escrow shows
    anything.

    Raises NotAssigned and Unreadable.
    """
    if not access.is_assigned(consultant, report.case):
        raise NotAssigned(str(report))
    dek = _dek_from_escrow(report)
    return Opened(report, _open(report, dek), dek)


@sensitive_variables()
def has_note(report: Report) -> bool:
    """Whether the version says what it changes. Raises Unreadable."""
    return bool(_open(report, _dek_from_escrow(report)).note)


@sensitive_variables()
def dek_for_client(report: Report, canonical_key: str) -> bytes:
    """The key of the version, by the order key. Raises Unreadable."""
    wrap = bytes(report.client_wrap)
    pepper = key_format.pepper_named(wrap[:PEPPER_ID].hex())
    if pepper is None:
        raise Unreadable(str(report))
    kek = _client_kek(report, canonical_key, pepper)
    return _decrypt(kek, wrap[PEPPER_ID:], _wrap_purpose(report))


@sensitive_variables()
def _dek_from_escrow(report: Report) -> bytes:
    """The key of the version, which leaves this module through a door alone. Raises Unreadable."""
    try:
        return _escrow().decrypt(bytes(report.escrow_wrap))
    except InvalidToken as error:
        raise Unreadable(str(report)) from error


def _open(report: Report, dek: bytes) -> ReportDocument:
    return report_document.read(_decrypt(dek, bytes(report.body), f"report-v1|{_identity(report)}"))


# --- files ---


@sensitive_variables()
def seal_file(report: Report, stored_as: str, content: Iterator[bytes]) -> Iterator[bytes]:
    """The file of a version that is prepared as it is written to disk, piece by piece."""
    purpose, prefix = _file_purpose(report, stored_as), secrets.token_bytes(PREFIX)
    cipher = AESGCM(_file_key(_dek_to_write_with(report), purpose))
    yield prefix
    for number, piece, is_last in _numbered(_pieces(content)):
        yield cipher.encrypt(_file_nonce(prefix, number, is_last), piece, purpose.encode())


@sensitive_variables()
def open_file(report: Report, dek: bytes, stored_as: str, source: "IO[bytes] | File[Any]") -> Iterator[bytes]:
    """The content again, never more than a piece of it in memory. Raises Unreadable where it is not whole."""
    purpose, prefix = _file_purpose(report, stored_as), source.read(PREFIX)
    cipher = AESGCM(_file_key(dek, purpose))
    sealed = iter(lambda: source.read(PIECE + TAG), b"")
    try:
        for number, piece, is_last in _numbered(sealed):
            yield cipher.decrypt(_file_nonce(prefix, number, is_last), piece, purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise Unreadable(str(report)) from error


def _pieces(content: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of the one size."""
    waiting = bytearray()
    for some in content:
        waiting += some
        while len(waiting) > PIECE:
            yield bytes(waiting[:PIECE])
            del waiting[:PIECE]
    yield bytes(waiting)


def _numbered(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """Each piece with its number and whether it is the last. A file without any has an empty last one."""
    number, piece = 0, next(pieces, b"")
    for following in pieces:
        yield number, piece, False
        number, piece = number + 1, following
    yield number, piece, True


def _file_nonce(prefix: bytes, number: int, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([is_last])


def _file_key(dek: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(dek)


def _file_purpose(report: Report, stored_as: str) -> str:
    return f"report-file-v1|{_identity(report)}|{stored_as}"


# --- keys ---


def _identity(report: Report) -> str:
    return f"{report.case_id}.{report.version}|{report.case.line.order_id}"


def _wrap_purpose(report: Report) -> str:
    return f"report-kek-v1|{_identity(report)}"


def _escrow() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ESCROW_KEYS])


def _client_kek(report: Report, canonical_key: str, pepper: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=bytes(report.salt), info=_wrap_purpose(report).encode())
    return hkdf.derive(f"{canonical_key}{pepper}".encode())


def _encrypt(key: bytes, plain: bytes, purpose: str) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, purpose.encode())


def _decrypt(key: bytes, sealed: bytes, purpose: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], purpose.encode())
    except (InvalidTag, ValueError) as error:  # ValueError: too short to be anything, or no AES key
        raise Unreadable(purpose) from error
