"""The chain over the audit trail: a changed, missing or inserted entry is found.

A beat task links new entries, so that no request waits for another's: entries are written in any order, and
each gets its place in the chain within a minute. A link's digest holds its entry and the digest before it.
The newest digest goes to the log, which lies outside the database: who could write the chain anew cannot
make it end as the log says it did.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from shop import clock
from shop.models import AuditCutoff, AuditEntry, AuditLink

START = "0" * 64
BATCH = 2000
REACH = 10_000  # entries before the newest linked one that may have been written late
LATE = dt.timedelta(hours=1)  # an entry that is in no link by then was not written by the shop
_COLUMNS = [field.attname for field in AuditEntry._meta.concrete_fields]


def link_new() -> AuditLink | None:
    """Link what is not linked yet; return the newest link if there is a new one. May run twice at once."""
    newest = None
    try:
        while (linked := _link_batch()) is not None:
            newest = linked
    except IntegrityError:  # another does it now
        pass
    return newest


@transaction.atomic
def _link_batch() -> AuditLink | None:
    last = AuditLink.objects.order_by("-number").first()
    entries = list(_unlinked().order_by("id")[:BATCH])
    number, digest, links = last.number if last else 0, last.digest if last else START, []
    for entry in entries:
        number, digest = number + 1, _digest(digest, entry)
        links.append(AuditLink(number=number, entry_id=entry.pk, digest=digest, at=clock.now()))
    AuditLink.objects.bulk_create(links)
    return links[-1] if links else None


def _unlinked() -> QuerySet[AuditEntry]:
    highest = AuditLink.objects.order_by("-entry_id").values_list("entry_id", flat=True).first() or 0
    is_linked = Exists(AuditLink.objects.filter(entry_id=OuterRef("pk")))
    return AuditEntry.objects.filter(~is_linked, pk__gt=highest - REACH)


def _digest(before: str, entry: AuditEntry) -> str:
    facts = [getattr(entry, column) for column in _COLUMNS]
    plain = json.dumps([before, *(_plain(fact) for fact in facts)], ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def _plain(fact: object) -> object:
    return fact.astimezone(dt.UTC).isoformat() if isinstance(fact, dt.datetime) else fact


# --- verifying ---


def problems(*, digest: str = "") -> Iterator[str]:
    """What is wrong with the trail, in words for whoever runs it. ``digest``: one that the log told of."""
    seen_digest, last = False, None
    for link, entry in _pairs():
        seen_digest = seen_digest or link.digest == digest
        if last is None:
            yield from _problems_of_start(link, entry)
        else:
            if link.number != last.number + 1:
                yield f"links {last.number + 1} to {link.number - 1} are missing"
            elif entry is None:
                yield f"entry {link.entry_id} is missing"
            elif link.digest != _digest(last.digest, entry):
                yield f"entry {link.entry_id} was changed, or its link"
        last = link
    yield from (f"entry {pk} was added behind the chain" for pk in _strays())
    if digest and not seen_digest:
        yield f"no link has the digest {digest}: the chain was written anew, or its end was cut off"


def _pairs() -> Iterator[tuple[AuditLink, AuditEntry | None]]:
    begin = 0
    while links := list(AuditLink.objects.filter(number__gt=begin).order_by("number")[:BATCH]):
        entries = AuditEntry.objects.in_bulk([link.entry_id for link in links])
        yield from ((link, entries.get(link.entry_id)) for link in links)
        begin = links[-1].number


def _problems_of_start(link: AuditLink, entry: AuditEntry | None) -> Iterator[str]:
    """The first link stands for all that was forgotten before it, its own entry included."""
    if link.number == 1 and entry is not None:
        if link.digest != _digest(START, entry):
            yield f"entry {link.entry_id} was changed, or its link"
    elif entry is not None:
        yield f"links 1 to {link.number - 1} are missing, and entry {link.entry_id} is there"
    elif link.at > _limit():
        yield f"what came before link {link.number} is missing, and is younger than it is kept"


def _strays() -> list[int]:
    is_linked = Exists(AuditLink.objects.filter(entry_id=OuterRef("pk")))
    late = AuditEntry.objects.filter(~is_linked, at__lt=clock.now() - LATE)
    return list(late.order_by("id").values_list("pk", flat=True)[:50])


# --- forgetting ---


def _limit() -> dt.datetime:
    return clock.now() - dt.timedelta(days=settings.KEEP_AUDIT_DAYS)


def overdue() -> int:
    return AuditEntry.objects.filter(at__lt=_limit()).count()


def forget() -> None:
    """Delete the beginning of the trail that is past its time. Its last link stays, as the chain's start."""
    link_new()
    _forget(_limit())


@transaction.atomic
def _forget(limit: dt.datetime) -> None:
    kept = AuditEntry.objects.filter(at__gte=limit).values("pk")
    first_kept = AuditLink.objects.filter(entry_id__in=kept).order_by("number").first()
    last = AuditLink.objects.order_by("-number").first()
    if last is None:
        return
    end = first_kept.number - 1 if first_kept else last.number
    cutoff = AuditCutoff.objects.create(before=limit)
    gone = AuditLink.objects.filter(number__lte=end)
    AuditEntry.objects.filter(at__lt=limit, pk__in=gone.values("entry_id")).delete()
    AuditLink.objects.filter(number__lt=end).delete()
    cutoff.delete()
