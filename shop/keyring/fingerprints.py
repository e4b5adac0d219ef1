"""Whether the secrets in the environment are those that this database was sealed with.

Each secret leaves a mark here before anything is sealed under it: a digest that only it can make. A process
that lacks a secret of the table does not start; it would show broken reports, or seal new data under a key
that nobody keeps. A rotation removes the mark of a secret on which nothing depends any more.
"""

import logging

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from shop import crypto, database
from shop.models import Canary

logger = logging.getLogger(__name__)

FAMILIES = ("SEAL_KEYS", "ESCROW_KEYS", "ORDER_KEY_PEPPERS")

_is_due = False  # this process began while the database was away


def problems() -> list[str]:
    """A line per setting that lacks a secret. Raises ``django.db.Error`` when the database is away."""
    if not _has_table():
        return []
    missing: dict[str, Canary] = {}
    for canary in Canary.objects.order_by("since"):
        if bytes(canary.digest) not in _digests(canary.family):
            missing.setdefault(canary.family, canary)
    return [
        f"{family} lacks a secret that this database has been using since {canary.since:%Y-%m-%d}. "
        f"Put it back (docs/operations.md, Changing secrets): without it sealed data cannot be read."
        for family, canary in missing.items()
    ]


def _has_table() -> bool:
    """A new database has none before it is migrated."""
    return Canary._meta.db_table in connection.introspection.table_names()


def _digests(family: str) -> list[bytes]:
    return [_digest(family, secret) for secret in getattr(settings, family, [])]


def _digest(family: str, secret: str) -> bytes:
    return crypto.digest(family, key=secret, purpose="canary-v1")


def remember() -> None:
    """Note the secrets that this process seals with, and in a family's first row all that it can open."""
    if not _has_table():
        return
    known = {(canary.family, bytes(canary.digest)) for canary in Canary.objects.all()}
    families = {family for family, _digest in known}
    wanted = [
        (family, digest)
        for family in FAMILIES
        for digest in (_digests(family)[:1] if family in families else _digests(family))
    ]
    Canary.objects.bulk_create(
        [
            Canary(family=family, digest=digest, since=timezone.now())
            for family, digest in wanted
            if (family, digest) not in known
        ],
        ignore_conflicts=True,  # another process began at the same time
    )


def forget_older(family: str) -> int:
    """Nothing depends on the older secrets of this family any more. Returns how many that were."""
    older = Canary.objects.filter(family=family).exclude(digest__in=_digests(family)[:1])
    return older.delete()[0]


# --- where processes begin ---


class WrongSecrets(SystemExit):
    """Ends the process; whoever started it reads why."""


def require() -> None:
    """Compare, and note what is new. Raises WrongSecrets. Puts it off while the database is away."""
    global _is_due
    try:
        if found := problems():
            raise WrongSecrets("\n".join(found))
        remember()
    except Error as error:
        if not database.is_unavailable(error):
            raise
        _is_due = True
        logger.warning("The database is away: the secrets are compared with it once it answers")
    else:
        _is_due = False


def is_refused() -> bool:
    """Whether this process, which began while the database was away, turns out to lack a secret."""
    if not _is_due:
        return False
    try:
        require()
    except WrongSecrets as refusal:
        logger.critical("%s", refusal)
        return True
    return False
