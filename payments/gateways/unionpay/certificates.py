"""The files of ``settings.UNIONPAY_CERT_DIR``, read again whenever one of them changes.

``root.pem``, ``middle.pem``: UnionPay's CA. Each may hold several, so that a new one is there before the old
ends. ``merchant.pfx``: our signing key, opened with ``UNIONPAY_PFX_PASSWORD``. ``encryption.pem``: UnionPay's
key for card data. ``encryption-previous.pem``: the one before, still good for pages that were open when it
changed. ``encryption.renewed`` remembers when UnionPay was last asked for it.
"""

import datetime as dt
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

from shop import clock
from shop.devstack.file_lock import exclusive

from ..base import Misconfigured
from .crypto import (
    GATEWAY_NAME,
    TEST_NAME,
    SigningKey,
    Trust,
    Untrusted,
    load_signing_key,
    read_certificate,
)

ENCRYPTION = "encryption.pem"
ENCRYPTION_PREVIOUS = "encryption-previous.pem"
RENEWED = "encryption.renewed"  # empty; its time is that of the last successful renewal
ENCRYPTION_NAMES = {GATEWAY_NAME, TEST_NAME}

Stamp = tuple[str, int, int]  # path, time of change, size


def merchant_key() -> SigningKey:
    """Our signing key. Raises Misconfigured when the file or the password is wrong."""
    return _merchant_key(_stamp("merchant.pfx"), settings.UNIONPAY_PFX_PASSWORD)


def trust() -> Trust:
    """Whom we believe. Raises Misconfigured when the CA files are missing or broken."""
    names = frozenset({GATEWAY_NAME, TEST_NAME} if test_name_allowed() else {GATEWAY_NAME})
    return _trust(_stamp("root.pem"), _stamp("middle.pem"), names)


def held(name: str) -> list[x509.Certificate]:
    """All certificates of one of the files."""
    return _all_certificates(_stamp(name))


def is_test_gateway() -> bool:
    """Whether ``UNIONPAY_GATEWAY`` is UnionPay's test environment or runs on this machine."""
    host = urlsplit(settings.UNIONPAY_GATEWAY).hostname or ""
    return host in {"127.0.0.1", "localhost", "::1"} or host.endswith(".test.95516.com")


def test_name_allowed() -> bool:
    """With any other host the setting has no effect, whatever it says."""
    return bool(settings.UNIONPAY_ALLOW_TEST_CN) and is_test_gateway()


def encryption_certificate(name: str = ENCRYPTION) -> x509.Certificate:
    """UnionPay's encryption certificate. Raises Misconfigured unless it is in force and really UnionPay's."""
    certificate = _certificate(_stamp(name))
    try:
        trust().accept(certificate, clock.now(), ENCRYPTION_NAMES)
    except Untrusted as error:
        raise Misconfigured(f"{name}: {error}") from error
    return certificate


def replace_encryption_certificate(certificate: x509.Certificate) -> bool:
    """Put a new encryption certificate in place and keep the former one. False when it is not new."""
    folder = Path(settings.UNIONPAY_CERT_DIR)
    with exclusive(folder / "encryption.lock"):
        current = folder / ENCRYPTION
        if current.is_file():
            if _certificate(_stamp(ENCRYPTION)) == certificate:
                return False
            _write(folder / ENCRYPTION_PREVIOUS, current.read_bytes())
        _write(current, certificate.public_bytes(Encoding.PEM))
    return True


def note_renewal() -> None:
    """Note that UnionPay has told its present certificate, whether it was a new one or not."""
    path = Path(settings.UNIONPAY_CERT_DIR) / RENEWED
    path.touch()
    now = clock.now().timestamp()
    os.utime(path, (now, now))


def last_renewal() -> dt.datetime | None:
    """When that was; before the first time, when ``encryption.pem`` was put there. None without that file."""
    folder = Path(settings.UNIONPAY_CERT_DIR)
    times = [path.stat().st_mtime for path in (folder / RENEWED, folder / ENCRYPTION) if path.is_file()]
    return dt.datetime.fromtimestamp(max(times), dt.UTC) if times else None


def _write(path: Path, content: bytes) -> None:
    """All or nothing: a reader sees the old file or the new one."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(name).chmod(0o644)
    Path(name).replace(path)


def _stamp(name: str) -> Stamp:
    path = Path(settings.UNIONPAY_CERT_DIR) / name
    try:
        status = path.stat()
    except OSError as error:
        raise Misconfigured(f"{name} cannot be read") from error
    return str(path), status.st_mtime_ns, status.st_size


@lru_cache(maxsize=4)
def _merchant_key(stamp: Stamp, password: str) -> SigningKey:
    try:
        return load_signing_key(Path(stamp[0]).read_bytes(), password)
    except (OSError, ValueError) as error:
        raise Misconfigured("merchant.pfx cannot be opened with UNIONPAY_PFX_PASSWORD") from error


@lru_cache(maxsize=4)
def _trust(root: Stamp, middle: Stamp, names: frozenset[str]) -> Trust:
    return Trust(_all_certificates(root), _all_certificates(middle), set(names))


@lru_cache(maxsize=4)
def _certificate(stamp: Stamp) -> x509.Certificate:
    try:
        return read_certificate(Path(stamp[0]).read_text())
    except (OSError, ValueError, Untrusted) as error:
        raise Misconfigured(f"{Path(stamp[0]).name} cannot be read") from error


def _all_certificates(stamp: Stamp) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(Path(stamp[0]).read_bytes())
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{Path(stamp[0]).name} cannot be read") from error
