"""The buyer corrects address or e-mail: for a short time, before anything left, and every mailbox is told."""

import datetime as dt

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from checkout.models import EmailCorrection, Order, Shipment
from checkout.orders import corrections
from checkout.orders.corrections import Correction
from checkout.privacy import mailbox_doubts
from checkout.shipping import fulfilment
from checkout.tests.history_scenes import texts
from checkout.tests.scenes import ADDRESS, add, make_cart, make_goods, make_service, pay, place, placed_in
from checkout.tests.scenes import post as post_checkout
from shop import clock
from shop.models import OutboxMessage
from shop.tests.harness.effort import times
from shop.tests.harness.races import at_once, nothing_is_locked, while_held_in

pytestmark = pytest.mark.django_db

TYPED = {
    "email": "mei@example.com",
    "region": "HK",
    "recipient": "Mei Chan",
    "phone": "+852 9123 4567",
    "area": "Kowloon",
    "city": "Yau Tsim Mong",
    "line1": "1 Nathan Road",
}
NEW_ADDRESS = "canary-street-7719"
NEW_EMAIL = "canary-right@example.com"


@pytest.fixture
def order():
    return pay(place(make_cart((make_goods(), 2))))


@pytest.fixture
def buyer(client, order):
    return placed_in(client, order)


@pytest.fixture
def mails(order, deliver_outbox):
    """Delivers, and gives what came since."""

    def fresh_mails():
        mail.outbox.clear()
        deliver_outbox()
        return {message.to[0]: message for message in mail.outbox}

    fresh_mails()
    return fresh_mails


def fresh(order):
    return Order.objects.get(pk=order.pk)


def url_of(order):
    return f"/en/order/{order.token}/correct/"


def wanted(order, **changes):
    names = ["email", "recipient", "phone", "region", "address", "delivery_note"]
    return Correction(**{name: getattr(order, name) for name in names} | changes)


def later(monkeypatch, minutes):
    moment = clock.now() + dt.timedelta(minutes=minutes)
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_the_address_is_corrected_and_the_mailbox_told(buyer, order, mails):
    assert 'value="1 Nathan Road"' in buyer.get(url_of(order)).content.decode()
    assert buyer.post(url_of(order), {**TYPED, "line1": NEW_ADDRESS}).url == order.get_absolute_url()
    assert fresh(order).address["line1"] == NEW_ADDRESS
    assert NEW_ADDRESS in buyer.get(order.get_absolute_url()).content.decode()
    told = mails()
    assert list(told) == ["mei@example.com"]
    assert NEW_ADDRESS in told["mei@example.com"].body


def test_a_corrected_email_gets_the_confirmation_and_the_old_mailbox_is_told_without_it(buyer, order, mails):
    assert buyer.post(url_of(order), {**TYPED, "email": NEW_EMAIL}).status_code == 302
    assert fresh(order).email == NEW_EMAIL
    told = mails()
    assert set(told) == {NEW_EMAIL, "mei@example.com"}
    assert told[NEW_EMAIL].subject == f"Cloud Inkstone: Order confirmation {order.number}"
    old = told["mei@example.com"]
    assert "E-mail address changed" in old.subject
    assert "canary" not in old.body
    assert order.token not in old.body
    assert mails() == {}
    assert EmailCorrection.objects.get().old_email == ""


def test_the_correcting_browser_goes_on_seeing_the_order_and_others_do_not(buyer, order):
    other = Client()
    other.post(order.get_absolute_url(), {"email": "mei@example.com"})
    buyer.post(url_of(order), {**TYPED, "email": NEW_EMAIL})
    assert NEW_EMAIL in buyer.get(order.get_absolute_url()).content.decode()
    page = other.get(order.get_absolute_url()).content.decode()
    assert NEW_EMAIL not in page
    assert "Mei Chan" not in page
    assert "This is not the e-mail address" in (
        other.post(order.get_absolute_url(), {"email": "mei@example.com"}).content.decode()
    )


def test_the_browser_that_placed_an_order_over_the_pages_may_correct_it(client):
    add(client, make_goods("TEA-911"))
    assert post_checkout(client).status_code == 302
    order = pay(Order.objects.get())
    assert url_of(order) in client.get(order.get_absolute_url()).content.decode()
    client.post(url_of(order), {**TYPED, "line1": NEW_ADDRESS})
    assert fresh(order).address["line1"] == NEW_ADDRESS


