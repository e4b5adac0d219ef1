"""Money back by staff: by line, shipping fee or amount; once, never more than was taken, and what follows.

Against the stand-in's PayPal over HTTP.
"""

import uuid
from contextlib import suppress
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Variant
from checkout.models import Order, StockMovement
from checkout.shipping import fulfilment
from payments.attempts import settlement
from payments.gateways.base import RefundRefused
from payments.mails import execute_refund as refund_handler
from payments.models import Payment, Refund
from payments.refunds import services as refunds
from payments.refunds.plan import (
    DisputeOpen,
    NothingChosen,
    NothingToRefund,
    PlanChanged,
    RefundRequest,
    TooMuch,
    plan_refund,
    refundable_of,
)
from payments.sandbox.paypal import dashboard
from payments.tests.harness.refund_scenes import (
    SHIPPING,
    TEA,
    TOTAL,
    ask_for,
    assert_books_agree,
    at_paypal,
    give,
    paid_order,
    some,
    tea_of,
)
from shop.models import OutboxMessage
from shop.tests.harness.effort import times

pytestmark = pytest.mark.django_db

PRICE = Decimal("168.00")


# --- by line, shipping fee, amount, all ---


def test_pieces_go_back_at_their_price_and_are_noted_on_line_and_order(order, payment):
    refund = give(order, some(order, tea=1))
    assert (refund.status, refund.amount, refund.origin) == ("done", PRICE, "staff")
    assert refund.reference
    assert refund.done_at
    assert at_paypal(payment) == PRICE
    assert tea_of(order).refunded_total == order.refunded_total == PRICE
    assert not order.is_refunded
    assert order.shown_status == "Partly refunded"
    assert_books_agree(order)


def test_an_amount_for_a_line_changes_nothing_about_its_delivery(order, payment):
    tea = tea_of(order)
    give(order, RefundRequest(amounts={tea.pk: Decimal("10.00")}))
    tea.refresh_from_db()
    assert (tea.refunded_total, tea.withdrawn_quantity) == (Decimal("10.00"), 0)
    assert fulfilment.left_to_ship(order) == {tea: 2}
    assert_books_agree(order)


def test_the_last_piece_takes_what_is_left_of_its_line(order):
    tea = tea_of(order)
    give(order, RefundRequest(amounts={tea.pk: Decimal("10.00")}))
    assert give(order, some(order, tea=2)).amount == TEA - 10
    tea.refresh_from_db()
    assert tea.is_refunded


def test_the_shipping_fee_and_a_goodwill_go_back_without_touching_a_line(order, payment):
    refund = give(order, RefundRequest(shipping=SHIPPING, amount=Decimal("5.00")))
    assert (refund.amount, refund.shipping) == (Decimal("35.00"), SHIPPING)
    assert not order.lines.exclude(refunded_total=0).exists()
    assert_books_agree(order)
    with pytest.raises(TooMuch) as fact:
        plan_refund(order, RefundRequest(shipping=Decimal("0.01")))
    assert (fact.value.where, fact.value.left) == ("shipping", 0)


def test_everything_goes_back_in_one_refund(order, payment):
    refund = give(order, refundable_of(order).everything())
    assert refund.amount == order.refunded_total == TOTAL == at_paypal(payment)
    assert order.is_refunded
    assert order.shown_status == "Refunded"
    assert all(line.is_refunded for line in order.lines.all())
    assert fulfilment.left_to_ship(order) == {}
    assert_books_agree(order)
    with pytest.raises(NothingToRefund):
        refundable_of(order)


