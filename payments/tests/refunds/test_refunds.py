# ruff: noqa: F811  fixtures are imported by name
"""Money back by staff: by line, shipping fee or amount; once, never more than was taken, and what follows.

Against the stand-in's PayPal over HTTP.
"""

import datetime as dt
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
from payments.attempts import outcomes, settlement
from payments.attempts import services as attempts
from payments.gateways.base import Captured, GatewayError, Refunded, RefundRefused
from payments.mails import execute_refund as refund_handler
from payments.models import Dispute, LedgerEntry, Payment, Refund
from payments.models.payment import InvalidTransition
from payments.refunds import services as refunds
from payments.refunds.plan import (
    DisputeOpen,
    NothingChosen,
    NothingToRefund,
    RefundRequest,
    TooMuch,
    plan_refund,
    refundable_of,
)
from payments.sandbox.paypal import dashboard
from payments.tests.harness.refund_fixtures import (
    gateway,  # noqa: F401  fixtures
    order,  # noqa: F401  fixtures
    payment,  # noqa: F401  fixtures
)
from payments.tests.harness.refund_scenes import (
    SERVICE,
    SHIPPING,
    TEA,
    TOTAL,
    ask_for,
    assert_books_agree,
    at_paypal,
    give,
    paid_order,
    service_of,
    silent,
    some,
    tea_of,
)
from shop import clock
from shop.background import outbox
from shop.models import OutboxMessage
from shop.tests.harness.effort import times

pytest_plugins = ["payments.tests.harness.paypal_fixtures"]
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
    with pytest.raises(refunds.PlanChanged):
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


# --- the gateway does not answer, or refuses ---


@pytest.mark.failure("F45")
def test_a_refund_without_an_answer_is_unknown_and_repeated_with_the_same_key(
    order, payment, gateway, monkeypatch
):
    refund = ask_for(order, some(order, tea=2))
    with monkeypatch.context() as patch:
        asked = silent(gateway, patch, after_work=True)
        for _ in range(2):
            with pytest.raises(GatewayError):
                refunds.execute_refund(refund.pk)
    refund.refresh_from_db()
    assert refund.status == Refund.Status.CREATED
    assert payment.refundable_amount == TOTAL - TEA
    refunds.execute_refund(refund.pk)
    order.refresh_from_db()
    assert asked == [refund.key] * 2
    assert at_paypal(payment) == order.refunded_total == TEA
    assert_books_agree(order)


@pytest.mark.failure("F45")
def test_the_outbox_asks_again_within_five_minutes_however_long_it_lasts(order, gateway, monkeypatch):
    refund = ask_for(order, some(order, tea=2))
    message = OutboxMessage.objects.get(topic="payment.refund")
    waits = []
    with monkeypatch.context() as patch:
        asked = silent(gateway, patch)
        for _ in range(8):
            OutboxMessage.objects.exclude(pk=message.pk).delete()
            OutboxMessage.objects.update(due_at=clock.now() - dt.timedelta(seconds=1))
            assert outbox.deliver_next()
            message.refresh_from_db()
            waits.append((message.due_at - clock.now()).total_seconds())
    assert len(asked) == 8
    assert max(waits) <= 300
    OutboxMessage.objects.update(due_at=clock.now())
    outbox.deliver_next()
    refund.refresh_from_db()
    assert refund.status == Refund.Status.DONE


@pytest.mark.failure("F45")
def test_a_refund_that_is_unknown_for_a_day_calls_a_person_once(order, gateway, monkeypatch):
    refund = ask_for(order, some(order, tea=2))
    Refund.objects.update(started_at=clock.now() - dt.timedelta(hours=25))
    silent(gateway, monkeypatch)
    for _ in range(3):
        with pytest.raises(GatewayError):
            refunds.execute_refund(refund.pk)
    alarms = OutboxMessage.objects.filter(topic="mail.payment_alarm")
    assert [alarm.payload["note"].endswith("still unknown") for alarm in alarms] == [True]


def refused(order, wanted, gateway, monkeypatch, code="REFUND_FAILED_INSUFFICIENT_FUNDS"):
    refund = ask_for(order, wanted)
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "refund", lambda *_, **__: RefundRefused(code), raising=False)
        refunds.execute_refund(refund.pk)
    refund.refresh_from_db()
    return refund


def test_a_refused_refund_moves_nothing_and_calls_a_person_who_can_try_again_once(
    order, payment, gateway, monkeypatch
):
    refund = refused(order, some(order, tea=2, shipping=SHIPPING), gateway, monkeypatch)
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (refund.status, refund.problem) == ("failed", "REFUND_FAILED_INSUFFICIENT_FUNDS")
    assert payment.needs_attention
    assert order.refunded_total == 0
    assert OutboxMessage.objects.filter(topic="mail.payment_alarm").count() == 1
    assert refunds.can_be_retried(refund)

    again = {refunds.retry_refund(refund, actor="mei").pk for _ in range(3)}
    assert not refunds.can_be_retried(refund)
    refunds.execute_refund(*again)
    order.refresh_from_db()
    payment.refresh_from_db()
    assert order.refunded_total == at_paypal(payment) == TEA + SHIPPING
    assert tea_of(order).is_refunded
    assert (payment.needs_attention, payment.problem) == (False, "")
    assert StockMovement.objects.filter(kind="return").count() == 1
    assert_books_agree(order)


