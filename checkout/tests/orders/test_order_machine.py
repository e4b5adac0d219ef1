"""Orders and stock driven at random: whatever happens in whatever order, the books add up and every order has
walked along the edges of its table.

The machine knows nothing of how the shop does it. After every step it reads the rows and asks of them the
invariants I4 (one live order per cart), I6 (columns are sums of rows, and rows are what orders hold and have
bought), I7 (nothing is promised twice) and I8 (the history is a path).
"""

from collections import Counter, defaultdict
from contextlib import suppress

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cart.cart import KEY, Cart
from catalog.admin_forms import VariantForm
from catalog.models import StockReceipt, Variant
from checkout import services, stock
from checkout.models import Draft, InvalidTransition, Order, OrderEvent, OrderLine, StockMovement
from checkout.quote import make_quote
from checkout.shipping import fulfilment
from checkout.tests.scenes import make_goods, submission
from shop.tests.harness.effort import times

Status = Order.Status
CLOSED = {Status.CANCELLED, Status.EXPIRED}
HOLDING = {Status.PENDING, Status.UNDER_REVIEW}
CARTS = 3
few = st.integers(1, 3)
none_or_few = st.integers(0, 3)
which = st.integers(0, 5)


def some(*statuses):
    """The rule makes sense while an order is in one of these states."""
    return precondition(lambda shop: shop.states & set(statuses))


