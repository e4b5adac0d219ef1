"""What the order page tells of reports: a track of its own, and when each of them was begun and ready."""

import pytest
from django.db import transaction

from checkout import services
from checkout.models import Order
from checkout.tests.history_scenes import STAFF_NOTE, mixed_order, progress, ship, texts
from checkout.tests.scenes import make_cart, make_goods, make_service, pay, place
from consulting.models import Case
from consulting.tests.scenes import published, staff

pytestmark = pytest.mark.django_db


def publish(order, count=1):
    author = staff(f"writer-{Case.objects.filter(line__order=order).count()}-{count}", "change_report")
    for case in Case.objects.of(order).filter(state__in=Case.OPEN)[:count]:
        published(case, author)


def test_parcels_and_reports_are_two_tracks_that_do_not_wait_for_each_other():
    order = mixed_order()
    assert progress(order) == (("Processing",), {"Parcels": "Processing", "Reports": "In preparation"})
    ship(order, 1)
    assert progress(order) == (("Processing",), {"Parcels": "Partly shipped", "Reports": "In preparation"})
    ship(order, 1)
    assert progress(order) == (("Processing",), {"Parcels": "Shipped", "Reports": "In preparation"})
    publish(order)
    assert progress(order) == (("Processing",), {"Parcels": "Shipped", "Reports": "1 of 2 ready to open"})
    publish(order, 2)
    assert progress(order) == (("Completed",), {"Parcels": "Shipped", "Reports": "Ready to open"})


def test_reports_that_are_ready_do_not_ship_the_goods():
    order = mixed_order()
    publish(order, 2)
    assert progress(order) == (("Processing",), {"Parcels": "Processing", "Reports": "Ready to open"})


def test_the_history_tells_what_happened_in_order():
    order = place(make_cart((make_goods(), 2), (make_service(), 1)))
    with transaction.atomic():
        services.begin_payment(Order.objects.lock(order.pk), minutes=30)
    with transaction.atomic():
        services.mark_under_review(Order.objects.lock(order.pk), note=STAFF_NOTE)
    with transaction.atomic():
        services.reopen(Order.objects.lock(order.pk), note=STAFF_NOTE)
    pay(order)
    ship(order, 1)
    publish(order)
    assert texts(order) == [
        "You placed the order.",
        "You started to pay.",
        "The payment service is checking your payment.",
        "The payment came to nothing. You may pay again.",
        "Your payment was received.",
        "A parcel was sent (SF Express): Test tea × 1",
        "Work on your report has begun: Test consultation",
        "Your report is ready: Test consultation",
    ]