def test_only_what_was_definitely_refused_is_tried_under_a_new_key(order):
    refund = ask_for(order, some(order, tea=2))
    with pytest.raises(refunds.NotRefused):
        refunds.retry_refund(refund, actor="mei")
    refunds.execute_refund(refund.pk)
    with pytest.raises(refunds.NotRefused):
        refunds.retry_refund(refund, actor="mei")


def test_what_has_gone_back_otherwise_meanwhile_is_not_tried_again(order, gateway, monkeypatch):
    refund = refused(order, some(order, tea=2), gateway, monkeypatch)
    give(order, some(order, tea=1))
    with pytest.raises(TooMuch):
        refunds.retry_refund(refund, actor="mei")


def test_the_gateway_has_the_last_word_about_a_refund_that_it_refused_first(order, gateway, monkeypatch):
    refund = refused(order, some(order, tea=2), gateway, monkeypatch)
    with transaction.atomic():
        refunds.record_done(refund, Refunded("R-LATE", TEA, "HKD"))
    assert_books_agree(order)
    with pytest.raises(InvalidTransition):
        Refund.objects.get().move_to(Refund.Status.CREATED)


@pytest.mark.parametrize(
    ("old", "new"),
    [(old, new) for old in Refund.Status for new in Refund.Status if new not in Refund.TRANSITIONS[old]],
)
def test_a_forbidden_move_of_a_refund_is_refused(order, old, new):
    refund = ask_for(order, some(order, tea=1))
    Refund.objects.update(status=old)
    refund.refresh_from_db()
    with pytest.raises(InvalidTransition):
        refund.move_to(new)
    refund.refresh_from_db()
    assert refund.status == old


def test_the_whole_of_an_untouched_capture_may_be_undone_at_every_repetition_alike(
    order, payment, gateway, monkeypatch
):
    told = []

    def listen(*_, captured_at=None, **__):
        told.append(captured_at)
        raise GatewayError("timeout")

    monkeypatch.setattr(gateway, "refund", listen, raising=False)
    whole = ask_for(order, refundable_of(order).everything())
    for _ in range(2):
        with pytest.raises(GatewayError):
            refunds.execute_refund(whole.pk)
        Refund.objects.create(
            payment=payment, origin="gateway", amount=1, status="done", started_at=clock.now()
        )
    assert told == [payment.captured_at] * 2


def test_a_part_and_what_is_left_after_it_are_never_undone(order, payment, gateway, monkeypatch):
    give(order, some(order, tea=1))
    told = []
    does = gateway.refund

    def listen(*args, captured_at=None, **details):
        told.append(captured_at)
        return does(*args, **details)

    monkeypatch.setattr(gateway, "refund", listen, raising=False)
    give(order, refundable_of(order).everything())
    assert told == [None]


# --- made at the gateway ---


@pytest.mark.failure("F43")
def test_refunds_of_the_dashboard_in_parts_are_mirrored_once_each_with_a_mail(order, payment):
    dashboard.dashboard_refund(payment.reference, Decimal("100.00"))
    dashboard.dashboard_refund(payment.reference, Decimal("50.00"))
    for _ in range(3):
        assert settlement.ask(payment)
    order.refresh_from_db()
    assert order.refunded_total == 150
    assert order.shown_status == "Partly refunded"
    assert {refund.origin for refund in Refund.objects.all()} == {"gateway"}
    assert OutboxMessage.objects.filter(topic="mail.payment_refunded").count() == 2
    assert_books_agree(order)


@pytest.mark.failure("F43")
def test_staff_say_what_a_refund_of_the_dashboard_was_for_and_no_money_moves(order, payment):
    dashboard.dashboard_refund(payment.reference, SERVICE + SHIPPING)
    settlement.ask(payment)
    refund = Refund.objects.get()
    refunds.explain_refund(refund, some(order, service=2, shipping=SHIPPING), actor="mei")
    order.refresh_from_db()
    assert service_of(order).is_refunded
    assert not tea_of(order).refunded_total
    assert order.refunded_total == at_paypal(payment) == SERVICE + SHIPPING
    assert_books_agree(order)
    with pytest.raises(NothingToRefund):
        refunds.explain_refund(refund, some(order, tea=1), actor="mei")
    with pytest.raises(TooMuch):
        plan_refund(order, RefundRequest(shipping=Decimal(1)))