def test_who_only_names_number_and_email_corrects_nothing_and_is_told_whom_to_contact(order):
    """Whoever owns a mistyped mailbox reads the confirmation, and must not redirect the parcel."""
    reader = Client()
    reader.post(order.get_absolute_url(), {"email": "mei@example.com"})
    page = reader.get(order.get_absolute_url()).content.decode()
    assert "Mei Chan" in page
    assert url_of(order) not in page
    assert "use the browser in which the order was placed" in page
    page = reader.get(url_of(order), follow=True)
    assert page.redirect_chain[-1][0] == order.get_absolute_url()
    kept = reader.post(url_of(order), {**TYPED, "line1": NEW_ADDRESS, "email": NEW_EMAIL})
    for answer in (page, kept):
        assert "Please contact customer service." in answer.content.decode()
    assert NEW_ADDRESS in kept.content.decode(), "to be copied into a letter"
    assert (fresh(order).address["line1"], fresh(order).email) == ("1 Nathan Road", "mei@example.com")


def test_after_a_corrected_email_the_placing_browser_goes_on_and_the_old_mailbox_does_not(buyer, order):
    old = Client()
    old.post(order.get_absolute_url(), {"email": "mei@example.com"})
    buyer.post(url_of(order), {**TYPED, "email": NEW_EMAIL})
    old.post(url_of(order), {**TYPED, "line1": "Elsewhere"})
    assert fresh(order).address["line1"] == "1 Nathan Road"
    buyer.post(url_of(order), {**TYPED, "email": NEW_EMAIL, "line1": NEW_ADDRESS})
    assert fresh(order).address["line1"] == NEW_ADDRESS


def test_naming_the_email_takes_nothing_from_the_browser_that_placed_the_order(buyer, order):
    buyer.post(order.get_absolute_url(), {"email": "mei@example.com"})
    assert buyer.get(url_of(order)).status_code == 200


def in_doubt(order):
    mailbox_doubts.set_doubt(order.pk, is_doubted=True, actor="boss")


def in_doubt_for_a_while(order):
    in_doubt(order)
    mailbox_doubts.set_doubt(order.pk, is_doubted=False, actor="boss")


def set_by_staff(order):
    corrections.correct_for(order.pk, wanted(order, email=NEW_EMAIL), actor="boss")


@pytest.mark.parametrize("deed", [in_doubt, in_doubt_for_a_while, set_by_staff])
def test_what_staff_decided_is_not_undone_by_naming_the_address(buyer, order, deed):
    """Whoever sits at the browser that placed the order may be the one whom the doubt is about."""
    deed(order)
    owner = fresh(order).email
    buyer.post(order.get_absolute_url(), {"email": owner})
    page = buyer.get(order.get_absolute_url()).content.decode()
    assert "Mei Chan" in page, "named it has"
    assert url_of(order) not in page
    buyer.post(url_of(order), {**TYPED, "email": "thief@example.com", "line1": NEW_ADDRESS})
    assert (fresh(order).email, fresh(order).address["line1"]) == (owner, "1 Nathan Road")
    details = buyer.get(reverse("checkout:details", args=[order.token]))
    assert details.url == reverse("consulting:unlock"), "nor are missing details added"


@pytest.mark.parametrize("deed", [in_doubt, set_by_staff])
def test_the_buyer_corrects_nothing_while_staff_doubt_or_once_they_have_set_an_address(order, deed):
    """Even if a request passed the page before they decided."""
    deed(order)
    with pytest.raises(corrections.TooLate):
        corrections.correct(order.pk, wanted(order, email="thief@example.com"))


def test_what_is_as_it_was_changes_nothing_and_tells_nobody(buyer, order, mails):
    before = order.events.count()
    assert buyer.post(url_of(order), {**TYPED, "email": "MEI@example.com"}).status_code == 302
    assert order.events.count() == before
    assert mails() == {}


def test_the_history_and_the_queue_hold_no_personal_data(buyer, order):
    buyer.post(url_of(order), {**TYPED, "email": NEW_EMAIL, "line1": NEW_ADDRESS})
    assert texts(order)[-2:] == [
        "You corrected the delivery details.",
        "You corrected the e-mail address.",
    ]
    notes = list(order.events.values_list("note", "fact", "actor"))
    queue = list(OutboxMessage.objects.values_list("key", "payload"))
    assert "canary" not in str(notes + queue)
    assert "mei@" not in str(notes + queue)
    with connection.cursor() as cursor:
        cursor.execute("SELECT old_email FROM checkout_emailcorrection")
        assert b"mei@" not in bytes(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("line1", "", "Please enter the street"),
        ("phone", "12", "Please enter a phone number"),
        ("email", "no address", "There is no @ in “no address”"),
        ("region", "TW", "Please choose a region from the list"),
    ],
)
def test_wrong_input_is_told_at_its_field_and_nothing_is_half_done(buyer, order, field, value, message):
    page = buyer.post(url_of(order), {**TYPED, "recipient": "Typed Name", field: value}).content.decode()
    assert message in page
    assert f'href="#id_{field}"' in page
    assert "Typed Name" in page
    assert (fresh(order).recipient, fresh(order).email) == ("Mei Chan", "mei@example.com")


