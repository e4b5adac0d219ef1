"""Asking to cancel a paid order: by rule, once, held until answered, answered in the order's language."""

import pytest
from django.core import mail
from django.db import connection

from checkout.models import CancellationRequest, Order, Shipment
from checkout.orders import cancellations
from checkout.shipping import fulfilment
from checkout.tests.history_scenes import progress, texts
from checkout.tests.scenes import make_cart, make_goods, pay, place
from shop import clock
from shop.models import OutboxMessage
from shop.tests.harness.effort import times
from shop.tests.harness.races import at_once, nothing_is_locked, while_held_in

pytestmark = pytest.mark.django_db

REASON = "canary-reason-6630"
State = CancellationRequest.State


@pytest.fixture
def order():
    return pay(place(make_cart((make_goods(), 2)), language="zh-hant"))


def fresh(order):
    return Order.objects.get(pk=order.pk)


def ship(order, quantity=1):
    line = order.lines.get()
    return fulfilment.ship(
        order.pk, carrier="sf", tracking_number="SF1", quantities={line.pk: quantity}, actor="boss"
    )


def test_any_number_of_clicks_make_one_request_and_one_mail_to_the_merchant(order, deliver_outbox):
    deliver_outbox()
    mail.outbox.clear()
    requests = {cancellations.request_cancellation(order.pk, reason=REASON).pk for _ in range(3)}
    assert len(requests) == 1
    deliver_outbox()
    (message,) = mail.outbox
    assert message.to == ["merchant@shop.example"]
    assert REASON in message.body
    assert REASON not in str(list(OutboxMessage.objects.values_list("payload", flat=True)))


def test_who_gives_no_reason_is_stored_without_one(order):
    request = CancellationRequest.objects.create(order=order, asked_at=clock.now())
    request.refresh_from_db()
    assert request.reason == ""


def test_nothing_is_shipped_until_the_request_is_answered(order):
    request = cancellations.request_cancellation(order.pk)
    assert progress(order) == (("On hold",), {"Parcels": "On hold"})
    with pytest.raises(fulfilment.OnHold):
        ship(order)
    cancellations.decline(request, actor="boss", answer="It is packed.")
    assert progress(order)[0] == ("Processing",)
    ship(order)


def test_a_hold_of_the_staff_outlives_a_declined_request(order):
    fulfilment.set_hold(order.pk, on_hold=True, actor="boss")
    cancellations.decline(cancellations.request_cancellation(order.pk), actor="boss", answer="No.")
    assert fresh(order).on_hold


def test_only_what_no_parcel_holds_can_be_cancelled(order):
    ship(order, 1)
    ((_line, quantity),) = cancellations.offer_of(fresh(order)).lines
    assert quantity == 1
    ship(order, 1)
    offer = cancellations.offer_of(fresh(order))
    assert [reason for _line, reason in offer.excluded] == ["It has been shipped."]
    with pytest.raises(cancellations.NotCancellable):
        cancellations.request_cancellation(order.pk)
    assert not CancellationRequest.objects.exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "expired"}, "This order is not paid."),
        ({"is_disputed": True}, "You have complained at the payment service"),
        ({"refunded_total": "366.00"}, "All the money of this order has gone back."),
    ],
)
def test_the_rule_says_why_nothing_can_be_cancelled(order, change, why):
    Order.objects.filter(pk=order.pk).update(**change)
    assert cancellations.offer_of(fresh(order)).why_not.startswith(why)
    with pytest.raises(cancellations.NotCancellable):
        cancellations.request_cancellation(order.pk)


def test_a_declined_request_cannot_be_repeated_to_hold_the_order_up(order):
    cancellations.decline(cancellations.request_cancellation(order.pk), actor="boss", answer="No.")
    with pytest.raises(cancellations.NotCancellable):
        cancellations.request_cancellation(order.pk)
    assert "customer service" in cancellations.offer_of(fresh(order)).why_not


@pytest.mark.parametrize(
    ("answer", "subject", "sentence"),
    [
        (cancellations.accept, "您的取消申請", "您的取消申請已獲接納。"),
        (cancellations.decline, "您的取消申請", "您的取消申請未獲接納。"),
    ],
)
def test_the_answer_is_mailed_once_in_the_language_of_the_order(
    order, deliver_outbox, answer, subject, sentence
):
    request = cancellations.request_cancellation(order.pk)
    deliver_outbox()
    mail.outbox.clear()
    answer(request, actor="boss", answer="多謝您的查詢。")
    with pytest.raises(cancellations.AlreadyAnswered):
        answer(request, actor="boss", answer="Once more.")
    deliver_outbox()
    (message,) = mail.outbox
    assert message.to == ["mei@example.com"]
    assert subject in message.subject
    assert sentence in message.body
    assert "多謝您的查詢。" in message.body


