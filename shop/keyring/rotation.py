"""Sealing everything anew under the newest secrets, while the shop is open: ``manage.py rotate_secrets``.

The columns are found by their types (``crypto.SealedColumn``); what else depends on a secret is a job that
its app registers. A value is replaced only where it still is what was read, each in a transaction of its own:
nobody is kept waiting, and nothing that is written meanwhile is lost. What is done is left alone, so a run
that was killed is simply begun again.
"""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import connection, models
from django.db.models import F, QuerySet
from django.db.models.functions import Cast

from shop import crypto
from shop.devstack.failpoints import failpoint

from . import fingerprints

BATCH = 500  # rows read at once
ROUNDS = 4  # two when nobody seals under an older secret meanwhile


@dataclass
class Tally:
    """What a run found in one place."""

    family: str
    place: str
    seen: int = 0
    renewed: int = 0
    older: int = 0  # that still depend on an older secret
    unreadable: list[Any] = field(default_factory=list)  # primary keys of what no secret opens


Job = Callable[[Tally, bool], None]  # fills the tally; with True it only looks

_jobs: list[tuple[str, str, Job]] = []


def job(family: str, place: str) -> Callable[[Job], Job]:
    """Register what is no sealed column: files, or what hangs on a pepper."""

    def register(function: Job) -> Job:
        _jobs.append((family, place, function))
        return function

    return register


def renew(family: str, *, dry_run: bool = False) -> list[Tally]:
    """Bring everything of a family under its newest secret; the older ones are forgotten once nothing needs
    them. A place that no secret opens keeps its older ones: nobody can say which it needs.
    """
    with _without_waiting_for_the_disk():
        tallies = [_in_rounds(place, dry_run) for place in _places(family)]
    if not dry_run and not any(tally.older or tally.unreadable for tally in tallies):
        fingerprints.remember()
        fingerprints.forget_older(family)
    return tallies


@dataclass(frozen=True)
class _Place:
    family: str
    name: str
    job: Job

    def run(self, dry_run: bool) -> Tally:
        tally = Tally(self.family, self.name)
        self.job(tally, dry_run)
        return tally


def _places(family: str) -> Iterator[_Place]:
    for column in sealed_columns():
        if column.family == family:
            yield _Place(family, str(column), _renewal_of(column))
    for job_family, name, function in _jobs:
        if job_family == family:
            yield _Place(family, name, function)


def _in_rounds(place: _Place, dry_run: bool) -> Tally:
    """Again until nothing was left to do: somebody may have written meanwhile with yesterday's secrets."""
    renewed = 0
    for _ in range(1 if dry_run else ROUNDS):
        tally = place.run(dry_run)
        renewed += tally.renewed
        if not tally.renewed and not tally.older:
            break
    still_written = 0 if dry_run else tally.renewed
    return dataclasses.replace(tally, renewed=renewed, older=tally.older + still_written)


@contextmanager
def _without_waiting_for_the_disk() -> Iterator[None]:
    """A commit that a crash of the server takes back is made again by the next run; waiting for the disk at
    each would take many times as long.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
        try:
            yield
        finally:
            cursor.execute("SET synchronous_commit TO DEFAULT")


# --- columns ---


@dataclass(frozen=True)
class Column:
    model: type[models.Model]
    name: str
    family: str

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.name}"

    def raw(self) -> "QuerySet[Any]":
        """The rows with ``stored``: the bytes as they lie there."""
        as_it_is = Cast(F(self.name), models.BinaryField())
        return self.model._base_manager.annotate(stored=as_it_is).filter(stored__isnull=False)


def sealed_columns() -> Iterator[Column]:
    for model in apps.get_models(include_auto_created=True):
        for its in model._meta.local_concrete_fields:
            if isinstance(its, crypto.SealedColumn):
                yield Column(model, its.name, its.family)


def batches(rows: "QuerySet[Any]", *columns: str) -> Iterator[tuple[Any, ...]]:
    """(primary key, columns …) of all rows, read some at a time in the order of their keys."""
    last: Any = None
    while found := list(_after(rows, last).order_by("pk").values_list("pk", *columns)[:BATCH]):
        yield from found
        last = found[-1][0]


def _after(rows: "QuerySet[Any]", last: Any) -> "QuerySet[Any]":
    return rows if last is None else rows.filter(pk__gt=last)


def _renewal_of(column: Column) -> Job:
    def renew_column(tally: Tally, dry_run: bool) -> None:
        for pk, sealed in batches(column.raw(), "stored"):
            if sealed:
                _renew_value(column, pk, bytes(sealed), tally, dry_run)

    return renew_column


def _renew_value(column: Column, pk: Any, sealed: bytes, tally: Tally, dry_run: bool) -> None:
    tally.seen += 1
    try:
        fresh = crypto.reencrypted(sealed, column.family)
    except InvalidToken:
        tally.unreadable.append(pk)
        return
    if fresh is None:
        return
    if dry_run:
        tally.older += 1
        return
    failpoint("before_value_replaced")
    if _replace(column, pk, sealed, fresh):
        tally.renewed += 1
    else:
        tally.older += 1  # the next round looks what was written


def _replace(column: Column, pk: Any, old: bytes, fresh: bytes) -> bool:
    """Unless somebody has written the row since it was read: that is the newer truth.

    Not by the ORM, which takes ten times as long to say it, a hundred thousand times.
    """
    meta: Any = column.model._meta
    quoted, binary = connection.ops.quote_name, connection.Database.Binary  # type: ignore[attr-defined]
    key, name = quoted(meta.pk.column), quoted(meta.get_field(column.name).column)
    update = f"UPDATE {quoted(meta.db_table)} SET {name} = %s WHERE {key} = %s AND {name} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(update, [binary(fresh), pk, binary(old)])
        return bool(cursor.rowcount == 1)
