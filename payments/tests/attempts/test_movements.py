"""Money that leaves us without our asking: mirrored once, noted on the order, told to whom it concerns."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from functools import partial
from threading import Barrier

import pytest
from django.db import connection
from django.utils.translation import override

from payments.attempts import movements, settlement
from payments.attempts import services as attempts
from payments.gateways.base import GatewayError, Movement
from payments.health import report
from payments.models import LedgerEntry, Payment, Refund
from payments.refunds import services as refunds
from payments.sandbox import store
from payments.sandbox.paypal import dashboard
from payments.tests.harness.paypal_scenes import awaiting, books, deliver, history, order_of, sent, take
from shop import clock

pytestmark = pytest.mark.django_db

Origin, Status = Refund.Origin, Refund.Status


def follow(payment: Payment) -> None:
    payment.refresh_from_db()
    movements.sync_movements(payment)
    payment.refresh_from_db()


def our_refund(payment: Payment, amount: str) -> Refund:
    """Stored, not yet done."""
    return Refund.objects.create(
        payment=payment, amount=Decimal(amount), key=uuid.uuid4().hex, started_at=clock.now()
    )


def test_a_payment_of_which_nothing_moved_stays_as_it_is(payment):
    before = (books(payment), history(payment))
    follow(payment)

    assert (books(payment), history(payment)) == before
    assert not Refund.objects.exists()


@pytest.mark.failure("F43")
def test_refunds_from_the_dashboard_are_mirrored_once_each(payment):
    total = payment.amount
    dashboard.dashboard_refund(payment.reference, Decimal("100.00"))
    for _ in range(3):
        follow(payment)
    assert order_of(payment).refunded_total == Decimal(100)
    assert not order_of(payment).is_refunded

    dashboard.dashboard_refund(payment.reference)
    for _ in range(3):
        follow(payment)

    rest = total - 100
    assert books(payment) == [("capture", str(total)), ("refund", "-100.00"), ("refund", f"-{rest}")]
    assert order_of(payment).is_refunded
    rows = Refund.objects.order_by("id")
    assert [(row.origin, row.status, row.reason) for row in rows] == [(Origin.GATEWAY, Status.DONE, "")] * 2
    assert {row.reference for row in rows} == set(
        LedgerEntry.objects.filter(kind="refund").values_list("reference", flat=True)
    )
    assert sent("mail.payment_refunded") == 2
    assert sent("mail.payment_alarm") == 0
    assert not payment.needs_attention


@pytest.mark.failure("F44")
@pytest.mark.parametrize("part", [Decimal("100.00"), None])
def test_a_reversal_is_booked_and_told_to_staff_not_to_the_customer(payment, part):
    taken = part or payment.amount
    dashboard.reversal(payment.reference, part)
    for _ in range(2):
        follow(payment)

    assert books(payment)[1:] == [("reversal", f"-{taken}")]
    assert Refund.objects.get().origin == Origin.REVERSAL
    assert order_of(payment).refunded_total == taken
    assert payment.needs_attention
    assert sent("mail.payment_alarm") == 1
    assert sent("mail.payment_refunded") == 0
    assert sum("were taken back" in note for note in history(payment)) == 1


@pytest.mark.failure("F44")
@pytest.mark.parametrize("sign", sorted(dashboard.SIGNS))
def test_a_reversal_is_known_by_any_of_its_signs(payment, inbox, client, hosts, sign):
    taken = dashboard.reversal(payment.reference, Decimal("100.00"), sign)["refund"]
    event = "PAYMENT.CAPTURE.REVERSED" if sign == "webhook" else "PAYMENT.CAPTURE.REFUNDED"
    for _ in range(2):
        take(*inbox(event, taken))
    payment.refresh_from_db()

    assert books(payment)[1:] == [("reversal", "-100.00")]
    assert Refund.objects.get().origin == Origin.REVERSAL
    assert (payment.needs_attention, sent("mail.payment_alarm"), sent("mail.payment_refunded")) == (
        True,
        1,
        0,
    )
    written = f"100.00 HKD were taken back ({taken})"
    assert history(payment).count(f"{payment.reference}: {written}") == 1
    for language, to_buyer, to_merchant, note, origin in [
        (
            "en",
            "Taken back by the payment service",
            "Payment {} of order {}: {}",
            written,
            "taken back by the gateway",
        ),
        (
            "zh-hant",
            "支付服務已取回",
            "訂單{1}的付款{0}:{2}",
            f"100.00 HKD已被取回（{taken}）",
            "由支付閘道收回",
        ),
    ]:
        with override(language):
            assert to_buyer in client.get(payment.order.get_absolute_url()).content.decode()
            (check,) = report.checks("attention")
            told = to_merchant.format(payment.reference, payment.order.number, note)
            assert [each.text for each in check.findings] == [told]
            assert Refund.objects.get().get_origin_display() == origin


@pytest.mark.failure("F44", "F36")
def test_a_reversal_whose_only_sign_comes_late_is_corrected_and_never_mailed_as_our_refund(
    payment, inbox, travel, mailoutbox
):
    """Before its notification it looks like a refund made at PayPal: the mail about it waits for that."""
    taken = dashboard.reversal(payment.reference, Decimal("100.00"), "webhook")["refund"]
    follow(payment)
    assert Refund.objects.get().origin == Origin.GATEWAY
    deliver("mail.payment_refunded")
    assert mailoutbox == []

    for _ in range(2):
        take(*inbox("PAYMENT.CAPTURE.REVERSED", taken))
    payment.refresh_from_db()
    assert Refund.objects.get().origin == Origin.REVERSAL
    assert (payment.needs_attention, sent("mail.payment_alarm")) == (True, 1)
    assert order_of(payment).refunded_total == Decimal(100)
    travel(days=1)
    deliver("mail.payment_refunded")
    assert mailoutbox == []


@pytest.mark.failure("F43")
def test_a_refund_of_the_dashboard_is_mailed_when_paypal_calls_it_one_or_after_an_hour(
    payment, inbox, travel, mailoutbox
):
    told = dashboard.dashboard_refund(payment.reference, Decimal("10.00"))["refund"]
    take(*inbox("PAYMENT.CAPTURE.REFUNDED", told))
    deliver("mail.payment_refunded")
    assert len(mailoutbox) == 1

    seen_before = dashboard.dashboard_refund(payment.reference, Decimal("20.00"))["refund"]
    follow(payment)  # as the notification about the capture does, which may come in between
    deliver("mail.payment_refunded")
    assert len(mailoutbox) == 1
    take(*inbox("PAYMENT.CAPTURE.REFUNDED", seen_before))
    deliver("mail.payment_refunded")
    assert len(mailoutbox) == 2

    dashboard.dashboard_refund(payment.reference, Decimal("30.00"))
    follow(payment)
    deliver("mail.payment_refunded")
    assert len(mailoutbox) == 2
    travel(minutes=61)
    deliver("mail.payment_refunded")
    assert len(mailoutbox) == 3


@pytest.mark.failure("F43", "F44")
def test_an_earlier_refund_stays_one_when_the_rest_is_charged_back(payment, inbox):
    ours = dashboard.dashboard_refund(payment.reference, Decimal("10.00"))["refund"]
    take(*inbox("PAYMENT.CAPTURE.REFUNDED", ours))
    theirs = dashboard.reversal(payment.reference, None, "reason")["refund"]
    take(*inbox("PAYMENT.CAPTURE.REFUNDED", theirs))

    origins = dict(Refund.objects.values_list("reference", "origin"))
    assert origins == {ours: Origin.GATEWAY, theirs: Origin.REVERSAL}


def test_each_of_two_equal_reversals_is_told_to_staff(payment):
    dashboard.reversal(payment.reference, Decimal(10))
    follow(payment)
    dashboard.reversal(payment.reference, Decimal(10))
    follow(payment)

    assert sent("mail.payment_alarm") == 2
    assert order_of(payment).refunded_total == 20


@pytest.mark.failure("F45")
def test_our_refund_whose_answer_was_lost_is_found_and_done_once(payment, shop):
    refund = our_refund(payment, "100.00")
    shop.refund(
        attempts.purchase_of(payment),
        payment.capture_reference,
        refund.amount,
        key=refund.key,
        started_at=refund.started_at,
    )
    follow(payment)
    refund.refresh_from_db()
    assert (refund.status, Refund.objects.count()) == (Status.DONE, 1)

    refunds.execute_refund(refund.pk)
    follow(payment)

    assert books(payment)[1:] == [("refund", "-100.00")]
    assert order_of(payment).refunded_total == 100
    assert sent("mail.payment_refunded") == 1


@pytest.mark.failure("F45")
def test_our_refund_that_is_repeated_after_it_was_found_pays_once(payment, shop):
    refund = our_refund(payment, "100.00")
    refunds.execute_refund(refund.pk)
    for _ in range(2):
        follow(payment)

    assert books(payment)[1:] == [("refund", "-100.00")]
    assert Refund.objects.count() == 1
    assert sent("mail.payment_refunded") == 1


@pytest.mark.failure("F43")
@pytest.mark.parametrize("order_of_events", ["mirrored first", "refused first"])
def test_our_refund_and_one_from_the_dashboard_at_once_never_give_back_more_than_was_taken(
    payment, order_of_events
):
    refund = our_refund(payment, str(payment.amount))
    dashboard.dashboard_refund(payment.reference)
    if order_of_events == "mirrored first":
        follow(payment)
    refunds.execute_refund(refund.pk)
    follow(payment)

    refund.refresh_from_db()
    assert (refund.status, refund.problem) == (Status.FAILED, "CAPTURE_FULLY_REFUNDED")
    assert books(payment)[1:] == [("refund", f"-{payment.amount}")]
    assert order_of(payment).refunded_total == payment.amount
    assert sent("mail.payment_refunded") == 1
    assert any("CAPTURE_FULLY_REFUNDED" in note for note in history(payment))


def test_a_second_refund_under_a_key_that_paypal_had_forgotten_is_not_overlooked(payment, shop, monkeypatch):
    refund = our_refund(payment, "100.00")
    refunds.execute_refund(refund.pk)
    twin = Movement("2TWIN", "refund", Decimal("100.00"), payment.currency, refund.key)
    told = shop.movements(attempts.purchase_of(payment), payment.capture_reference)
    monkeypatch.setattr(type(shop), "movements", lambda *_: (*told, twin))
    follow(payment)

    assert books(payment)[1:] == [("refund", "-100.00")] * 2


@pytest.mark.failure("F40")
@pytest.mark.parametrize("lie", [{"currency": "USD"}, {"amount": Decimal("99999.00")}])
def test_money_that_cannot_be_ours_is_not_booked_and_a_person_is_called_once(payment, shop, monkeypatch, lie):
    honest = Movement("1FOREIGN", "refund", Decimal("10.00"), payment.currency)
    monkeypatch.setattr(type(shop), "movements", lambda *_: (replace(honest, **lie),))
    for _ in range(3):
        follow(payment)

    assert len(books(payment)) == 1
    assert not Refund.objects.exists()
    assert payment.needs_attention
    assert sent("mail.payment_alarm") == 1
    assert sum("does not match" in note for note in history(payment)) == 1


def test_a_gateway_that_cannot_be_asked_changes_nothing(payment, shop, monkeypatch):
    def fail(*_):
        raise GatewayError("TIMEOUT")

    monkeypatch.setattr(type(shop), "movements", fail)
    before = history(payment)
    with pytest.raises(GatewayError):
        follow(payment)

    assert not settlement.ask(payment)
    assert history(payment) == before


def test_a_dashboard_refund_of_money_that_pays_no_order_touches_no_order(payment, shop, approve):
    payment.pays_order = False
    payment.save(update_fields=["pays_order"])
    dashboard.dashboard_refund(payment.reference)
    follow(payment)

    assert books(payment)[1:] == [("refund", f"-{payment.amount}")]
    assert order_of(payment).refunded_total == 0


# --- at once


def all_at_once(*acts_of_threads):
    barrier = Barrier(len(acts_of_threads))

    def run(act):
        barrier.wait()
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts_of_threads)) as pool:
        return [future.result() for future in [pool.submit(run, act) for act in acts_of_threads]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.failure("F43")
def test_a_refund_that_six_workers_hear_of_at_once_is_mirrored_once(payment):
    dashboard.dashboard_refund(payment.reference, Decimal(100))
    all_at_once(*[partial(movements.sync_movements, payment)] * 6)

    assert books(payment)[1:] == [("refund", "-100.00")]
    assert order_of(payment).refunded_total == 100
    assert sent("mail.payment_refunded") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.failure("F43", "F45")
@pytest.mark.parametrize("elsewhere", ["0", "100.00"])
def test_our_refund_and_its_mirror_and_the_dashboard_at_once_book_what_paypal_did(payment, elsewhere):
    refund = our_refund(payment, "50.00")
    work = [partial(movements.sync_movements, payment)] * 3 + [partial(refunds.execute_refund, refund.pk)] * 2
    if Decimal(elsewhere):
        work.append(partial(dashboard.dashboard_refund, payment.reference, Decimal(elsewhere)))
    all_at_once(*work)
    follow(payment)

    assert -sum(entry.amount for entry in payment.ledger.exclude(kind="capture")) == 50 + Decimal(elsewhere)
    assert order_of(payment).refunded_total == 50 + Decimal(elsewhere)
    assert Refund.objects.filter(status=Status.DONE).count() == sent("mail.payment_refunded")
    assert not payment.needs_attention


# --- told by notifications


@pytest.mark.failure("F43")
def test_a_notification_of_a_dashboard_refund_has_it_mirrored(payment, inbox):
    dashboard.dashboard_refund(payment.reference, Decimal("100.00"))
    headers, body = inbox("PAYMENT.CAPTURE.REFUNDED", payment.capture_reference)
    for _ in range(2):
        event = take(headers, body)

    assert (event.kind, event.payment, event.is_verified) == ("PAYMENT.CAPTURE.REFUNDED", payment, True)
    assert event.processed_at
    assert books(payment)[1:] == [("refund", "-100.00")]


@pytest.mark.failure("F44")
def test_a_notification_of_a_reversal_has_it_mirrored(payment, inbox):
    dashboard.reversal(payment.reference)
    take(*inbox("PAYMENT.CAPTURE.REVERSED", payment.capture_reference))

    assert books(payment)[1:] == [("reversal", f"-{payment.amount}")]


@pytest.mark.failure("F36")
def test_a_refund_that_is_told_before_its_capture_ends_as_told_in_order(shop, approve, inbox):
    started = awaiting()
    approve(started.approve_url)
    shop.capture(attempts.purchase_of(started))
    dashboard.dashboard_refund(started.reference, Decimal("100.00"))
    take(*inbox("PAYMENT.CAPTURE.REFUNDED", _capture_of(started)))
    take(*inbox("PAYMENT.CAPTURE.COMPLETED", started.reference))
    take(*inbox("CHECKOUT.ORDER.APPROVED", started.gateway_id))

    assert books(started) == [("capture", str(started.amount)), ("refund", "-100.00")]
    order = order_of(started)
    assert (order.is_paid, order.refunded_total) == (True, 100)


def _capture_of(payment: Payment) -> str:
    return store.get("paypal-order", payment.gateway_id)["captures"][0]
