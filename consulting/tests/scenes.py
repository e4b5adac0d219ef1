"""Orders as consulting meets them: placed and paid through checkout's services."""

import itertools
import re
from decimal import Decimal

from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.urls import reverse

from checkout import services as checkout
from checkout.models import Order
from checkout.services import IntakeAnswers
from checkout.shipping import fulfilment
from checkout.tests.scenes import make_cart, make_goods, make_service, place
from consulting import key_format, report_encryption
from consulting.keys import services as keys
from consulting.reports import services as reports

ANSWER = "canary-answer-5521 <b>bold</b>"
CONTACT = "canary-contact-9313"
TITLE = "canary-title-7702"
TEXT = "canary-text-4410"
EMAIL = "Mei.Chan@shop.example"

_codes = itertools.count(100)


def unpaid_order(*, subjects: int = 2, services: int = 1, goods: int = 0, language: str = "en") -> Order:
    """Services for some subjects, with answers about each, and perhaps some tea; not paid yet."""
    things, intakes = [], []
    if goods:
        things.append((make_goods(f"TEA-{next(_codes)}"), goods))
    for _ in range(services if subjects else 0):
        service = make_service(f"SV-{next(_codes)}")
        things.append((service, subjects))
        for subject in range(subjects + 1):
            value = f"{ANSWER} {subject}" if subject else CONTACT
            intakes.append(IntakeAnswers(service.pk, subject, [_answer("Name", value)]))
    return place(make_cart(*things), email=EMAIL, language=language, intakes=tuple(intakes))


def _answer(question: str, value: str) -> dict[str, str]:
    return {
        "key": "name",
        "label_zh_hant": question,
        "label_en": question,
        "value": value,
        "shown_zh_hant": value,
        "shown_en": value,
    }


def pay(order: Order) -> Order:
    with transaction.atomic():
        locked = Order.objects.lock(order.pk)
        checkout.mark_paid(locked, method="paypal", last4="", note="paid in a test")
    return locked


def paid_order(**details: object) -> Order:
    return pay(unpaid_order(**details))


def key_of(order: Order) -> str:
    return key_format.grouped(keys.read_key(order.keys.get(state="active")))


def staff(name: str, *permissions: str, **more: bool) -> User:
    user = User.objects.create_user(name, f"{name}@shop.example", "pw", is_staff=True, **more)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def writer(name: str = "author") -> User:
    """Somebody who may write reports."""
    return staff(name, "change_case", "change_report")


def published(case, author, text: str = TEXT, *, note: str | None = None):
    """``note``: what a version after the first changes."""
    reports.assign(case, author)
    report = reports.save_draft(case, author=author, title=TITLE, body=text, note=note)
    return reports.publish(report, actor=author.username)


def give_back(order, amount, lines=None):
    """As payments note it, with the ledger entry."""
    with transaction.atomic():
        fulfilment.note_refund(Order.objects.lock(order.pk), Decimal(amount), lines or {})
    order.refresh_from_db()


KEY = re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}\b")


def unlock(client, key: str, email: str = EMAIL, **extra):
    return client.post(reverse("consulting:unlock"), {"order_key": key, "email": email}, **extra)


def wrong_key() -> str:
    return key_format.grouped(key_format.make())


def stripped(response, typed: str) -> str:
    """The page without its tokens and without what was typed."""
    page = re.sub(r'name="(csrfmiddlewaretoken|page_token)" value="[\w-]+"', "", response.content.decode())
    return page.replace(typed, "TYPED")


def dek_of(report):
    return report_encryption._dek_to_write_with(report)


def from_escrow(report):
    """The text, whoever's case it is."""
    return report_encryption._open(report, report_encryption._dek_from_escrow(report))