def test_everything_that_is_left_after_a_goodwill_ends_at_nothing(order, payment):
    give(order, RefundRequest(amount=Decimal("500.00")))
    refund = give(order, refundable_of(order).everything())
    assert refund.amount == TOTAL - 500
    assert order.is_refunded
    assert_books_agree(order)


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        (lambda o: some(o, tea=3), "quantity"),
        (lambda o: RefundRequest(amounts={tea_of(o).pk: TEA + 1}), "amount"),
        (lambda o: some(o, tea=1, restock={tea_of(o).pk: 2}), "restock"),
        (lambda o: RefundRequest(shipping=SHIPPING + 1), "shipping"),
        (lambda o: RefundRequest(amount=TOTAL + 1), ""),
        (lambda o: some(o, tea=2, amount=TOTAL - 1), ""),
    ],
)
def test_more_than_there_is_is_refused_and_nothing_is_written(order, wanted, where):
    with pytest.raises(TooMuch) as fact:
        ask_for(order, wanted(order))
    assert fact.value.where.partition("_")[0] == where
    assert not Refund.objects.exists()


def test_nothing_chosen_is_no_refund(order):
    with pytest.raises(NothingChosen):
        ask_for(order, RefundRequest())


def test_an_unpaid_order_has_nothing_to_refund(order):
    Payment.objects.update(pays_order=False)
    with pytest.raises(NothingToRefund):
        ask_for(order, RefundRequest(amount=Decimal("1.00")))


@pytest.mark.failure("F44")
def test_while_the_buyer_complains_at_the_gateway_nothing_is_refunded(order, payment):
    order.is_disputed = True
    order.save()
    with pytest.raises(DisputeOpen):
        ask_for(order, some(order, tea=1))
    assert not Refund.objects.exists()


# --- once ---


def test_the_same_key_is_the_same_refund_however_often_it_is_sent(order, payment, deliver_outbox):
    key = uuid.uuid4().hex
    asked = {ask_for(order, refundable_of(order).everything(), key=key).pk}
    for _ in range(3):  # also when nothing would be left for a new one
        asked.add(ask_for(order, RefundRequest(amount=Decimal("1.00")), key=key).pk)
    deliver_outbox()
    for _ in range(3):
        refunds.execute_refund(*asked)
    assert len(asked) == 1
    assert at_paypal(payment) == TOTAL
    assert OutboxMessage.objects.filter(topic="mail.payment_refunded").count() == 1
    assert_books_agree(order)


def test_a_key_of_another_order_is_no_key_of_this_one(order, approve):
    other = paid_order(approve)
    key = ask_for(other, some(other, tea=1)).key
    with pytest.raises(Exception, match="unique"), transaction.atomic():
        ask_for(order, some(order, tea=1), key=key)


def test_what_was_seen_is_what_is_done_or_nothing(order):
    """A parcel leaves between the preview and the click: the tea could not come back into stock."""
    tea = tea_of(order)
    seen = plan_refund(order, some(order, tea=2)).digest
    fulfilment.ship(order.pk, carrier="sf", tracking_number="SF123", quantities={tea.pk: 1}, actor="mei")
    with pytest.raises(PlanChanged):
        ask_for(order, some(order, tea=2), seen=seen)
    assert not Refund.objects.exists()


def test_refunds_under_way_count_as_given(order):
    ask_for(order, some(order, tea=2))
    assert refundable_of(order).money == TOTAL - TEA
    with pytest.raises(TooMuch):
        ask_for(order, RefundRequest(amount=TOTAL))
    with pytest.raises(TooMuch):
        ask_for(order, some(order, tea=1))


# --- goods ---


def test_goods_that_were_not_sent_are_on_sale_again_and_out_of_shipping(order):
    tea = tea_of(order)
    before = tea.variant.on_hand
    ask_for(order, some(order, tea=1))
    tea.refresh_from_db()
    tea.variant.refresh_from_db()
    assert tea.withdrawn_quantity == 1
    assert tea.variant.on_hand == before + 1
    assert fulfilment.left_to_ship(order) == {tea: 1}
    with pytest.raises(fulfilment.NothingToShip):
        fulfilment.ship(order.pk, carrier="sf", tracking_number="SF1", quantities={tea.pk: 2}, actor="mei")


