"""The order page's tracks and history: derived, in plain words, without the staff's notes."""

import pytest
from django.db import transaction
from django.test import Client
from django.utils.translation import override

from checkout import services
from checkout.models import Order
from checkout.orders import cancellations
from checkout.shipping import fulfilment
from checkout.tests.history_scenes import STAFF_NOTE, mixed_order, progress, ship, texts
from checkout.tests.scenes import make_cart, make_goods, pay, place

pytestmark = pytest.mark.django_db


def goods_order(**changes) -> Order:
    return pay(place(make_cart((make_goods(), 2)), **changes))


def test_an_order_of_goods_alone_is_as_far_as_its_parcels():
    order = goods_order()
    assert progress(order) == (("Processing",), {"Parcels": "Processing"})
    ship(order, 1)
    assert progress(order) == (("Partly shipped",), {"Parcels": "Partly shipped"})
    ship(order, 1)
    assert progress(order) == (("Shipped",), {"Parcels": "Shipped"})


def test_an_order_on_hold_says_so_until_it_may_go_on():
    order = goods_order()
    fulfilment.set_hold(order.pk, on_hold=True, actor="boss", note=STAFF_NOTE)
    assert progress(order) == (("On hold",), {"Parcels": "On hold"})
    fulfilment.set_hold(order.pk, on_hold=False, actor="boss")
    assert progress(order)[0] == ("Processing",)
    assert texts(order)[-2:] == [
        "The order is on hold; nothing is sent for now.",
        "The order is no longer on hold.",
    ]


def test_a_part_of_the_money_that_went_back_is_told_beside_the_state():
    order = goods_order()
    with transaction.atomic():
        fulfilment.note_refund(Order.objects.lock(order.pk), order.total / 2, {})
    assert progress(order)[0] == ("Processing", "Partly refunded")
    with transaction.atomic():
        fulfilment.note_refund(Order.objects.lock(order.pk), order.total / 2, {})
    assert progress(order)[0] == ("Refunded",)


def test_an_order_that_is_not_paid_has_no_tracks():
    order = place(make_cart((make_goods(), 1)))
    assert progress(order) == (("Awaiting payment",), {})
    with transaction.atomic():
        services.expire(Order.objects.lock(order.pk))
    assert progress(order) == (("Expired",), {})


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (lambda order: services.cancel(order.pk, actor="boss", note=STAFF_NOTE), "The order was cancelled."),
        (lambda order: _expire(order), "The time to pay ran out."),
    ],
)
def test_the_history_tells_how_an_unpaid_order_ended(end, text):
    order = place(make_cart((make_goods(), 1)))
    end(order)
    assert texts(order) == ["You placed the order.", text]


@transaction.atomic
def _expire(order):
    services.expire(Order.objects.lock(order.pk))


def test_a_changed_and_a_replaced_order_say_so():
    cart = make_cart((make_goods(), 1))
    order = place(cart)
    place(cart, email="other@example.com")
    with transaction.atomic():
        services.begin_payment(Order.objects.lock(order.pk), minutes=30)
    place(cart, email="third@example.com")
    assert texts(order)[1:] == [
        "You changed the order.",
        "You started to pay.",
        "A newer order of yours replaced this one.",
    ]


def test_what_is_left_of_a_partly_shipped_order_is_named():
    order = goods_order()
    ship(order, 1)
    page = Client().get(f"/en/order/{order.token}/").content.decode()
    left = page[page.index("Still to be sent") :]
    assert "Test tea × 1" in left[:200]


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_no_note_and_no_name_of_staff_reaches_the_page(language):
    order = mixed_order()
    fulfilment.set_hold(order.pk, on_hold=True, actor="canary-actor-2290", note=STAFF_NOTE)
    with transaction.atomic():
        Order.objects.lock(order.pk).log(STAFF_NOTE, actor="canary-actor-2290")
    browser = Client()
    url = f"/{language}/order/{order.token}/"
    browser.post(url, {"email": "mei@example.com"})
    page = browser.get(url).content.decode()
    assert "canary" not in page
    with override(language):
        assert str(order.placed_at.year) in page
        assert ("On hold" if language == "en" else "已暫緩") in page


def test_a_stranger_reads_the_history_but_no_personal_data():
    order = mixed_order()
    cancellations.request_cancellation(order.pk)
    page = Client().get(f"/en/order/{order.token}/").content.decode()
    assert "Your payment was received." in page
    assert "You asked to cancel." not in page
    for secret in ("Mei Chan", "mei@example.com", "1 Nathan Road", "+85291234567", "Secret Person"):
        assert secret not in page
