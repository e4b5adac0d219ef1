"""The ledger has one door, and it refuses what belongs to another payment."""

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from checkout.tests.scenes import make_cart, make_goods, place
from payments.health import repairs
from payments.models import LedgerEntry, Payment, Refund
from payments.models.ledger import ReferenceTaken
from payments.refunds import reconciliation
from shop import clock
from shop.monitoring.audit import NotRepaired

APPS = ["shop", "catalog", "cart", "checkout", "payments", "consulting"]
CREATORS = {"create", "acreate", "get_or_create", "update_or_create", "bulk_create"}


def writers(source: str) -> list[int]:
    """Lines that create ledger entries: by the class, its manager, or a payment's ``ledger``."""
    if "ledger" not in source.lower():
        return []  # to parse all files takes a second
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if _creates(ast.unparse(call.func))]


def _creates(name: str) -> bool:
    owner, _dot, method = name.rpartition(".")
    of_ledger = owner.endswith((".ledger", "LedgerEntry.objects")) or "LedgerEntry.objects." in owner
    return method == "LedgerEntry" or (method in CREATORS and of_ledger)


def test_nothing_but_its_door_creates_entries():
    root = Path(settings.BASE_DIR)
    files = [path for app in APPS for path in (root / app).rglob("*.py")]
    product = [path for path in files if not {"tests", "migrations"} & set(path.parts)]
    found = {str(path.relative_to(root)) for path in product if writers(path.read_text())}
    assert found == {"payments/models/ledger.py"}


@pytest.mark.parametrize(
    "source",
    [
        "LedgerEntry(payment=payment)",
        "models.LedgerEntry(payment=payment)",
        "LedgerEntry.objects.create(payment=payment)",
        "LedgerEntry.objects.using('x').bulk_create([])",
        "payment.ledger.get_or_create(reference='R')",
    ],
)
def test_the_search_finds_every_way_of_writing(source):
    assert writers(source) == [1]


@pytest.fixture
def payments(db):
    """Two attempts of two orders, with PayPal."""
    orders = [place(make_cart((make_goods(f"TEA-{number}", on_hand=5), 1))) for number in (1, 2)]
    return [
        Payment.objects.create(
            order=order,
            method=Payment.Method.PAYPAL,
            amount=order.total,
            currency="HKD",
            reference=f"REFERENCE{order.pk}",
            started_at=clock.now(),
        )
        for order in orders
    ]


def book(payment, reference="R1", kind=LedgerEntry.Kind.CAPTURE, amount=Decimal(10)):
    return LedgerEntry.objects.book(
        payment, kind, amount=amount, currency="HKD", reference=reference, at=clock.now()
    )


def test_a_repeat_finds_the_first_entry(payments):
    first, is_new = book(payments[0])
    assert is_new
    assert book(payments[0]) == (first, False)
    assert LedgerEntry.objects.count() == 1


def test_a_reference_of_another_payment_is_refused(payments):
    book(payments[0])
    with pytest.raises(ReferenceTaken):
        book(payments[1])
    assert LedgerEntry.objects.get().payment == payments[0]


def test_a_done_refund_whose_reference_is_another_payments_is_not_booked(payments, monkeypatch):
    """Once nobody looked whose the entry is, and the button said that it was put right."""
    first, second = payments
    book(first)
    refund = Refund.objects.create(
        payment=second, amount=10, reference="R1", status=Refund.Status.DONE, started_at=clock.now()
    )
    monkeypatch.setattr(reconciliation, "_confirms", lambda payment, refund: True)
    with pytest.raises(NotRepaired):
        repairs.book_refund(refund)
    assert LedgerEntry.objects.get().payment == first
