"""Accepting a request to cancel leads to the refund, filled in with what was asked."""

import pytest

from checkout.orders import cancellations
from checkout.shipping import fulfilment
from payments.models import Refund
from payments.tests.harness.refund_scenes import paid_order, staff, tea_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway")]


def accept(client, order):
    url = f"/en/admin/checkout/order/{order.pk}/cancellation/"
    return client.post(url, {"action": "accept", "answer": ""})


def value_of(page, name):
    field = page.context["form"][name]
    return str(field.value())


def test_what_was_asked_is_filled_in_and_a_person_still_agrees_to_the_refund(client, approve):
    order = paid_order(approve)
    cancellations.request_cancellation(order.pk)
    merchant = staff(client, "view_order", "change_order", "answer_cancellation", "add_refund")
    answer = accept(merchant, order)
    assert answer.url.startswith(f"/en/admin/payments/refund/order/{order.pk}/?")
    page = merchant.get(answer.url)
    assert value_of(page, f"quantity_{tea_of(order).pk}") == "2"
    assert value_of(page, "shipping") == "30.00"
    assert not Refund.objects.exists()


def test_the_shipping_fee_is_not_filled_in_once_a_parcel_has_left(client, approve):
    order = paid_order(approve)
    quantities = {tea_of(order).pk: 1}
    fulfilment.ship(order.pk, carrier="sf", tracking_number="SF1", quantities=quantities, actor="boss")
    cancellations.request_cancellation(order.pk)
    merchant = staff(client, "view_order", "change_order", "answer_cancellation", "add_refund")
    page = merchant.get(accept(merchant, order).url)
    assert value_of(page, f"quantity_{tea_of(order).pk}") == "1"
    assert "shipping" not in page.context["form"].initial


def test_who_may_not_refund_is_led_back_to_the_order(client, approve):
    order = paid_order(approve)
    cancellations.request_cancellation(order.pk)
    answer = accept(staff(client, "view_order", "change_order", "answer_cancellation"), order)
    assert answer.url == f"/en/admin/checkout/order/{order.pk}/change/"
