"""What ``check --deploy`` refuses beyond Django's list: settings with which a shop would run, but wrongly.

Each has a number and says what to do instead. None prints the value of a variable: some are secrets.
"""

import ipaddress
import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"
# What an example holds instead of the owner's value: the word, and names that are nobody's (RFC 2606).
PLACEHOLDER = re.compile(
    r"change-this|from-your-application|(?<![\w-])example\.(com|net|org)(?![\w-])|\.example(?![\w.-])"
)
# Values of the demo, and of the examples of before.
EXAMPLES = {"+852 5808 0000", "ABCDEFGHJKLMN", "000000000000000"}
SHOWN_TO_CLIENTS = (
    "SITE_URL",
    "MERCHANT_EMAILS",
    "CONSULTANT_EMAILS",
    "CUSTOMER_SERVICE_EMAIL",
    "CUSTOMER_SERVICE_PHONE",
    "DEFAULT_FROM_EMAIL",
)
# What would be off, or close the shop, at 0.
LIMITS = (
    "MOST_PER_ORDER",
    "NEW_SESSIONS_PER_NETWORK",
    "PAYMENTS_PER_NETWORK",
    "PAYPAL_NOTICES_WAITING",
    "STOCK_HOLD_MINUTES",
    "UNPAID_PER_ADDRESS",
    "UNPAID_PER_NETWORK",
    "UNPAID_SHARE_PERCENT",
    "UPLOADS_FREE_MB",
    "UPLOADS_UNCLAIMED_MB",
)
LOCAL = {"localhost", "127.0.0.1", "::1"}

Check = Callable[[], Iterator[CheckMessage]]


