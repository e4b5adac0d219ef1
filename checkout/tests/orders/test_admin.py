"""The merchant finds an order, sees all of it, and sends its parcel once."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client

from checkout.models import Shipment
from checkout.orders.forms import AnswerForm
from checkout.tests.scenes import make_cart, make_goods, make_service, pay, place, placed_in
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    return pay(place(make_cart((make_goods(on_hand=5), 2), (make_service(), 1))))


@pytest.mark.parametrize(
    "query", ["", "?q=mei@example.com", "?work=to-ship", "?status__exact=paid", "?work=consulting"]
)
def test_the_list_finds_the_order(merchant, order, query):
    assert order.number in merchant.get(f"/en/admin/checkout/order/{query}").content.decode()


def test_the_list_finds_a_number_however_it_was_typed(merchant, order):
    other = pay(place(make_cart((make_goods("TEA-902"), 1)), email="other@example.com"))
    typed = f" {order.number.lower().replace('-', ' ')} "
    page = merchant.get("/en/admin/checkout/order/", {"q": typed}).content.decode()
    assert order.number in page
    assert other.number not in page


def test_every_link_of_the_filters_has_a_name(merchant, order):
    place(make_cart((make_service("SV-901"), 1)))  # no region, and nobody has paid
    page = merchant.get("/en/admin/checkout/order/").content.decode()
    assert 'href="?region="' in page
    assert 'href="?paid_with="' in page
    assert not re.search(r'href="\?(region|paid_with)="></a>', page)


def test_the_order_page_shows_everything_and_no_answer(merchant, order):
    page = merchant.get(f"/en/admin/checkout/order/{order.pk}/change/").content.decode()
    for shown in (order.number, "mei@example.com", "1 Nathan Road", "Test tea", "Paid"):
        assert shown in page
    assert "Secret Person" not in page
    assert 'name="_save"' not in page


def ship(merchant, order, **changes):
    line = order.lines.get(ships=True)
    typed = {"carrier": "sf", "tracking_number": "SF1234567890", f"line_{line.pk}": 2, **changes}
    return merchant.post(f"/en/admin/checkout/order/{order.pk}/ship/", typed)


def test_shipping_twice_sends_one_parcel_and_one_mail(merchant, order):
    for _ in range(2):
        assert ship(merchant, order).status_code == 302
    assert Shipment.objects.get().tracking_number == "SF1234567890"
    assert OutboxMessage.objects.filter(topic="mail.order_shipped").count() == 1


WAYBILLS = [  # carrier, as it is typed from the waybill, as it is shown, as the carrier is asked for it
    ("hkpost", "RB 123 456 785 HK", "RB 123 456 785 HK", "trackcode=RB123456785HK"),
    ("sf", "sf 1234 5678 90123", "SF 1234 5678 90123", "/SF1234567890123"),
    ("dhl", "JD01-4600 0012 3456", "JD01-4600 0012 3456", "tracking-id=JD01460000123456"),
    ("sf", "ＳＦ１２３４５６７８９１", "SF1234567891", "/SF1234567891"),
    ("sf", "SF1234\u200b567892\u200b", "SF1234567892", "/SF1234567892"),
]


def test_a_number_is_shown_as_the_waybill_prints_it_and_followed_bare(merchant, deliver_outbox):
    for number, (carrier, typed, shown, followed) in enumerate(WAYBILLS):
        order = pay(place(make_cart((make_goods(f"TEA-{number}"), 2))))
        deliver_outbox()
        assert ship(merchant, order, carrier=carrier, tracking_number=typed).status_code == 302, typed
        parcel = Shipment.objects.get(order=order)
        assert (parcel.tracking_number, parcel.tracking_url[-len(followed) :]) == (shown, followed)
        deliver_outbox()
        for text in (mail.outbox[-1].body, mail.outbox[-1].alternatives[0].content):
            assert shown in text
            assert parcel.tracking_url in text
        page = placed_in(Client(), order).get(order.get_absolute_url()).content.decode()
        assert f'href="{parcel.tracking_url}"' in page


@pytest.mark.parametrize("number", ["", "x", "a" * 50, "SF;DROP", "=cmd|'x'", "１２３"])
def test_a_wrong_tracking_number_is_told_at_its_field(merchant, order, number):
    response = ship(merchant, order, tracking_number=number)
    assert response.status_code == 200
    assert 'href="#id_tracking_number"' in response.content.decode()
    assert not Shipment.objects.exists()


DOUBTFUL = {
    ("sf", "RB123456785HK"): "looks like a number of Hongkong Post, not of SF Express",
    ("hkpost", "RB123456758HK"): "The check digit of “RB123456758HK” does not fit",
    ("sf", "SF1234567890123SF1234567890124"): "SF Express prints numbers such as SF1234567890123",
    ("dhl", "SF1234567890123"): "looks like a number of SF Express, not of DHL",
}


def test_a_number_that_is_probably_wrong_is_asked_about_once(merchant, order):
    """The carrier that stands first, two digits swapped, two labels in one: the link would lead nowhere."""
    for (carrier, number), why in DOUBTFUL.items():
        asked = ship(merchant, order, carrier=carrier, tracking_number=number)
        assert why in asked.content.decode(), number
        sure = asked.context["form"]["sure"].value()
        other = ship(merchant, order, carrier=carrier, tracking_number="RB1234567HK", sure=sure)
        assert other.status_code == 200  # not what was asked about
    assert not Shipment.objects.exists()
    assert ship(merchant, order, carrier=carrier, tracking_number=number, sure=sure).status_code == 302
    assert Shipment.objects.get().tracking_number == number


def test_the_number_of_another_parcel_is_asked_about_once(merchant, order):
    """Scanned or pasted once more; two orders of one client may travel together."""
    assert ship(merchant, order, tracking_number="SF 1234 5678 90123").status_code == 302
    other = pay(place(make_cart((make_goods("TEA-901"), 2)), email="other@example.com"))
    asked = ship(merchant, other, tracking_number="sf1234567890123")
    assert f"Order {order.number} has a parcel with this number" in asked.content.decode()
    sure = asked.context["form"]["sure"].value()
    assert ship(merchant, other, tracking_number="sf1234567890123", sure=sure).status_code == 302
    parcel = order.shipments.get()
    page = merchant.get(f"/en/admin/checkout/order/{order.pk}/parcel/{parcel.pk}/")
    typed = {"carrier": "sf", "tracking_number": parcel.tracking_number, "seen": parcel.stamp}
    pieces = {f"line_{order.lines.get(ships=True).pk}": 1}
    assert merchant.post(page.wsgi_request.path, typed | pieces).status_code == 302


@pytest.mark.parametrize("quantity", ["", "-1", "0", "3", "1e9", "x"])
def test_a_wrong_quantity_ships_nothing(merchant, order, quantity):
    line = order.lines.get(ships=True)
    assert ship(merchant, order, **{f"line_{line.pk}": quantity}).status_code == 200
    assert not Shipment.objects.exists()


def test_an_unpaid_order_has_no_ship_page(merchant):
    order = place(make_cart((make_goods(), 1)))
    assert merchant.get(f"/en/admin/checkout/order/{order.pk}/ship/").status_code == 302


def test_who_may_not_change_orders_may_not_ship(client, order):
    client.force_login(get_user_model().objects.create_user("other", is_staff=True))
    assert client.get(f"/en/admin/checkout/order/{order.pk}/ship/").status_code == 403


def test_what_was_ordered_is_not_deleted_and_staff_read_why(boss, order):
    """The page said that one's account lacks a permission: to delete stock movements."""
    product = order.lines.get(ships=True).variant.product
    other = make_goods("TEA-902").product
    delete = boss.get(f"/en/admin/catalog/product/{product.pk}/delete/").content.decode()
    marked = {"action": "delete_selected", "_selected_action": [product.pk, other.pk], "index": "0"}
    together = boss.post("/en/admin/catalog/product/", marked).content.decode()
    for page in (delete, together):
        assert f"{product} was ordered. To take it out of the shop, untick “Shown in the shop”." in page
        assert "permission" not in page
        assert f"{other} was ordered" not in page
        assert 'type="submit" value="Yes' not in page


