"""What staff typed, or a customer asked them to change, can be put right; whoever it concerns hears of it."""

import datetime as dt

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils.formats import date_format

from checkout.models import Delivery, Order, ShipmentCorrection
from checkout.orders import corrections
from checkout.privacy import erasure
from checkout.shipping import fulfilment
from checkout.tests.scenes import make_cart, make_goods, make_service, pay, place, placed_in
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    return pay(place(make_cart((make_goods(on_hand=9), 3))))


@pytest.fixture
def parcel(order, deliver_outbox):
    line = order.lines.get()
    made = fulfilment.ship(
        order.pk, carrier="sf", tracking_number="SF1234567890", quantities={line.pk: 2}, actor="wong"
    )
    deliver_outbox()
    mail.outbox.clear()
    return made


def url_of(parcel):
    return reverse("admin:checkout_order_parcel", args=[parcel.order_id, parcel.pk])


def typed(parcel, **changes):
    line = parcel.order.lines.get()
    pieces = {f"line_{line.pk}": 2}
    return (
        {"carrier": "sf", "tracking_number": parcel.tracking_number, "seen": parcel.stamp} | pieces | changes
    )


def test_a_wrong_tracking_number_is_put_right_and_told_once(merchant, parcel, deliver_outbox):
    sent = typed(parcel, tracking_number="SF1234567809")
    for _ in range(2):
        assert merchant.post(url_of(parcel), sent).status_code == 302
    deliver_outbox()
    [message] = mail.outbox
    assert message.subject.endswith(f"Correction about your parcel {parcel.order.number}")
    assert "SF1234567809" in message.body
    assert "SF1234567890" not in message.body
    assert OutboxMessage.objects.filter(topic="parcel.corrected").count() == 1
    [correction] = parcel.corrections.all()
    assert (correction.old_carrier, correction.old_tracking_number) == ("sf", "SF1234567890")
    page = merchant.get(url_of(parcel)).content.decode()
    assert "SF1234567890" in page, "what it was before"


def test_carrier_and_contents_are_put_right(merchant, parcel):
    line = parcel.order.lines.get()
    sent = typed(parcel, carrier="hand", tracking_number="", **{f"line_{line.pk}": 3})
    assert merchant.post(url_of(parcel), sent).status_code == 302
    parcel.refresh_from_db()
    assert (parcel.carrier, parcel.tracking_number, parcel.items.get().quantity) == ("hand", "", 3)
    assert fulfilment.left_to_ship(parcel.order) == {}


def test_a_parcel_holds_no_more_than_was_ordered_and_never_nothing(merchant, parcel):
    line = parcel.order.lines.get()
    for pieces in (4, 0, -1):
        page = merchant.post(url_of(parcel), typed(parcel, **{f"line_{line.pk}": pieces}))
        assert page.status_code == 200, pieces
    for pieces in (4, 0):
        with pytest.raises(fulfilment.NothingToShip):
            fulfilment.correct_parcel(
                parcel.pk,
                carrier="sf",
                tracking_number="SF1",
                quantities={line.pk: pieces},
                actor="w",
                seen=parcel.stamp,
            )
    assert not ShipmentCorrection.objects.exists()


def test_a_correction_of_what_somebody_else_has_corrected_is_not_made(merchant, parcel):
    first, second = (typed(parcel, tracking_number=number) for number in ("SF1111222233", "SF3333444455"))
    merchant.post(url_of(parcel), first)
    page = merchant.post(url_of(parcel), second, follow=True).content.decode()
    assert "has just been corrected by somebody else" in page
    parcel.refresh_from_db()
    assert parcel.tracking_number == "SF1111222233"


def test_what_is_the_same_is_no_correction_and_erasure_takes_the_old_numbers(merchant, parcel):
    merchant.post(url_of(parcel), typed(parcel))
    assert not ShipmentCorrection.objects.exists()
    merchant.post(url_of(parcel), typed(parcel, tracking_number="SF1111222233"))
    order = Order.objects.get(pk=parcel.order_id)
    with transaction.atomic():
        erasure.erase(order)
    assert ShipmentCorrection.objects.get().old_tracking_number == ""


def test_an_order_with_something_left_to_ship_is_listed_until_all_has_left(merchant, parcel):
    url = reverse("admin:checkout_order_changelist") + "?work=to-ship"
    assert parcel.order.number in merchant.get(url).content.decode(), "one of three is left"
    line = parcel.order.lines.get()
    fulfilment.ship(
        parcel.order_id, carrier="sf", tracking_number="SF5", quantities={line.pk: 1}, actor="wong"
    )
    assert parcel.order.number not in merchant.get(url).content.decode()


# --- addresses ---


def post_correction(merchant, order, **changes):
    url = reverse("admin:checkout_order_correct", args=[order.pk])
    fields = {
        "email": order.email,
        "region": order.region,
        "recipient": order.recipient,
        "phone": order.phone,
    }
    return merchant.post(url, fields | order.address | changes, follow=True).content.decode()


