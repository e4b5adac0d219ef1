"""A flash sale over HTTP: fifty buyers at once press the last button twice as often as there are pieces.

That two buyers do get the last piece without the lock and the check is shown in
``checkout/tests/test_forced_races.py``.
"""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from shop.tests.harness.buyer import Buyer
from shop.tests.harness.effort import times
from shop.tests.harness.stacks.stack import Stack, rows

BUYERS = 50  # at once
PIECES = times(100, 500)
ATTEMPTS = 2 * PIECES
SKU = "STU-003"  # nothing else buys it
BUSY, PRESSES = 503, 5
CSRF = "r" * 32  # as a cookie, and again in the form

STOCK_UP = """
from django.db import transaction
from catalog import stock_receipts
from catalog.models import Variant
with transaction.atomic():
    variant = Variant.objects.select_for_update().get(sku="{sku}")
    stock_receipts.change(variant, {pieces} - variant.available, by="rush")
"""
SHELF = "SELECT on_hand - reserved, reserved FROM catalog_variant WHERE sku = %s"
ORDERED = """
    SELECT count(*), count(DISTINCT o.draft_id), sum(l.quantity) FROM checkout_order o
    JOIN checkout_orderline l ON l.order_id = o.id WHERE o.email LIKE %s
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


class Customer:
    """Fills a cart, and presses the button of the checkout page when told to."""

    def __init__(self, stack: Stack, variant: int, email: str) -> None:
        self.email = email
        self.buyer = Buyer(stack, email=email)
        self.buyer.session.cookies.set("csrf", CSRF, domain="127.0.0.1", path="/")
        added = self.buyer.post(
            "/en/cart/add/", {"variant": str(variant), "quantity": "1"}, allow_redirects=False
        )
        assert added.status_code == 302, added.status_code

    def press(self, form: dict[str, str]) -> tuple[int, str]:
        """Once more where the shop is busy: on a loaded machine its queue outlasts the time for a lock."""
        for _ in range(PRESSES):
            answer = self.buyer.post("/en/checkout/", form | {"email": self.email}, allow_redirects=False)
            if answer.status_code != BUSY:
                break
        return answer.status_code, urlsplit(answer.headers.get("Location", "")).path

    def cart_page(self) -> str:
        return re.sub(r"\s+", " ", self.buyer.get("/en/cart/").text)


def rush(stack: Stack, number: int) -> float:
    """One sale. Returns how many seconds the last clicks took."""
    stack.manage("shell", "-c", STOCK_UP.format(sku=SKU, pieces=PIECES))
    ((left, reserved),) = rows(stack, SHELF, SKU)
    assert left == PIECES
    ((variant,),) = rows(stack, "SELECT id FROM catalog_variant WHERE sku = %s", SKU)
    ((deadlocks,),) = rows(stack, DEADLOCKS)
    emails = [f"rush-{number}-{each}@example.com" for each in range(ATTEMPTS)]
    with ThreadPoolExecutor(BUYERS) as pool:
        customers = list(pool.map(lambda email: Customer(stack, variant, email), emails))
        form = customers[0].buyer.checkout_form()  # equal carts have equal pages
        begun = time.monotonic()
        answers = list(pool.map(lambda customer: customer.press(form), customers))
        seconds = time.monotonic() - begun
    kinds = Counter((status, "pay" if path.startswith("/en/pay/") else path) for status, path in answers)
    assert kinds == {(302, "pay"): PIECES, (302, "/en/cart/"): ATTEMPTS - PIECES}
    assert rows(stack, SHELF, SKU) == [(0, reserved + PIECES)]
    assert rows(stack, ORDERED, f"rush-{number}-%") == [(PIECES, PIECES, PIECES)]
    losers = [each for each, (_, path) in zip(customers, answers, strict=True) if path == "/en/cart/"]
    for loser in losers[:: len(losers) // BUYERS]:
        page = loser.cart_page()
        assert "Nothing has been ordered yet." in page
        assert "Semi-sized xuan paper" in page
        assert "Sold out" in page
    for customer in customers:
        customer.buyer.close()
    # PostgreSQL tells its numbers after a second.
    time.sleep(max(0.0, begun + seconds + 1.5 - time.monotonic()))
    assert rows(stack, DEADLOCKS) == [(deadlocks,)]
    return seconds


@pytest.mark.parametrize("stack", ["services"], indirect=True)
def test_in_a_rush_every_piece_is_sold_once_and_the_losers_keep_their_cart(stack: Stack, record_property):
    sales = times(1, 3)
    seconds = [rush(stack, number) for number in range(sales)]
    rate = ATTEMPTS / (sum(seconds) / sales)
    record_property("figure", f"{sales} sales of {PIECES} pieces to {ATTEMPTS} clicks: {rate:.0f} clicks/s")
    assert "Traceback" not in stack.console.read_text()