def test_an_answer_that_is_too_long_is_not_also_missing():
    assert len(AnswerForm({"action": "decline", "answer": "長" * 1001}).errors["answer"]) == 1
    assert "tell the customer why" in str(AnswerForm({"action": "decline"}).errors["answer"])


def test_what_was_delivered_is_not_said_to_go_out_again(boss, order):
    """Staff told a client that the mail was on its way; it had been delivered, and nothing was sent."""
    url = "/en/admin/shop/outboxmessage/"
    marked = {"action": "deliver_now", "index": "0"}
    first, second = OutboxMessage.objects.order_by("pk")[:2]
    OutboxMessage.objects.filter(pk=first.pk).update(delivered_at=clock.now())
    both = boss.post(url, marked | {"_selected_action": [first.pk, second.pk]}, follow=True).content.decode()
    assert "1 message goes out within seconds." in both
    assert "1 was delivered before and is not sent again." in both
    one = boss.post(url, marked | {"_selected_action": [first.pk]}, follow=True).content.decode()
    assert "goes out" not in one


def test_the_mail_of_a_part_says_what_is_still_to_come(merchant, order, deliver_outbox):
    deliver_outbox()
    line = order.lines.get(ships=True)
    for number, rest in (("SF1234567890", "Still to come\n- Test tea × 1"), ("SF1234567891", "")):
        mail.outbox.clear()
        ship(merchant, order, tracking_number=number, **{f"line_{line.pk}": 1})
        deliver_outbox()
        [message] = mail.outbox
        assert ("Part of your order has been shipped" in message.body) == bool(rest)
        assert ("Part of the order shipped" in message.subject) == bool(rest)
        assert rest in message.body
        assert ("Still to come" in message.alternatives[0][0]) == bool(rest)
