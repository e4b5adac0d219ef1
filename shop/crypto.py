"""Sealing for the database: MultiFernet, newest key first, so keys can be rotated (``shop.keyring``).

A sealed column has a type of its own that names its setting: that is how a rotation finds it.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.utils.crypto import constant_time_compare, salted_hmac


@lru_cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def fernet_for(family: str) -> MultiFernet:
    """The MultiFernet over all keys of a setting such as ``SEAL_KEYS``, newest first."""
    return _fernet(tuple(getattr(settings, family)))


def reencrypted(sealed: bytes, family: str) -> bytes | None:
    """Encrypt the same content under the newest key of the family. None if it is already.

    Raises ``cryptography.fernet.InvalidToken`` when no key of the family fits.
    """
    keys = tuple(getattr(settings, family))
    try:
        _fernet(keys[:1]).decrypt(sealed)
    except InvalidToken:
        return _fernet(keys).rotate(sealed)
    return None


def seal_bytes(content: bytes) -> bytes:
    """Encrypt under the newest of ``settings.SEAL_KEYS``."""
    return fernet_for("SEAL_KEYS").encrypt(content)


def open_sealed_bytes(sealed: bytes) -> bytes:
    """Decrypt. Raises ``cryptography.fernet.InvalidToken`` when no key fits."""
    return fernet_for("SEAL_KEYS").decrypt(bytes(sealed))


def seal(text: str) -> bytes:
    """Encrypt under the newest of ``settings.SEAL_KEYS``."""
    return seal_bytes(text.encode())


def open_sealed(sealed: bytes) -> str:
    """Decrypt to text. Raises ``cryptography.fernet.InvalidToken`` when no key fits."""
    return open_sealed_bytes(sealed).decode()


def digest(text: str, *, key: str, purpose: str) -> bytes:
    """HMAC-SHA256 for look-ups. Units: 32 bytes. ``purpose`` keeps the digests of different uses apart."""
    return hmac.new(key.encode(), f"{purpose}|{text}".encode(), hashlib.sha256).digest()


def keyed_digests(salt: str, text: str, *, length: int = 64) -> list[str]:
    """HMAC-SHA256 of the text: under ``SECRET_KEY``, then under each of its fallbacks. Hex, ``length`` signs.

    What was made before a rotation is to be known after it: show the first and accept any; where rows are
    counted or unique by it, use the last. The only caller of ``salted_hmac``, which knows no fallbacks.
    """
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    hashes = (salted_hmac(salt, text, secret=secret, algorithm="sha256") for secret in secrets)
    return [each.hexdigest()[:length] for each in hashes]


def is_one_of(given: str, digests: Iterable[str]) -> bool:
    """Whether what somebody has shown is one of these digests."""
    return sum(constant_time_compare(given, each) for each in digests) > 0  # all are compared


if TYPE_CHECKING:
    _BinaryField = models.BinaryField[Any, Any]
else:  # not generic when it runs
    _BinaryField = models.BinaryField


class SealedColumn(_BinaryField):
    """A column sealed under the newest key of the setting that ``family`` names."""

    family = "SEAL_KEYS"


class SealedBytesField(SealedColumn):
    """A sealed value that its owner makes and opens: empty, or from ``fernet_for(family).encrypt``.

    Only ever write it together with what it is about (``update_fields``): a row that was read before a
    rotation and is saved whole afterwards would bring the old seal back.
    """

    def __init__(self, *args: Any, family: str = "SEAL_KEYS", **options: Any) -> None:
        super().__init__(*args, **options)
        self.family = family

    def deconstruct(self) -> Any:
        """To the database it is bytes: saying what they are is no migration."""
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.BinaryField", arguments, options


class EncryptedJSONField(SealedColumn):
    """Any JSON value, sealed at rest. Cannot be searched, by design."""

    def get_default(self) -> Any:
        """As of any field: an empty text stays one, which a ``BinaryField`` would make bytes."""
        return models.Field.get_default(self)

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else seal(json.dumps(value, ensure_ascii=False))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if not prepared:
            value = self.get_prep_value(value)
        return value if value is None else connection.Database.Binary(value)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else json.loads(open_sealed(bytes(value)))

    def to_python(self, value: Any) -> Any:
        return value


Row = TypeVar("Row", bound=models.Model)


def unopened(rows: "models.QuerySet[Row]") -> "models.QuerySet[Row]":
    """The rows without what opens as it is read: deleting needs none of it, and it may open no more."""
    fields = rows.model._meta.concrete_fields
    return rows.defer(*[field.attname for field in fields if isinstance(field, EncryptedJSONField)])
