"""Sealing text for the database: MultiFernet, newest key first, so keys can be rotated."""

import hashlib
import hmac
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(text: str) -> bytes:
    """Encrypt under the newest of ``settings.SEAL_KEYS``."""
    return _fernet(tuple(settings.SEAL_KEYS)).encrypt(text.encode())


def open_sealed(sealed: bytes) -> str:
    """The text again. Raises ``cryptography.fernet.InvalidToken`` when no key fits."""
    return _fernet(tuple(settings.SEAL_KEYS)).decrypt(bytes(sealed)).decode()


def digest(text: str, *, key: str, purpose: str) -> bytes:
    """HMAC-SHA256 for look-ups (32 bytes). The purpose keeps digests of different uses apart."""
    return hmac.new(key.encode(), f"{purpose}|{text}".encode(), hashlib.sha256).digest()


if TYPE_CHECKING:
    _BinaryField = models.BinaryField[Any, Any]
else:  # not generic when it runs
    _BinaryField = models.BinaryField


class EncryptedJSONField(_BinaryField):
    """Any JSON value, sealed at rest. Cannot be searched, by design."""

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
