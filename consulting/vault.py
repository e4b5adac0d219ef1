"""Sealing and opening reports. The only place that knows the binary columns of ``Report``.

::

    identity     "<case id>.<version>|<order id>"
    body         nonce(12) | AES-256-GCM(DEK, document, "report-v1|" + identity)
    escrow_wrap  MultiFernet(ESCROW_KEYS, newest first).encrypt(DEK)
    client_wrap  pepper id(8) | nonce(12) | AES-256-GCM(KEK, DEK, "report-kek-v1|" + identity)
    KEK          HKDF-SHA256(order key + pepper, salt(16), "report-kek-v1|" + identity)

The DEK is new with every save. A draft has no client_wrap: no order key opens it whatever other code forgets.
A body or wrap that was changed, or moved to another version, case or order, raises Unreadable. The look-up of
the order key is an HMAC with the same pepper but for another purpose, so it says nothing about the KEK.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from . import keys, manuscript
from .manuscript import Manuscript
from .models import Report

NONCE = 12
PEPPER_ID = 8


class Unreadable(Exception):
    """The report does not open: not published, altered, moved, or sealed under keys that are gone."""


@sensitive_variables()
def seal(report: Report, text: Manuscript) -> None:
    """Put the text into the row (not saved), for staff only. Case and version must be final."""
    dek = AESGCM.generate_key(256)
    report.body = _encrypt(dek, text.document(), f"report-v1|{_identity(report)}")
    report.salt = secrets.token_bytes(16)
    report.escrow_wrap = _escrow().encrypt(dek)
    report.client_wrap = b""


@sensitive_variables()
def admit_client(report: Report, canonical_key: str) -> None:
    """Let the order key open the report (not saved)."""
    pepper = keys.newest_pepper()
    kek = _client_kek(report, canonical_key, pepper)
    wrap = _encrypt(kek, _dek_from_escrow(report), _wrap_purpose(report))
    report.client_wrap = bytes.fromhex(keys.pepper_id(pepper)) + wrap


@sensitive_variables()
def open_for_client(report: Report, canonical_key: str) -> Manuscript:
    """The text, by the order key. Raises Unreadable."""
    wrap = bytes(report.client_wrap)
    pepper = keys.pepper_named(wrap[:PEPPER_ID].hex())
    if pepper is None:
        raise Unreadable(str(report))
    kek = _client_kek(report, canonical_key, pepper)
    return _open(report, _decrypt(kek, wrap[PEPPER_ID:], _wrap_purpose(report)))


@sensitive_variables()
def open_from_escrow(report: Report) -> Manuscript:
    """The text, for the consultant at work on it. Raises Unreadable."""
    return _open(report, _dek_from_escrow(report))


def _open(report: Report, dek: bytes) -> Manuscript:
    return manuscript.read(_decrypt(dek, bytes(report.body), f"report-v1|{_identity(report)}"))


def _identity(report: Report) -> str:
    return f"{report.case_id}.{report.version}|{report.case.line.order_id}"


def _wrap_purpose(report: Report) -> str:
    return f"report-kek-v1|{_identity(report)}"


def _escrow() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ESCROW_KEYS])


def _dek_from_escrow(report: Report) -> bytes:
    try:
        return _escrow().decrypt(bytes(report.escrow_wrap))
    except InvalidToken as error:
        raise Unreadable(str(report)) from error


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