@pytest.mark.failure("F43")
def test_goods_of_a_refund_of_the_dashboard_are_back_in_stock_once_it_is_explained(order, payment):
    dashboard.dashboard_refund(payment.reference)
    settlement.ask(payment)
    refund = Refund.objects.get()
    with pytest.raises(TooMuch):
        refunds.explain_refund(refund, some(order, tea=3), actor="mei")
    refunds.explain_refund(refund, some(order, tea=2, service=2, shipping=SHIPPING), actor="mei")
    tea = tea_of(order)
    assert (tea.withdrawn_quantity, tea.variant.on_hand) == (2, 10)
    assert_books_agree(order)


@pytest.mark.failure("F43")
def test_ours_and_the_dashboards_at_once_never_give_back_more_than_was_taken(order, payment):
    """Ours was asked for, but the dashboard was faster: ours is refused, the other one booked."""
    ours = ask_for(order, refundable_of(order).everything())
    dashboard.dashboard_refund(payment.reference, Decimal("100.00"))
    refund_handler(ours.pk)
    ours.refresh_from_db()
    order.refresh_from_db()
    payment.refresh_from_db()
    assert ours.status == Refund.Status.FAILED
    assert order.refunded_total == at_paypal(payment) == 100
    assert payment.needs_attention
    assert_books_agree(order)


@pytest.mark.failure("F43", "F45")
def test_our_refund_that_is_found_at_the_gateway_before_its_answer_came_is_booked_as_ours(
    order, payment, gateway, monkeypatch
):
    ours = ask_for(order, some(order, tea=2))
    with monkeypatch.context() as patch:
        silent(gateway, patch, after_work=True)
        with pytest.raises(GatewayError):
            refunds.execute_refund(ours.pk)
    settlement.ask(payment)
    refunds.execute_refund(ours.pk)
    refund = Refund.objects.get()
    assert (refund.pk, refund.status) == (ours.pk, "done")
    assert tea_of(order).is_refunded
    assert_books_agree(order)


@pytest.mark.failure("F44")
def test_money_that_the_bank_took_back_is_booked_as_that_and_the_buyer_gets_no_refund_mail(order, payment):
    dashboard.reversal(payment.reference)
    settlement.ask(payment)
    order.refresh_from_db()
    assert order.is_refunded
    assert LedgerEntry.objects.get(amount__lt=0).kind == "reversal"
    assert not OutboxMessage.objects.filter(topic="mail.payment_refunded").exists()
    assert_books_agree(order)


# --- money that pays no order ---


def mismatched(order, gateway, approve, monkeypatch, **lie) -> Payment:
    """A second payment of another amount or currency, for an order that may still be open."""
    payment = order.payments.get()
    real = gateway.fetch(attempts.purchase_of(payment))
    assert isinstance(real, Captured)
    Payment.objects.filter(pk=payment.pk).update(status="awaiting", pays_order=False, captured_at=None)
    LedgerEntry.objects.all().delete()
    Order.objects.update(status="pending", paid_at=None)
    outcomes.record(payment, Captured(real.reference, real.our_reference, **lie))
    payment.refresh_from_db()
    return payment


@pytest.mark.failure("F40")
@pytest.mark.parametrize("status", ["under_review", "expired", "cancelled"])
def test_money_that_does_not_match_goes_back_as_it_came_when_a_person_says_so(
    order, gateway, approve, monkeypatch, status
):
    payment = mismatched(
        order, gateway, approve, monkeypatch, amount=TOTAL - 1, currency="HKD", payee_matches=True
    )
    assert payment.needs_attention
    Order.objects.update(status=status)
    key = uuid.uuid4().hex
    for _ in range(3):
        refund = refunds.return_unused(payment, key=key, actor="mei")
    refunds.execute_refund(refund.pk)
    order.refresh_from_db()
    payment.refresh_from_db()
    assert refund.amount == at_paypal(payment) == TOTAL - 1
    assert (payment.needs_attention, payment.problem) == (False, "")
    assert order.refunded_total == 0
    assert order.status == ("pending" if status == "under_review" else status)
    assert not OutboxMessage.objects.filter(topic="mail.payment_denied").exists()
    with pytest.raises(NothingToRefund):
        refunds.return_unused(payment, key=uuid.uuid4().hex, actor="mei")


def test_money_that_pays_an_order_is_no_unused_money(order, payment):
    with pytest.raises(NothingToRefund):
        refunds.return_unused(payment, key=uuid.uuid4().hex, actor="mei")


def test_unused_money_under_complaint_waits(order, payment):
    Payment.objects.update(pays_order=False)
    Dispute.objects.create(
        payment=payment, reference="PP-1", reason="X", status="OPEN", opened_at=clock.now()
    )
    with pytest.raises(DisputeOpen):
        refunds.return_unused(payment, key=uuid.uuid4().hex, actor="mei")


# --- whatever the order of things ---


@settings(
    max_examples=times(12, 200),
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