def test_an_accepted_order_stays_on_hold_until_a_person_lets_it_go(order):
    cancellations.accept(cancellations.request_cancellation(order.pk), actor="boss")
    with pytest.raises(fulfilment.OnHold):
        ship(order)
    assert "Its cancellation has been accepted." in [
        why for _line, why in cancellations.offer_of(fresh(order)).excluded
    ]
    assert texts(order)[-2:] == ["You asked to cancel.", "Your request to cancel was accepted."]


# --- pages ---


@pytest.fixture
def buyer(client, order):
    client.post(order.get_absolute_url(), {"email": "mei@example.com"})
    return client


def url_of(order):
    return f"/en/order/{order.token}/request-cancellation/"


def test_the_buyer_asks_on_a_page_and_reads_there_what_follows(buyer, order):
    assert url_of(order) in buyer.get(f"/en/order/{order.token}/").content.decode()
    assert "Test tea × 2" in buyer.get(url_of(order)).content.decode()
    assert buyer.post(url_of(order), {"reason": REASON}).status_code == 302
    page = buyer.get(f"/en/order/{order.token}/").content.decode()
    assert "The merchant will answer by e-mail." in page
    assert url_of(order) not in page
    assert buyer.get(url_of(order)).status_code == 302


def test_too_long_a_reason_is_told_and_nothing_typed_is_lost(buyer, order):
    page = buyer.post(url_of(order), {"reason": "long " * 120 + "canary-end"}).content.decode()
    assert "at most 500" in page
    assert "canary-end" in page
    assert not CancellationRequest.objects.exists()


def test_what_was_shipped_in_the_meantime_is_refused_with_the_reason(buyer, order):
    buyer.get(url_of(order))
    ship(order, 2)
    page = buyer.post(url_of(order), {"reason": ""}).content.decode()
    assert "It has been shipped." in page
    assert not CancellationRequest.objects.exists()


def answer_url(order):
    return f"/en/admin/checkout/order/{order.pk}/cancellation/"


def test_the_merchant_finds_the_request_and_declines_with_a_text(merchant, order):
    cancellations.request_cancellation(order.pk, reason=REASON)
    listed = merchant.get("/en/admin/checkout/order/?work=cancellation").content.decode()
    assert order.number in listed
    assert order.number not in merchant.get("/en/admin/checkout/order/?work=to-ship").content.decode()
    assert answer_url(order) in merchant.get(f"/en/admin/checkout/order/{order.pk}/change/").content.decode()
    assert REASON in merchant.get(answer_url(order)).content.decode()
    refused = merchant.post(answer_url(order), {"action": "decline", "answer": ""}).content.decode()
    assert "Please tell the customer why" in refused
    assert CancellationRequest.objects.get().state == State.OPEN
    assert merchant.post(answer_url(order), {"action": "decline", "answer": "Packed."}).status_code == 302
    request = CancellationRequest.objects.get()
    assert (request.state, request.answer, request.answered_by) == (State.DECLINED, "Packed.", "merchant")
    assert merchant.post(answer_url(order), {"action": "accept", "answer": ""}).status_code == 302
    request.refresh_from_db()
    assert request.state == State.DECLINED


def test_an_answer_is_to_the_request_that_was_read(merchant, order):
    first = cancellations.request_cancellation(order.pk)
    page = merchant.get(answer_url(order)).content.decode()
    assert f'name="asked" value="{first.pk}"' in page
    cancellations.accept(first, actor="colleague")
    second = CancellationRequest.objects.create(order=order, asked_at=clock.now())
    answer = {"action": "decline", "answer": "Packed."}
    told = merchant.post(answer_url(order), answer | {"asked": first.pk}, follow=True).content.decode()
    assert "has been answered already" in told
    second.refresh_from_db()
    assert second.state == State.OPEN
    merchant.post(answer_url(order), answer | {"asked": second.pk})
    second.refresh_from_db()
    assert second.state == State.DECLINED


@pytest.mark.parametrize("method", ["get", "post"])
def test_only_who_may_change_orders_answers(client, django_user_model, order, method):
    request = cancellations.request_cancellation(order.pk)
    client.force_login(
        django_user_model.objects.create_user("guest", password="x", is_staff=True),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    assert getattr(client, method)(answer_url(order), {"action": "accept"}).status_code == 403
    request.refresh_from_db()
    assert request.state == State.OPEN


# --- races ---


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_a_parcel_leaves_that_was_just_asked_back(order, monkeypatch):
    with nothing_is_locked(monkeypatch):
        while_held_in(
            monkeypatch,
            cancellations,
            "offer_of",
            lambda: cancellations.request_cancellation(order.pk),
            lambda: ship(order, 2),
        )
    assert CancellationRequest.objects.exists()
    assert Shipment.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(times(1, 5)))
def test_asking_and_shipping_at_once_do_one_of_the_two(order, _):
    assert connection.vendor == "postgresql"
    at_once(
        lambda: cancellations.request_cancellation(order.pk),
        lambda: ship(order, 2),
        lambda: cancellations.request_cancellation(order.pk),
    )
    assert CancellationRequest.objects.count() + Shipment.objects.count() == 1
