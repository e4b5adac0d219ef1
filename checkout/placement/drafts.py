"""What a visitor has typed at checkout, kept until it is ordered; only about what the cart still holds."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, QueryDict

from cart.cart import Cart
from checkout.forms import kept_fields
from checkout.intake import uploads
from checkout.models import Draft
from shop.web.rate_limit import RateLimit

from . import draft_fields

# A draft of ordinary size costs nothing; of what is beyond it, a network has so many pieces an hour.
ORDINARY, PIECE = 4 * 1024, 16 * 1024  # bytes
LARGE_DRAFTS = RateLimit("large-draft", limit=600, minutes=60)  # ten megabytes
# A small one is a row all the same, kept for weeks.
NEW_DRAFTS = RateLimit("new-draft", limit=settings.NEW_SESSIONS_PER_NETWORK, minutes=60)
# v12-contact_name belongs to the line of variant 12, v12-2-name to its second subject.
FIELD = re.compile(r"v(\d+)-(?:(\d+)-)?", re.ASCII)


def belongs(field: str, quantities: Mapping[int, int]) -> bool:
    """Whether a field still has its line, and its subject, in a cart with these quantities by variant."""
    match = FIELD.match(field)
    if match is None:
        return True
    variant_id, subject = int(match[1]), int(match[2] or 1)
    return 1 <= subject <= quantities.get(variant_id, 0)


def quantities_of(cart: Cart) -> dict[int, int]:
    """Variant id -> quantity."""
    return {line.variant.pk: line.quantity for line in cart.lines}


def save(request: HttpRequest, cart: Cart, data: QueryDict) -> Draft | None:
    """Store what was posted into the cart's forms, replacing what its draft held.

    A network that has stored too much keeps what it has; whoever orders needs only the row. Of those too a
    network begins so many: then nothing is stored, and there is none.
    """
    if not Draft.objects.filter(token=cart.token).exists() and not NEW_DRAFTS.take(request):
        return None
    values_by_field = draft_fields.kept(cart, data)
    if not _is_affordable(request, values_by_field):
        draft = Draft.objects.get_or_create(token=cart.token)[0]
        draft.is_whole = False
        return draft
    (draft,) = Draft.objects.bulk_create(  # one statement, also when two tabs send at once
        [Draft(token=cart.token, data=values_by_field)],
        update_conflicts=True,
        unique_fields=["token"],
        update_fields=["data", "updated_at"],
    )
    return draft


def _is_affordable(request: HttpRequest, values: dict[str, list[str]]) -> bool:
    return _has_room(request, kept_fields.size_of(values))


def _has_room(request: HttpRequest, size: int) -> bool:
    pieces = -(-(size - ORDINARY) // PIECE)
    return all(LARGE_DRAFTS.take(request) for _piece in range(pieces))


def may_order(request: HttpRequest, draft: Draft, answers: Iterable[list[dict[str, Any]]]) -> bool:
    """Whether an order may store these answers: what its draft had no room for counts like a draft."""
    values = [answer["value"] for subject in answers for answer in subject]
    if draft.is_whole or not values:
        return True
    return _has_room(request, len(json.dumps(values, ensure_ascii=False).encode()))


@transaction.atomic
def forget_beyond(token: str, quantities: Mapping[int, int]) -> Draft | None:
    """Drop the answers and files of lines and subjects that are no longer in the cart."""
    draft = Draft.objects.select_for_update().filter(token=token).first()
    if draft is None:
        return None
    remaining = {name: values for name, values in draft.data.items() if belongs(name, quantities)}
    if remaining != draft.data:
        draft.data = remaining
        draft.save(update_fields=["data", "updated_at"])
    gone = [upload.pk for upload in draft.uploads.all() if not belongs(upload.field, quantities)]
    if gone:
        uploads.remove(draft.uploads.filter(pk__in=gone))
    return draft


@transaction.atomic
def forget(token: str) -> None:
    """Drop everything that was typed into this cart's checkout. What was ordered of it stays ordered."""
    draft = Draft.objects.select_for_update().filter(token=token).first()
    if draft is None:
        return
    uploads.remove(draft.uploads.all())
    if draft.orders.exists():  # the draft goes on being the lock of their cart
        draft.data = {}
        draft.save(update_fields=["data", "updated_at"])
    else:
        draft.delete()
