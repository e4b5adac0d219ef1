"""A cart in a shop where anything may change at any moment.

Whatever happens in whatever order: the lines that are shown add up to the total that is shown, no price
changes silently, and neither stock nor promo codes are given out twice (I5, I26, I27).
"""

import re
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from html import unescape

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cart.cart import Cart
from catalog.models import Product, Variant
from checkout import services, stock
from checkout.models import Order, Promotion
from checkout.quote import make_quote
from checkout.tests.promotion_scenes import make_promotion, used
from checkout.tests.scenes import make_goods, make_service, pay, place
from shop.l10n.money import formatted
from shop.tests.harness.effort import IS_FULL, times

pytestmark = pytest.mark.django_db

AMOUNT = r"HK\$([\d,]+\.\d\d)"
CODES = ["TEN10", "SV200", "POST0"]
thing = st.integers(0, 2)
mostly = st.sampled_from([True, True, False])
code = st.sampled_from(CODES)


def amounts(pattern, page):
    texts = re.findall(pattern + r"(?:(?!HK\$).)*?" + AMOUNT, page, re.S)
    return [Decimal(amount.replace(",", "")) for amount in texts]


def has_lines(machine):
    return bool(machine.shown)


class CartMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.undone = transaction.atomic()
        self.undone.__enter__()
        self.client = Client()
        self.things = [
            make_goods("TEA-901", price="33.35", on_hand=4),
            make_goods("TEA-902", price="268.00", on_hand=9),
            make_service(price="199.99"),
        ]
        for variant, name in zip(self.things, ["Tea", "Cup", "Reading"], strict=True):
            Product.objects.filter(pk=variant.product_id).update(name_en=name)
        make_promotion("TEN10", percent=10, max_uses=1)
        make_promotion("SV200", kind="amount", amount=200, scope="named", products=[self.things[2]])
        make_promotion("POST0", kind="free_shipping")
        self.removed = ""
        self.shown = {}  # variant id -> the price that the visitor knows
        for number in range(3):
            self.post("add", number, quantity=1)
        self.keep_what_is_left()

    def teardown(self):
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    @property
    def cart(self):
        return Cart(self.client.session)

    def post(self, action, number, **fields):
        forged = {"price": "0.01", "unit_price": "0.01", "total": "0.01", "currency": "JPY"}
        fields = {"variant": self.things[number].pk, **forged, **fields}
        return self.client.post(f"/en/cart/{action}/", fields)

    def keep_what_is_left(self):
        """Lines that came are known at today's price, those that went are forgotten."""
        lines = {line.variant.pk: line.unit_price for line in self.cart.lines}
        self.shown = {pk: self.shown.get(pk, price) for pk, price in lines.items()}

    # --- the visitor ---

    @rule(number=thing, quantity=st.integers(1, 4))
    def add(self, number, quantity):
        self.post("add", number, quantity=quantity)
        self.keep_what_is_left()

    @precondition(has_lines)
    @rule(number=thing, quantity=st.sampled_from([1, 2, 3, 9, 0]))
    def set(self, number, quantity):
        self.post("update", number, quantity=quantity)
        self.keep_what_is_left()

    @precondition(has_lines)
    @rule(number=thing)
    def remove(self, number):
        self.removed = self.post("remove", number).url
        self.keep_what_is_left()

    @precondition(lambda self: "removed=" in self.removed)
    @rule()
    def undo(self):
        page = self.client.get(self.removed).content.decode()
        self.look_at(page)
        offer = re.search(
            r'name="variant" value="(\d+)"><input type="hidden" name="quantity" value="(\d+)"', page
        )
        if offer and "Undo" in page:
            self.client.post("/en/cart/add/", {"variant": offer.group(1), "quantity": offer.group(2)})
            self.keep_what_is_left()
        self.removed = ""

    @precondition(has_lines)
    @rule(code=code)
    def enter_code(self, code):
        response = self.client.post("/en/cart/promo/", {"code": code.lower()})
        if response.status_code == 200:
            self.look_at(response.content.decode())

    @precondition(lambda self: self.cart.promo_code)
    @rule()
    def remove_code(self):
        self.client.post("/en/cart/promo/", {"action": "remove"})

    @precondition(has_lines)
    @rule(path=st.sampled_from(["cart", "checkout"]))
    def look(self, path):
        response = self.client.get(f"/en/{path}/")
        page = response.content.decode()
        if response.status_code == 200 and path == "checkout":
            lines = amounts(r'<span class="quantity">', page)
            off = sum(amounts(r"<dt>Discount", page))
            fee = sum(amounts(r"<dt>Shipping fee", page))
            assert [sum(lines) - off + fee] == amounts(r"<dt>Total amount", page)
            self.is_told(page)
        elif response.status_code == 200:
            self.look_at(page)

    def look_at(self, page):
        lines = amounts(r'<output class="amount">', page)
        if lines:
            assert [sum(lines) - sum(amounts(r"<dt>Discount", page))] == amounts(r"<dt>Subtotal", page)
        self.is_told(page)

    def is_told(self, page):
        """Each price that differs from the one the visitor knew, and no other."""
        told = set(re.findall(r"<li>(The price of [^<]*)</li>", unescape(page)))
        lines = self.cart.lines
        expected = {
            f"The price of {line.variant.full_name} has changed from {formatted(known, 'HKD')}"
            f" to {formatted(line.unit_price, 'HKD')}."
            for line in lines
            if (known := self.shown[line.variant.pk]) != line.unit_price
        }
        assert told == expected
        self.shown = {line.variant.pk: line.unit_price for line in lines}

    @precondition(has_lines)
    @rule(email=st.sampled_from(["mei@example.com", "jun@example.com"]))
    def order(self, email):
        cart = self.cart
        if cart.is_empty or cart.is_blocked:
            return
        quote = make_quote(cart, "HK", email=email)
        with suppress(services.AlreadyOrdered):
            placed = place(cart, email=email)
            assert (placed.total, placed.promo_code) == (quote.total, quote.promo_code)

    # --- others ---

    @rule(number=thing, cents=st.sampled_from([3335, 19_999, 26_800, 1, 60_000]), buys_more=st.booleans())
    def change_price(self, number, cents, buys_more):
        """The visitor may come from the product's page, where the new price stood."""
        Variant.objects.filter(pk=self.things[number].pk).update(price=Decimal(cents) / 100)
        if buys_more:
            self.add(number, 1)

    @rule(number=st.integers(0, 1), left=st.sampled_from([6, 1, 0]))
    def change_stock(self, number, left):
        variant = Variant.objects.get(pk=self.things[number].pk)
        Variant.objects.filter(pk=variant.pk).update(on_hand=variant.reserved + left)

    @rule(number=thing, is_active=mostly)
    def withdraw(self, number, is_active):
        Product.objects.filter(pk=self.things[number].product_id).update(is_active=is_active)

    @rule(code=code, is_active=mostly)
    def switch_code(self, code, is_active):
        Promotion.objects.filter(code=code).update(is_active=is_active)

    @rule(number=st.integers(0, 1))
    def somebody_else_buys(self, number):
        """One piece, and a use of the code, if there is one left."""
        browser = Client()
        browser.post("/en/cart/add/", {"variant": self.things[number].pk, "quantity": 1})
        browser.post("/en/cart/promo/", {"code": "TEN10"})
        cart = Cart(browser.session)
        if not (cart.is_empty or cart.is_blocked):
            place(cart, email="other@example.com")

    @precondition(lambda self: Order.objects.unpaid().exists())
    @rule(is_paid=st.booleans())
    def settle(self, is_paid):
        order = Order.objects.unpaid().first()
        if is_paid:
            pay(order)
            self.client.get(order.get_absolute_url())
            self.keep_what_is_left()
        else:
            services.expire(Order.objects.lock(order.pk))

    # --- what is always so ---

    @invariant()
    def amounts_add_up(self):
        cart = self.cart
        prices = dict(Variant.objects.values_list("pk", "price"))
        for region in ("HK", "TW") if IS_FULL else ("HK",):
            quote = make_quote(cart, region)
            lines = sum(line.total for line in quote.lines)
            assert quote.total == lines - quote.discount_total + quote.shipping_total
            assert quote.total > 0 or cart.is_empty
            assert sum(line.discount for line in quote.lines) == quote.discount_total
            assert all(0 <= line.discount <= line.total for line in quote.lines)
            assert all(line.unit_price == prices[line.variant_id] for line in quote.lines)

    @invariant()
    def orders_add_up(self):
        for order in Order.objects.prefetch_related("lines"):
            goods = sum(line.total for line in order.lines.all())
            assert order.total == goods + order.shipping_total - order.discount_total > 0
            assert sum(line.discount_total for line in order.lines.all()) == order.discount_total

    @invariant()
    def nothing_is_given_out_twice(self):
        orders = list(Order.objects.all())
        held = sum((Counter(stock.holding(order)) for order in orders), Counter())
        for variant in Variant.objects.filter(tracks_stock=True):
            assert 0 <= held[variant.pk] == variant.reserved <= variant.on_hand
        closed = [Order.Status.CANCELLED, Order.Status.EXPIRED]
        given = Counter(order.promo_code for order in orders if order.status not in closed)
        for promotion in Promotion.objects.all():
            uses = used(promotion)
            assert uses == given[promotion.code]
            assert promotion.max_uses is None or uses <= promotion.max_uses


def test_a_cart_adds_up_whatever_happens_to_it_and_to_the_shop():
    effort = settings(
        max_examples=times(8, 100),
        stateful_step_count=times(15, 50),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(CartMachine, settings=effort)