def test_the_region_stays_where_the_fee_is_the_same():
    address = ADDRESS | {"area": "", "postcode": "10115"}
    order = pay(place(make_cart((make_goods(), 1)), region="DE", address=address))
    corrections.correct(order.pk, wanted(order, region="FR"))
    assert fresh(order).region == "FR"
    with pytest.raises(corrections.OtherZone):
        corrections.correct(order.pk, wanted(order, region="HK"))
    assert fresh(order).region == "FR"


def test_an_order_of_services_has_only_its_email_to_correct(client):
    order = pay(place(make_cart((make_service(), 1))))
    placed_in(client, order)
    assert 'name="recipient"' not in client.get(url_of(order)).content.decode()
    client.post(url_of(order), {"email": NEW_EMAIL})
    assert fresh(order).email == NEW_EMAIL


def ship(order, seen=None):
    quantities = {order.lines.get().pk: 2}
    return fulfilment.ship(
        order.pk, carrier="sf", tracking_number="SF1", quantities=quantities, actor="boss", seen=seen
    )


def test_after_an_hour_or_a_parcel_it_is_too_late(buyer, order, monkeypatch):
    assert url_of(order) in buyer.get(order.get_absolute_url()).content.decode()
    with monkeypatch.context() as patch:
        later(patch, 59)
        assert buyer.get(url_of(order)).status_code == 200
    with monkeypatch.context() as patch:
        later(patch, 61)
        assert url_of(order) not in buyer.get(order.get_absolute_url()).content.decode()
        page = buyer.post(url_of(order), {**TYPED, "line1": NEW_ADDRESS}, follow=True).content.decode()
        assert "It is too late to correct this order here." in page
    ship(order)
    buyer.post(url_of(order), {**TYPED, "line1": NEW_ADDRESS})
    assert fresh(order).address["line1"] == "1 Nathan Road"


def test_the_time_is_a_setting(order, settings):
    settings.CORRECTION_MINUTES = 0
    with pytest.raises(corrections.TooLate):
        corrections.correct(order.pk, wanted(order, recipient="New"))


def test_an_order_on_hold_can_be_corrected(order):
    fulfilment.set_hold(order.pk, on_hold=True, actor="boss")
    corrections.correct(order.pk, wanted(order, recipient="New"))
    assert fresh(order).recipient == "New"


def test_nobody_sends_mails_without_end_by_correcting(order):
    for number in range(corrections.MAX_CORRECTIONS):
        corrections.correct(order.pk, wanted(fresh(order), email=f"a{number}@example.com"))
    with pytest.raises(corrections.TooLate):
        corrections.correct(order.pk, wanted(fresh(order), email="more@example.com"))


def test_an_order_that_is_not_paid_is_corrected_at_checkout_only():
    order = place(make_cart((make_goods("TEA-910"), 1)))
    assert corrections.correctable_until(order) is None


def test_the_merchant_sees_the_correction(merchant, order):
    corrections.correct(order.pk, wanted(order, address=ADDRESS | {"line1": NEW_ADDRESS}))
    page = merchant.get(f"/en/admin/checkout/order/{order.pk}/change/").content.decode()
    assert NEW_ADDRESS in page
    assert "delivery details corrected by the buyer" in page


def test_a_parcel_with_the_address_of_before_is_not_recorded(merchant, order):
    url = f"/en/admin/checkout/order/{order.pk}/ship/"
    seen = merchant.get(url).content.decode().split('name="seen" value="')[1].split('"')[0]
    corrections.correct(order.pk, wanted(order, address=ADDRESS | {"line1": NEW_ADDRESS}))
    typed = {"carrier": "sf", "tracking_number": "SF1234567890", f"line_{order.lines.get().pk}": 2}
    page = merchant.post(url, {**typed, "seen": seen}, follow=True).content.decode()
    assert "The customer has corrected the address." in page
    assert NEW_ADDRESS in page
    assert not Shipment.objects.exists()


# --- races ---


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_a_parcel_leaves_for_the_address_of_before(order, monkeypatch):
    seen = order.address_stamp
    with nothing_is_locked(monkeypatch):
        while_held_in(
            monkeypatch,
            corrections,
            "correctable_until",
            lambda: corrections.correct(order.pk, wanted(order, recipient="New")),
            lambda: ship(order, seen),
        )
    assert Shipment.objects.exists()
    assert fresh(order).recipient == "New"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_", range(times(1, 5)))
def test_correcting_and_shipping_at_once_do_one_of_the_two(order, _):
    assert connection.vendor == "postgresql"
    seen = order.address_stamp
    at_once(lambda: corrections.correct(order.pk, wanted(order, recipient="New")), lambda: ship(order, seen))
    assert (fresh(order).recipient == "New") != Shipment.objects.exists()