@register(deploy=True)
def check_deployment(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [message for check in CHECKS for message in check()]


def check_mode() -> Iterator[CheckMessage]:
    if not settings.PRODUCTION:
        yield Error(
            "SHOP_MODE is demo: secrets are made by the shop itself, and payments are play.",
            hint="SHOP_MODE=production in the environment file.",
            id="shop.E020",
        )


def check_guards() -> Iterator[CheckMessage]:
    """What is on in production unless somebody has switched it off."""
    if not settings.BEHIND_TLS_PROXY:
        yield Error(
            "BEHIND_TLS_PROXY is off: each address leads to https, and so to itself for ever.",
            hint="Leave it out; docs/operations.md has the proxy.",
            id="shop.E034",
        )
    if not settings.STAFF_SECOND_FACTOR:
        yield Error(
            "STAFF_SECOND_FACTOR is off: a stolen password alone refunds, and reads all orders.",
            hint="Leave it out; each member of staff sets it up at the next sign-in.",
            id="shop.E035",
        )
    if not settings.OUTBOUND:
        yield Error(
            "SHOP_OUTBOUND is off: no mail leaves, and no gateway is asked.",
            hint="Only a restored copy is to be silent. Leave it out where customers come.",
            id="shop.E036",
        )


def check_limits() -> Iterator[CheckMessage]:
    for name in LIMITS:
        if not 1 <= getattr(settings, name) <= (100 if name.endswith("_PERCENT") else math.inf):
            yield Error(
                f"{name} is out of range: what it limits would be closed to everybody, or open.",
                hint="Leave it out for the default of .env.example.",
                id="shop.E032",
            )


def check_proxies() -> Iterator[CheckMessage]:
    if settings.BEHIND_TLS_PROXY and not settings.TRUSTED_PROXIES:
        yield Error(
            "TRUSTED_PROXIES is empty: all clients would seem to come from the proxy, and share its limits.",
            hint="The addresses from which the TLS proxy connects, such as 127.0.0.1.",
            id="shop.E021",
        )
    if not all(_is_address(each) for each in settings.TRUSTED_PROXIES):
        yield Error(
            "TRUSTED_PROXIES holds something else than IP addresses, which is never equal to one.",
            hint="Name each proxy's address; networks and names are not read.",
            id="shop.E022",
        )


def check_hosts() -> Iterator[CheckMessage]:
    if any("*" in host for host in settings.ALLOWED_HOSTS):
        yield Error(
            "ALLOWED_HOSTS lets every name through.",
            hint="Leave it out: the default is the host of SITE_URL and this machine's own.",
            id="shop.E023",
        )


def check_database() -> Iterator[CheckMessage]:
    if settings.DATABASE_URL.startswith("sqlite:"):
        yield Error(
            "DATABASE_URL names an SQLite file, which one process writes at a time.",
            hint="DATABASE_URL=postgresql://…",
            id="shop.E024",
        )


def check_mail_server() -> Iterator[CheckMessage]:
    if settings.OUTBOUND and not settings.EMAIL_BACKEND.endswith(".smtp.EmailBackend"):
        yield Error(
            "EMAIL_URL names no mail server: confirmations and order keys would go nowhere.",
            hint="smtp+tls:// (port 587) or smtp+ssl:// (port 465).",
            id="shop.E033",
        )
    is_sealed = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    if (
        settings.EMAIL_BACKEND.endswith(".smtp.EmailBackend")
        and not is_sealed
        and settings.EMAIL_HOST not in LOCAL
    ):
        yield Error(
            "EMAIL_URL sends order keys and the mail server's password over the network in clear.",
            hint="smtp+tls:// (port 587) or smtp+ssl:// (port 465).",
            id="shop.E025",
        )


def check_stores() -> Iterator[CheckMessage]:
    """On this machine, or by a socket, nobody listens in between."""
    database, broker = urlsplit(settings.DATABASE_URL), urlsplit(settings.REDIS_URL)
    sslmode = parse_qs(database.query).get("sslmode", [""])[-1]
    if _is_elsewhere(database.hostname) and sslmode not in {"verify-ca", "verify-full"}:
        yield Error(
            "DATABASE_URL names another machine, and whoever stands between them could read or answer.",
            hint="?sslmode=verify-full, with the server's CA in sslrootcert.",
            id="shop.E030",
        )
    reads_certificate = parse_qs(broker.query).get("ssl_cert_reqs", ["required"])[-1] == "required"
    if _is_elsewhere(broker.hostname) and not (broker.scheme == "rediss" and reads_certificate):
        yield Error(
            "REDIS_URL names another machine, and whoever stands between them could read its password.",
            hint="rediss://…?ssl_cert_reqs=required",
            id="shop.E031",
        )


def _is_elsewhere(host: str | None) -> bool:
    return bool(host) and host not in LOCAL and not unquote(host or "").startswith("/")


def check_retention() -> Iterator[CheckMessage]:
    for name in sorted({name for name in dir(settings) if name.startswith("KEEP_")}):
        if getattr(settings, name) < 1:
            yield Error(
                f"{name} is below 1: the hourly job would erase at once what it is about.",
                hint="Leave it out for the default of .env.example.",
                id="shop.E026",
            )


def check_placeholders() -> Iterator[CheckMessage]:
    named = re.findall(r"^(?:# )?([A-Z][A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    values = [(name, os.environ.get(name, "")) for name in named]
    values += [(name, _text(getattr(settings, name))) for name in SHOWN_TO_CLIENTS]
    for name in sorted({name for name, value in values if is_placeholder(value)}):
        yield Error(
            f"{name} still holds a value of the example or the demo.",
            hint="Put your own; .env.example says where it comes from.",
            id="shop.E027",
        )


def is_placeholder(value: str) -> bool:
    return value in EXAMPLES or bool(PLACEHOLDER.search(unquote(value)))


def check_files() -> Iterator[CheckMessage]:
    if settings.ENV_FILE and _is_open(settings.ENV_FILE):
        yield Error(
            f"Others may read or change the environment file {settings.ENV_FILE}, which holds all secrets.",
            hint=f"chmod 600 {settings.ENV_FILE}",
            id="shop.E028",
        )
    if _is_open(settings.VAR_DIR):
        yield Error(
            f"Others may look into VAR_DIR, {settings.VAR_DIR}: clients' files and logs lie there.",
            hint=f"chmod 700 {settings.VAR_DIR}",
            id="shop.E029",
        )


def _is_open(path: Path) -> bool:
    """Whether others may do anything with it, or the group write. A unit's group may have to read."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    is_kept = stat.S_ISREG(mode) or stat.S_ISDIR(mode)  # /dev/null is everybody's
    return is_kept and bool(mode & (stat.S_IRWXO | stat.S_IWGRP))


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified  # 0.0.0.0 is a place to listen at, nobody's
    except ValueError:
        return False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ",".join(value)


CHECKS: list[Check] = [
    check_mode,
    check_guards,
    check_limits,
    check_proxies,
    check_hosts,
    check_database,
    check_mail_server,
    check_stores,
    check_retention,
    check_placeholders,
    check_files,
]