class Shop(RuleBasedStateMachine):
    """Three carts, two kinds of goods of which there is too little. One example is one transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.variants = list(Variant.objects.order_by("pk"))
        self.tokens = [f"cart-{number}" for number in range(CARTS)]
        self.states = set()  # of the orders, after the last step
        self.refunds = 0
        self.refunded = Counter()  # line id -> pieces
        self.restocked = Counter()  # variant id -> pieces

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.whole.__exit__(None, None, None)

    # --- what customers do ---

    @initialize(counts=st.tuples(few, none_or_few, few, none_or_few))
    def two_orders(self, counts):
        self.place(0, *counts[:2])
        self.place(1, *counts[2:])

    @rule(cart=st.integers(0, CARTS - 1), tea=few, cups=none_or_few)
    def place(self, cart, tea, cups):
        """A new order, a new revision, an order that replaces another, the same again, or a refusal."""
        wanted = {variant.pk: count for variant, count in zip(self.variants, (tea, cups), strict=True)}
        session = SessionStore()
        session[KEY] = {"token": self.tokens[cart], "items": {str(pk): n for pk, n in wanted.items() if n}}
        answer = self.answer_to(Cart(session))
        match answer:
            case Order():
                assert answer.status == Status.PENDING
                ordered = {line.variant_id: line.quantity for line in answer.lines.all()}
                assert ordered == {pk: count for pk, count in wanted.items() if count}
            case stock.OutOfStock():
                assert all(left < wanted[pk] for pk, left in answer.available.items())
            case services.AlreadyOrdered():
                assert answer.order.status in {Status.PAID, Status.UNDER_REVIEW}
                self.tokens[cart] += "+"  # as the shop does when it takes out what was bought

    @some(Status.PENDING)
    @rule(nth=which, tea=few, cups=none_or_few)
    def pay_in_one_tab_and_change_in_another(self, nth, tea, cups):
        order = self.locked(nth, Status.PENDING)
        services.begin_payment(order, minutes=30)
        if order.draft.token in self.tokens:  # else its cart went on under another one while it was reviewed
            self.place(self.tokens.index(order.draft.token), tea, cups)

    @some(Status.PENDING)
    @rule(nth=which)
    def begin_payment(self, nth):
        if order := self.locked(nth, Status.PENDING):
            services.begin_payment(order, minutes=30)

    @some(Status.PENDING, Status.UNDER_REVIEW)
    @rule(nth=which)
    def pay(self, nth):
        if order := self.locked(nth, Status.PENDING, Status.UNDER_REVIEW):
            self.mark_paid(order)

    @some(*CLOSED)
    @rule(nth=which, is_replaced=st.booleans())
    def money_comes_late(self, nth, is_replaced):
        if order := self.locked(nth, *CLOSED, is_superseded=is_replaced):
            try:
                self.mark_paid(order)
            except services.CannotRevive:
                assert order.is_superseded or self.has_sister(order) or self.is_short(order)

    @some(Status.PENDING)
    @rule(nth=which)
    def money_is_held_for_review(self, nth):
        if order := self.locked(nth, Status.PENDING):
            services.mark_under_review(order, note="pending at the gateway")

    @some(Status.UNDER_REVIEW)
    @rule(nth=which)
    def review_comes_to_nothing(self, nth):
        if order := self.locked(nth, Status.UNDER_REVIEW):
            services.reopen(order, note="denied", is_denied=False)

    # --- what the shop and its people do ---

    @some(Status.PENDING)
    @rule(nth=which)
    def expire(self, nth):
        if order := self.locked(nth, Status.PENDING):
            services.expire(order)

    @rule(nth=which)
    def cancel(self, nth):
        if order := self.locked(nth, *Status):
            with suppress(InvalidTransition):
                services.cancel(order.pk, actor="staff")
                assert order.status in HOLDING

    @some(Status.PAID)
    @rule(nth=which, count=few)
    def ship(self, nth, count):
        order = self.locked(nth, Status.PAID)
        left = fulfilment.left_to_ship(order) if order else {}
        for line, quantity in list(left.items())[:1]:
            packed = {line.pk: min(count, quantity)}
            fulfilment.ship(order.pk, carrier="sf", tracking_number="SF1", quantities=packed, actor="staff")

    @some(Status.PAID)
    @rule(nth=which, count=few, is_resold=st.booleans())
    def refund(self, nth, count, is_resold):
        order = self.locked(nth, Status.PAID)
        for line in list(order.lines.all())[:1] if order else []:
            count = min(count, line.quantity - self.refunded[line.pk])
            if count:
                self.refunds += 1
                self.refunded[line.pk] += count
                restock = {line.pk: count} if is_resold else {}
                fulfilment.withdraw(
                    order, {line.pk: count}, restock=restock, fact=self.refunds, actor="staff"
                )
                self.restocked[line.variant_id] += sum(restock.values())
                amount = line.unit_price * count
                fulfilment.note_refund(order, amount, {line.pk: amount})

    @rule(nth=st.integers(0, 1), change=st.integers(-6, 9))
    def count_the_shelf(self, nth, change):
        """A receipt or a correction, through the merchant's form."""
        variant = self.variants[nth]
        variant.refresh_from_db()
        kept = ("product", "sku", "price", "weight_g", "tracks_stock", "is_active", "position")
        typed = {name: getattr(variant, name) for name in kept} | {"product": variant.product_id}
        form = VariantForm({**typed, "stock_change": change}, instance=variant)
        too_many = variant.on_hand + change < variant.reserved
        assert form.is_valid() != (too_many and change != 0), form.errors
        if form.is_valid():
            form.save()

    # --- what must hold ---

    @invariant()
    def columns_are_what_the_rows_say(self):
        received = dict(StockReceipt.objects.order_by().values_list("variant").annotate(Sum("quantity")))
        moved = Counter()
        rows = StockMovement.objects.order_by().values_list("variant", "kind").annotate(Sum("quantity"))
        for variant, kind, quantity in rows:
            moved[variant, kind] = quantity
        held, bought = Counter(), Counter()
        for variant, status, quantity in OrderLine.objects.values_list(
            "variant", "order__status", "quantity"
        ):
            held[variant] += quantity if status in HOLDING else 0
            bought[variant] += quantity if status == Status.PAID else 0
        for pk, on_hand, reserved in Variant.objects.values_list("pk", "on_hand", "reserved"):
            reserve, release, sell, back = (
                moved[pk, kind] for kind in ("reserve", "release", "sell", "return")
            )
            assert on_hand == received.get(pk, 0) + back - sell
            assert reserved == reserve - release - sell == held[pk]
            assert sell == bought[pk]
            assert back == self.restocked[pk]
            assert 0 <= reserved <= on_hand

    @invariant()
    def a_cart_has_one_live_order_and_every_history_is_a_path(self):
        orders = list(Order.objects.all())
        self.states = {Status(order.status) for order in orders}
        live = Counter(order.draft_id for order in orders if order.status not in CLOSED)
        assert not live or max(live.values()) == 1
        for order in orders:
            assert not order.is_superseded or order.status == Status.CANCELLED
            assert 0 <= order.refunded_total <= order.total
        self.look_at_histories(orders)

    def look_at_histories(self, orders):
        walked = defaultdict(list)
        events = OrderEvent.objects.exclude(new_status="").order_by("id")
        for order, old, new in events.values_list("order", "old_status", "new_status"):
            walked[order].append((old, new))
        for order in orders:
            at = ""
            for old, new in walked[order.pk]:
                is_placing = new == Status.PENDING and not old and at in {"", Status.PENDING}
                assert is_placing or (old == at and new in Order.TRANSITIONS[Status(old)]), walked[order.pk]
                at = new
            assert at == order.status

    # --- how the machine acts ---

    @staticmethod
    def answer_to(cart):
        """The placed order, or why there is none."""
        draft, _ = Draft.objects.get_or_create(token=cart.token)
        try:
            return services.place_order(draft.pk, submission(cart), make_quote(cart, "HK"))
        except (stock.OutOfStock, services.AlreadyOrdered) as fact:
            return fact

    def locked(self, nth, *statuses, **more):
        """Some order in one of these states, locked as every service wants it."""
        orders = Order.objects.filter(status__in=statuses, **more).order_by("pk")
        found = list(orders.values_list("pk", flat=True))
        return Order.objects.lock(found[nth % len(found)]) if found else None

    @staticmethod
    def mark_paid(order):
        with transaction.atomic():
            services.mark_paid(order, method="paypal", last4="", note="paid")

    @staticmethod
    def has_sister(order):
        return order.draft.orders.exclude(pk=order.pk).exclude(status__in=CLOSED).exists()

    @staticmethod
    def is_short(order):
        lines = order.lines.select_related("variant")
        return any(line.quantity > line.variant.on_hand - line.variant.reserved for line in lines)


