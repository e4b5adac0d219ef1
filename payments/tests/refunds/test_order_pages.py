"""What the order shows of refunds: to staff, to its buyer, and by mail."""

from decimal import Decimal

import pytest
from django.urls import reverse

from checkout.models import Order
from checkout.shipping import fulfilment
from payments.models import Payment, Refund
from payments.tests.harness.refund_scenes import (
    SEES,
    SHIPPING,
    TOTAL,
    ask_for,
    give,
    some,
    staff,
    tea_of,
)
from payments.tests.refunds.page_scenes import order_page, page_of, shown
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


# --- what the order shows ---


def test_the_list_of_orders_says_what_has_gone_back(merchant, order):
    give(order, some(order, tea=1))
    assert "Partly refunded" in shown(merchant.get("/en/admin/checkout/order/?work=refunded"))
    give(order, some(order, tea=1, service=2, shipping=SHIPPING))
    text = shown(merchant.get("/en/admin/checkout/order/"))
    assert "Partly refunded" not in text.replace("Partly or fully", "")
    assert f"{order.number}" in text
    assert order.number not in shown(merchant.get("/en/admin/checkout/order/?work=to-ship"))


def test_an_order_on_hold_is_not_shipped_and_its_history_says_who_and_why(merchant, order):
    url = reverse("admin:checkout_order_hold", args=[order.pk])
    assert "Put on hold" in shown(merchant.get(url))
    for _ in range(2):
        merchant.post(url, {"on_hold": "yes", "note": "address is odd"})
    order.refresh_from_db()
    assert order.on_hold
    event = order.events.get(note__contains="hold")
    assert (event.note, event.actor) == ("put on hold: address is odd", "staff-0")
    assert "On hold" in shown(merchant.get(order_page(order)))
    assert order.number in shown(merchant.get("/en/admin/checkout/order/?work=on-hold"))
    with pytest.raises(fulfilment.OnHold):
        fulfilment.ship(
            order.pk, carrier="sf", tracking_number="SF1", quantities={tea_of(order).pk: 1}, actor="m"
        )
    merchant.post(url, {"on_hold": "no"})
    order.refresh_from_db()
    assert not order.on_hold


def test_a_note_is_never_cut_off_and_never_breaks_the_page(merchant, order, payment):
    """Both pages took what was posted as it came: 200 characters of it, and characters no database keeps."""
    Payment.objects.update(pays_order=False, needs_attention=True)
    hold = reverse("admin:checkout_order_hold", args=[order.pk])
    back = reverse("admin:payments_return_payment", args=[payment.pk])
    sent = {hold: {"on_hold": "yes"}, back: {"key": "0" * 32, "seen": payment.money_stamp}}
    for name, url in (("note", hold), ("reason", back)):
        page = merchant.post(url, {**sent[url], name: "遲" * 201}).content.decode()
        assert "at most 200" in page
        assert "遲" * 201 in page
    assert not Order.objects.get(pk=order.pk).on_hold
    assert not Refund.objects.exists()
    for name, url in (("note", hold), ("reason", back)):
        assert merchant.post(url, {**sent[url], name: "a\0b"}).status_code == 302
    assert order.events.filter(note="put on hold: ab").exists()
    assert Refund.objects.get().reason == "ab"


def test_who_may_not_change_orders_may_not_hold_them(client, order):
    staff(client, "view_order")
    url = reverse("admin:checkout_order_hold", args=[order.pk])
    assert client.post(url, {"on_hold": "yes"}).status_code == 403


def test_the_buyer_is_told_by_mail_in_the_language_of_the_order(order, mailoutbox, deliver_outbox):
    OutboxMessage.objects.all().delete()
    ask_for(order, some(order, tea=1, service=2, shipping=SHIPPING, amount=Decimal("2.00")))
    deliver_outbox()
    (mail,) = [mail for mail in mailoutbox if "Refund" in mail.subject]
    for told in (
        "We have refunded HK$2,760.00 of this order.",
        "- Test tea × 1  HK$168.00",
        "- Test consultation × 2  HK$2,560.00",
        "- Shipping fee  HK$30.00",
        "- Other amount  HK$2.00",
        "Test tea: 1 piece will not be sent.",
        "Test consultation: the consultation report is locked, because its price was refunded.",
        "The money goes back to PayPal.",
    ):
        assert told in mail.body


def test_the_order_page_shows_each_refund_and_what_it_means(client, order):
    ask_for(order, some(order, amount=Decimal("5.00")))
    give(order, some(order, tea=1, service=2))
    text = shown(client.get(order.get_absolute_url()))
    for told in (
        "Partly refunded",
        "Refund in progress HK$5.00",
        "Refunded HK$2,728.00",
        "Test consultation: the consultation report is locked",
        "Refunded −HK$2,728.00",
        "Total after refunds HK$198.00",
    ):
        assert told in text


@pytest.mark.failure("F35")
def test_an_expired_order_whose_late_money_goes_back_does_not_say_that_none_was_taken(client, order, payment):
    Payment.objects.update(pays_order=False)
    Order.objects.update(status="expired")
    Refund.objects.create(payment=payment, origin="automatic", amount=TOTAL, started_at=clock.now())
    text = shown(client.get(order.get_absolute_url()))
    assert "No money was taken" not in text
    assert "This payment could not be used for the order, so all of it goes back the way it was paid." in text


def test_who_may_not_refund_is_offered_no_refund(client, order):
    staff(client, *SEES)
    response = client.get(order_page(order))
    assert response.status_code == 200
    assert page_of(order) not in response.content.decode()


def test_the_order_page_promises_no_report_and_no_parcel_that_were_paid_back(client, order):
    def page():
        return shown(client.get(order.get_absolute_url()))

    assert "Your consultant writes the report." in page()
    give(order, some(order, service=2))
    assert "Your consultant writes the report." not in page()
    assert "Once your order is shipped" in page()
    give(order, some(order, tea=2))
    assert "Once your order is shipped" not in page()