def test_staff_correct_the_address_of_any_order_until_all_has_left(merchant, parcel, deliver_outbox):
    order = parcel.order
    page = post_correction(merchant, order, line1="2 Nathan Road", phone="2881 2345 ext. 12")
    assert "The order is corrected" in page
    order.refresh_from_db()
    assert order.address["line1"] == "2 Nathan Road"
    assert (order.phone, order.phone_extension) == ("+85228812345", "12")
    deliver_outbox()
    [message] = mail.outbox
    assert "2 Nathan Road" in message.body
    assert "+852 2881 2345 ext. 12" in message.body
    line = order.lines.get()
    fulfilment.ship(order.pk, carrier="sf", tracking_number="SF5", quantities={line.pk: 1}, actor="wong")
    assert "nothing is left to be sent" in post_correction(merchant, order, line1="3 Nathan Road")


def test_what_its_buyer_corrected_meanwhile_is_not_undone_unseen(merchant, order):
    """The page that staff had open would send the old address along with what they typed."""
    read = {"seen": order.address_stamp, "seen_email": order.email}
    later = {**order.address, "line1": "2 Nathan Road"}
    Order.objects.update(address=later)
    page = post_correction(merchant, order, email="new@example.com", **read)
    assert "It has just been corrected by somebody else." in page
    order.refresh_from_db()
    assert (order.address, order.email) == (later, "mei@example.com")
    url = reverse("admin:checkout_order_correct", args=[order.pk])
    assert f'name="seen" value="{order.address_stamp}"' in merchant.get(url).content.decode()
    read["seen"] = order.address_stamp
    post_correction(merchant, order, email="new@example.com", **read)
    order.refresh_from_db()
    assert (order.address, order.email) == (later, "new@example.com")


def test_staff_correct_the_mailbox_of_an_order_of_goods(merchant, order, deliver_outbox):
    deliver_outbox()
    mail.outbox.clear()
    post_correction(merchant, order, email="new@example.com")
    deliver_outbox()
    assert sorted(message.to[0] for message in mail.outbox) == ["mei@example.com", "new@example.com"]
    assert [event.actor for event in order.events.filter(note="e-mail address changed by staff")] == [
        "merchant"
    ]


def test_with_reports_another_mailbox_needs_another_key(merchant):
    order = pay(place(make_cart((make_service(), 1))))
    page = merchant.get(reverse("admin:checkout_order_correct", args=[order.pk])).content.decode()
    assert "Colleagues of the group “key care” change it" in page
    care = User.objects.create_user("care", is_staff=True)
    names = ["change_order", "view_order", "readdress_orderkey"]
    care.user_permissions.set(Permission.objects.filter(codename__in=names))
    merchant.force_login(care, "django.contrib.auth.backends.ModelBackend")
    page = merchant.get(reverse("admin:checkout_order_correct", args=[order.pk])).content.decode()
    assert "Change it at the order key." in page
    corrections.correct_for(order.pk, corrections.Correction("new@example.com"), actor="boss")
    order.refresh_from_db()
    assert order.email == "mei@example.com"


def test_another_fee_is_told_and_changes_nothing(merchant, order):
    with pytest.raises(corrections.OtherZone):
        corrections.correct_for(
            order.pk, corrections.Correction(order.email, "Mei", "+85291234567", region="US"), actor="boss"
        )
    order.refresh_from_db()
    assert order.region == "HK"


# --- promised days ---


def test_a_promised_day_that_moves_is_told_once_and_shown_everywhere(merchant, order, client, deliver_outbox):
    deliver_outbox()
    mail.outbox.clear()
    url = reverse("admin:checkout_order_promise", args=[order.pk])
    first = clock.today() + dt.timedelta(days=20)
    days = {
        name: (first + dt.timedelta(days=late)).isoformat()
        for name, late in (("ships_by", 0), ("arrives_from", 2), ("arrives_until", 3))
    }
    for _ in range(2):
        assert merchant.post(url, days).status_code == 302
    deliver_outbox()
    [message] = mail.outbox
    shown = date_format(first, "DATE_FORMAT")
    assert f"Shipped by {shown}" in message.body
    order.refresh_from_db()
    assert order.ships_by == first
    page = placed_in(Client(), order).get(order.get_absolute_url()).content.decode()
    assert f"Shipped by {shown}" in page
    assert "We promised the parcel for another day." in page
    for wrong in (
        {**days, "arrives_from": "2020-01-01"},
        {**days, "ships_by": "2020-01-01"},
        {"ships_by": ""},
    ):
        assert merchant.post(url, wrong).status_code == 200
    in_three_years = {name: str(int(day[:4]) + 3) + day[4:] for name, day in days.items()}
    page = merchant.post(url, in_three_years).content.decode()
    assert "is more than a year away. Please check the year." in page


def test_a_parcel_that_has_left_is_promised_for_no_other_day(order):
    line = order.lines.get()
    fulfilment.ship(order.pk, carrier="hand", tracking_number="", quantities={line.pk: 3}, actor="wong")
    day = clock.today()
    with pytest.raises(fulfilment.NothingToShip):
        fulfilment.move_promise(order.pk, Delivery(day, day, day), actor="wong")