ALL = settings(
    max_examples=times(20, 100),
    stateful_step_count=times(15, 50),
    suppress_health_check=list(HealthCheck),
    database=None,
)
# Always the same walks, and no search for the shortest.
UNTIL_FOUND = settings(
    ALL, max_examples=500, stateful_step_count=20, phases=[Phase.generate], derandomize=True
)


@pytest.fixture
def shelf(db):
    return make_goods(on_hand=7), make_goods("CUP-900", price="20.00", on_hand=5)


def test_whatever_happens_the_books_add_up(shelf):
    run_state_machine_as_test(Shop, settings=ALL)


def no_release(monkeypatch):
    monkeypatch.setattr(stock, "release", lambda order: None)


def sold_without_being_taken_from_the_shelf(monkeypatch):
    monkeypatch.setattr(stock, "sell", stock.release)


def revived_beside_a_newer_order(monkeypatch):
    def hold_again(order):
        order.revision += 1
        order.save(update_fields=["revision"])
        try:
            stock.reserve(order, order.lines.select_related("variant"))
        except stock.OutOfStock as error:
            raise services.CannotRevive(order.number) from error

    monkeypatch.setattr(services, "_hold_again", hold_again)


def moved_without_an_event(monkeypatch):
    def move_to(order, status, **_):
        order.status = status
        order.save(update_fields=["status"])

    monkeypatch.setattr(Order, "move_to", move_to)


def a_receipt_that_is_not_booked(monkeypatch):
    monkeypatch.setattr(StockReceipt, "save", lambda receipt: None)


# Each damage with a walk on which it shows.
WALKS = {
    no_release: [lambda shop: shop.expire(nth=0)],
    sold_without_being_taken_from_the_shelf: [lambda shop: shop.pay(nth=0)],
    revived_beside_a_newer_order: [
        lambda shop: shop.expire(nth=0),
        lambda shop: shop.place(cart=0, tea=1, cups=0),
        lambda shop: shop.money_comes_late(nth=0, is_replaced=False),
    ],
    moved_without_an_event: [lambda shop: shop.expire(nth=0)],
    a_receipt_that_is_not_booked: [lambda shop: shop.count_the_shelf(nth=0, change=1)],
}


def walk(steps):
    """Two orders, then the steps, with the invariants after each."""
    shop = Shop()
    try:
        for step in [lambda shop: shop.two_orders(counts=(1, 0, 1, 0)), *steps]:
            step(shop)
            shop.columns_are_what_the_rows_say()
            shop.a_cart_has_one_live_order_and_every_history_is_a_path()
    finally:
        shop.teardown()


@pytest.mark.parametrize("damage", WALKS)
def test_the_machine_sees_a_bug_where_it_shows(shelf, monkeypatch, damage):
    walk(WALKS[damage])
    damage(monkeypatch)
    with pytest.raises((AssertionError, DatabaseError)):
        walk(WALKS[damage])


@pytest.mark.prove
@pytest.mark.parametrize("damage", WALKS)
def test_the_machine_finds_a_bug(shelf, monkeypatch, damage):
    damage(monkeypatch)
    with pytest.raises((AssertionError, DatabaseError)):
        run_state_machine_as_test(Shop, settings=UNTIL_FOUND)