def test_two_refunds_of_one_line_are_two_returns(order):
    refunded = [give(order, some(order, tea=1)), give(order, some(order, tea=1))]
    rows = StockMovement.objects.filter(kind="return").values_list("hold", "quantity")
    assert set(rows) == {(refund.pk, 1) for refund in refunded}
    tea = tea_of(order)
    assert tea.variant.on_hand == 10
    assert fulfilment.left_to_ship(order) == {}


def test_sent_goods_stay_away_unless_staff_say_that_they_came_back(order):
    tea = tea_of(order)
    fulfilment.ship(order.pk, carrier="sf", tracking_number="SF1", quantities={tea.pk: 2}, actor="mei")
    give(order, some(order, tea=1))
    tea.refresh_from_db()
    assert tea.withdrawn_quantity == 0
    assert Variant.objects.get(pk=tea.variant_id).on_hand == 8
    give(order, some(order, tea=1, restock={tea.pk: 1}))
    assert Variant.objects.get(pk=tea.variant_id).on_hand == 9


def test_damaged_goods_that_were_not_sent_do_not_go_back_on_sale(order):
    tea = tea_of(order)
    give(order, some(order, tea=2, restock={tea.pk: 0}))
    assert Variant.objects.get(pk=tea.variant_id).on_hand == 8
    assert fulfilment.left_to_ship(order) == {}


def test_no_more_comes_back_into_stock_than_was_sold(order, gateway, monkeypatch):
    """A refused refund has put its goods back; refunding the same pieces anew does not do so twice."""
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "refund", lambda *_, **__: RefundRefused("NO"), raising=False)
        give(order, some(order, tea=2))
    tea = tea_of(order)
    with pytest.raises(TooMuch):
        ask_for(order, some(order, tea=2, restock={tea.pk: 2}))
    give(order, some(order, tea=2))
    assert Variant.objects.get(pk=tea.variant_id).on_hand == 10
    assert_books_agree(order)


def test_nothing_is_shipped_of_an_order_whose_money_is_all_gone(order):
    """Given back in the dashboard: nobody has said yet what will not be delivered."""
    with transaction.atomic():
        fulfilment.note_refund(Order.objects.lock(order.pk), TOTAL, {})
    order.refresh_from_db()
    assert fulfilment.left_to_ship(order) == {}


# --- whatever the order of things ---


@settings(
    max_examples=times(6, 50),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    acts_in_order=st.lists(
        st.tuples(
            st.sampled_from(
                ["tea", "service", "tea amount", "shipping", "goodwill", "dashboard", "too late"]
            ),
            st.integers(1, 900),
        ),
        min_size=2,
        max_size=7,
    )
)
def test_whatever_goes_back_in_whatever_order_the_books_agree(gateway, approve, acts_in_order):
    order = paid_order(approve)
    payment = order.payments.get()
    for what, number in acts_in_order:
        with suppress(TooMuch, NothingToRefund, dashboard.NotPossible):
            happen(order, payment, what, number)
        assert_books_agree(order)
        assert payment.refundable_amount >= 0
        assert at_paypal(payment) == order.refunded_total <= TOTAL


def happen(order, payment, what, number):
    amount = Decimal(number)
    match what:
        case "tea" | "service":
            give(order, some(order, **{what: 1 + number % 2}))
        case "tea amount":
            give(order, RefundRequest(amounts={tea_of(order).pk: amount / 10}))
        case "shipping":
            give(order, RefundRequest(shipping=amount / 100))
        case "goodwill":
            give(order, RefundRequest(amount=amount))
        case "dashboard":
            dashboard.dashboard_refund(payment.reference, amount)
            settlement.ask(payment)
        case "too late":
            ours = ask_for(order, refundable_of(order).everything())
            with suppress(dashboard.NotPossible):  # less is left
                dashboard.dashboard_refund(payment.reference, amount)
            refund_handler(ours.pk)
