"""Refunds that were made at the gateway, and money that pays no order."""

import uuid
from decimal import Decimal

import pytest

from checkout.models import Order
from checkout.shipping import fulfilment
from payments.attempts import outcomes, settlement
from payments.attempts import services as attempts
from payments.gateways.base import Captured, GatewayError, RefundRefused
from payments.mails import execute_refund as refund_handler
from payments.models import Dispute, LedgerEntry, Payment, Refund
from payments.refunds import explanations
from payments.refunds import services as refunds
from payments.refunds.plan import (
    DisputeOpen,
    NothingToRefund,
    RefundRequest,
    TooMuch,
    explanation_digest,
    plan_refund,
    refundable_of,
)
from payments.sandbox.paypal import dashboard
from payments.tests.harness.refund_scenes import (
    SERVICE,
    SHIPPING,
    TOTAL,
    ask_for,
    assert_books_agree,
    at_paypal,
    give,
    service_of,
    silent,
    some,
    tea_of,
)
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


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
    explanations.explain_refund(refund, some(order, service=2, shipping=SHIPPING), actor="mei")
    order.refresh_from_db()
    assert service_of(order).is_refunded
    assert not tea_of(order).refunded_total
    assert order.refunded_total == at_paypal(payment) == SERVICE + SHIPPING
    assert_books_agree(order)
    with pytest.raises(NothingToRefund):
        explanations.explain_refund(refund, some(order, tea=1), actor="mei")
    with pytest.raises(TooMuch):
        plan_refund(order, RefundRequest(shipping=Decimal(1)))


@pytest.mark.failure("F43")
def test_goods_of_a_refund_of_the_dashboard_are_back_in_stock_once_it_is_explained(order, payment):
    dashboard.dashboard_refund(payment.reference)
    settlement.ask(payment)
    refund = Refund.objects.get()
    with pytest.raises(TooMuch):
        explanations.explain_refund(refund, some(order, tea=3), actor="mei")
    explanations.explain_refund(refund, some(order, tea=2, service=2, shipping=SHIPPING), actor="mei")
    tea = tea_of(order)
    assert (tea.withdrawn_quantity, tea.variant.on_hand) == (2, 10)
    assert_books_agree(order)


@pytest.mark.failure("F43")
@pytest.mark.parametrize("other", ["shipped", "tried again"])
def test_what_another_refund_did_not_withdraw_is_delivered_once_an_explanation_is_taken_back(
    order, payment, gateway, monkeypatch, other
):
    """Pieces that had been shipped are paid back, or those of a refused one and its retry: one piece."""
    dashboard.dashboard_refund(payment.reference, Decimal("168.00"))
    settlement.ask(payment)
    refund = Refund.objects.get()
    explanations.explain_refund(refund, some(order, tea=1), actor="mei")
    withdrawn = 0
    if other == "shipped":
        pieces = {tea_of(order).pk: 1}
        fulfilment.ship(order.pk, carrier="sf", tracking_number="SF1", quantities=pieces, actor="mei")
        give(order, some(order, tea=1))
    else:
        withdrawn = 1
        with monkeypatch.context() as patch:
            patch.setattr(gateway, "refund", lambda *_, **__: RefundRefused("NO_BALANCE"), raising=False)
            refused = give(order, some(order, tea=1))
        refunds.retry_refund(refused, actor="mei")
    assert tea_of(order).withdrawn_quantity == withdrawn + 1
    explanations.take_back_explanation(refund, actor="mei", seen=explanation_digest(refund))
    assert tea_of(order).withdrawn_quantity == withdrawn
    assert fulfilment.left_to_ship(order) == {tea_of(order): 1}


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
