"""A copy of everything the shop holds about an order: one JSON file, and the files and reports beside it."""

import json
from collections.abc import Iterator
from typing import Any

from cryptography.fernet import InvalidToken
from django.core.serializers.json import DjangoJSONEncoder
from django.views.decorators.debug import sensitive_variables

from checkout.intake import uploads
from checkout.models import Intake, Order, Upload
from checkout.signals import Holdings, lines_left_out, personal_data
from shop import clock
from shop.privacy import streamed_zip
from shop.privacy.streamed_zip import Entry

PIECE = 256 * 1024  # bytes
FACTS = (
    "number",
    "status",
    "language",
    "email",
    "currency",
    "goods_total",
    "services_total",
    "shipping_total",
    "discount_total",
    "promo_code",
    "total",
    "refunded_total",
    "terms_version",
    "refund_version",
    "privacy_version",
    "agreed_at",
    "recipient",
    "phone",
    "phone_extension",
    "region",
    "address",
    "delivery_note",
    "is_gift",
    "card_text",
    "shipping_method",
    "placed_at",
    "paid_at",
    "paid_with",
    "paid_card_last4",
)


@sensitive_variables()
def bundle(order: Order) -> Iterator[bytes]:
    """The zip, piece by piece. Facts are gathered at once, files are read while they are sent."""
    parts = [_own(order), *_of_others(order)]
    facts = {"made_at": clock.now(), **{name: value for part in parts for name, value in part.facts.items()}}
    lost: list[str] = []
    return streamed_zip.packed(_entries(parts, facts, lost), lost)


@sensitive_variables()
def _entries(parts: list[Holdings], facts: dict[str, Any], lost: list[str]) -> Iterator[Entry]:
    """The facts come last, when it is known which files do not open."""
    for part in parts:
        yield from part.files
    if lost:
        facts["files_that_do_not_open"] = lost
    text = json.dumps(facts, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    yield Entry("order.json", iter([text.encode()]))


def _of_others(order: Order) -> list[Holdings]:
    responses: list[tuple[Any, Any]] = personal_data.send(sender=Order, order=order)
    return [holdings for _receiver, holdings in responses]


@sensitive_variables()
def _own(order: Order) -> Holdings:
    facts: dict[str, Any] = {"order": {name: getattr(order, name) for name in FACTS}}
    line_facts = ("position", "sku", "name_zh_hant", "name_en", "unit_price", "quantity", "discount_total")
    more = ("refunded_total", "working_days", "report_due_on")
    facts["lines"] = list(order.lines.values(*line_facts, *more))
    facts["history"] = list(order.events.values("at", "old_status", "new_status", "fact"))
    facts["parcels"] = list(order.shipments.values("carrier", "tracking_number", "shipped_at"))
    request_facts = ("reason", "state", "asked_at", "answer", "answered_at")
    facts["cancellation_requests"] = list(order.cancellations.values(*request_facts))
    facts["privacy_requests"] = list(order.privacy_requests.values("kind", "asked_at", "confirmed_at"))
    left_out, why = lines_left_out(order)
    if why:
        facts["left_out"] = why
    intakes = Intake.objects.filter(line__order=order).exclude(line__in=left_out)
    intakes = intakes.order_by("line__position", "subject")
    facts["answers"] = [
        {"line": intake.line.position, "subject": intake.subject, "answers": intake.answers}
        for intake in intakes.select_related("line")
    ]
    own = Upload.objects.filter(intakes__line__order=order).exclude(intakes__line__in=left_out).distinct()
    files = [Entry(f"files/{each.pk}-{each.name}", _content(each), each.uploaded_at) for each in own]
    return Holdings(facts, files)


@sensitive_variables()
def _content(upload: Upload) -> Iterator[bytes]:
    """Raises Unreadable before the first piece."""
    try:
        content = uploads.read(upload)
    except (OSError, InvalidToken) as error:
        raise streamed_zip.Unreadable(str(upload.pk)) from error
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]
