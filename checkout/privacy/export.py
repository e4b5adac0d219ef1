"""A copy of everything the shop holds about an order: one JSON file, and the files and reports beside it."""

import json
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from cryptography.fernet import InvalidToken
from django.core.serializers.json import DjangoJSONEncoder
from django.views.decorators.debug import sensitive_variables

from checkout.intake import uploads
from checkout.models import Intake, Order, Upload
from checkout.signals import Holdings, lines_left_out, personal_data
from shop import clock

IN_MEMORY = 5 * 1024 * 1024  # larger ones lie in a nameless file while they are sent
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
def bundle(order: Order) -> IO[bytes]:
    """The zip, open for reading."""
    parts = [_own(order), *_of_others(order)]
    facts = {"made_at": clock.now(), **{name: value for part in parts for name, value in part.facts.items()}}
    file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  whoever sends it closes it
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        text = json.dumps(facts, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        archive.writestr("order.json", text)
        for part in parts:
            for path, content in part.files.items():
                archive.writestr(path, content)
    file.seek(0)
    return file


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
    files = {}
    own = Upload.objects.filter(intakes__line__order=order).exclude(intakes__line__in=left_out)
    for upload in own.distinct():
        try:
            files[f"files/{upload.pk}-{upload.name}"] = uploads.read(upload)
        except (FileNotFoundError, InvalidToken):
            facts.setdefault("files_that_do_not_open", []).append(upload.name)
    return Holdings(facts, files)
