"""System checks: mistakes in the environment that would otherwise show up when a customer pays."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import moneyed
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.db import connections

from shop.keyring import fingerprints
from shop.l10n import working_days

SHORTEST_SECRET = 32  # characters


@register(Tags.security)
def check_secrets(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [*_weak_secrets(), *_broken_fernet_keys(), *_repeated_secrets()]


def _weak_secrets() -> Iterator[CheckMessage]:
    for name, secret in _all_secrets():
        if len(secret) < SHORTEST_SECRET:
            yield Error(
                f"{name} holds a secret of fewer than {SHORTEST_SECRET} characters.",
                hint="Make fresh ones with: make secrets",
                id="shop.E001",
            )


def _broken_fernet_keys() -> Iterator[CheckMessage]:
    for name in ("SEAL_KEYS", "ESCROW_KEYS"):
        for key in getattr(settings, name):
            try:
                Fernet(key)
            except ValueError:
                yield Error(
                    f"{name} holds a value that is not a Fernet key.",
                    hint="Make fresh ones with: make secrets. Several are separated by commas.",
                    id="shop.E002",
                )


def _repeated_secrets() -> Iterator[CheckMessage]:
    seen: dict[str, str] = {}
    for name, secret in _all_secrets():
        if secret in seen:
            yield Error(f"{name} and {seen[secret]} share a secret; each needs its own.", id="shop.E003")
        seen[secret] = name


def _all_secrets() -> Iterator[tuple[str, str]]:
    yield "SECRET_KEY", settings.SECRET_KEY
    for name in ("SECRET_KEY_FALLBACKS", "SEAL_KEYS", "ESCROW_KEYS", "ORDER_KEY_PEPPERS"):
        for secret in getattr(settings, name):
            yield name, secret


@register()
def check_site_address(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Links in mails and the gateways' return addresses are built from it."""
    address = urlsplit(settings.SITE_URL)
    if address.scheme not in {"http", "https"} or not address.hostname or address.path or address.query:
        return [
            Error(
                "SITE_URL must be scheme://host[:port] and nothing more.",
                hint="For example https://shop.example.com",
                id="shop.E004",
            )
        ]
    if settings.PRODUCTION and address.scheme != "https":
        return [Error("SITE_URL must begin with https:// in production.", id="shop.E005")]
    return []


@register(Tags.security)
def check_crash_points(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """They end processes on purpose."""
    if settings.PRODUCTION and settings.CRASHPOINT_FILE:
        return [Error("SHOP_CRASHPOINT_FILE is for tests only.", id="shop.E008")]
    return []


@register()
def check_currency(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        moneyed.get_currency(settings.CURRENCY)
    except moneyed.CurrencyDoesNotExist:
        return [Error(f"CURRENCY is {settings.CURRENCY!r}, which is no ISO 4217 code.", id="shop.E006")]
    return []


@register(deploy=True)
def check_calendars(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With ``check --deploy``. Nothing is broken, so it stops nothing; somebody has to look once a year."""
    return [
        Info(gap, hint="A newer version of the package holidays may know more.", id="shop.I001")
        for gap in working_days.gaps()
    ]


@register(Tags.database)
def check_database_encoding(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Runs where the database is touched anyway: with ``migrate`` and ``check --database default``."""
    return [
        Error(
            f"The database {alias!r} is encoded in {encoding}; Chinese texts need UTF8.",
            hint="CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
            id="shop.E007",
        )
        for alias in databases or []
        if connections[alias].vendor == "postgresql" and (encoding := _encoding(alias)) != "UTF8"
    ]


@register(Tags.database)
def check_canaries(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Whether these secrets open what lies in the database; a new one holds nothing."""
    return [Error(problem, id="shop.E009") for problem in fingerprints.problems()] if databases else []


def _encoding(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW server_encoding")
        row = cursor.fetchone()
    return str(row[0]) if row else ""
