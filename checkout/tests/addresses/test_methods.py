"""How a parcel is sent: the methods of a region, what each asks for, costs and refuses."""

from decimal import Decimal

import pytest

from checkout.models import Order
from checkout.quote import differences, make_quote
from checkout.shipping.rates import TARIFFS
from checkout.tests.scenes import TYPED, URL, add, make_cart, make_goods, post, quote_of

from .scenes import form_of, redraw

pytestmark = pytest.mark.django_db


def test_every_method_of_the_region_is_offered_with_price_and_days(client):
    add(client, make_goods())
    page = client.get(URL).content.decode()
    for shown in (
        "Courier in Hong Kong",
        "HK$30.00",
        "SF locker in Hong Kong",
        "HK$20.00",
        "1–2 working days",
    ):
        assert shown in page
    assert form_of(page)["method"] == "hk"


def test_a_locker_asks_for_its_code_instead_of_a_street(client):
    add(client, make_goods())
    shown = redraw(client, TYPED, method="hk-locker")
    assert shown["line1"] == TYPED["line1"]  # out of sight, not lost
    assert "city" not in shown
    page = client.post(URL, {**shown, "quote": quote_of(client.get(URL))}).content.decode()
    assert "Please enter the code of the locker." in page
    client.post(URL, {**form_of(page), "locker": "ｈ852ｆｇ83ｐ"})
    order = Order.objects.get()
    assert (order.shipping_method, order.shipping_total) == ("hk-locker", Decimal("20.00"))
    assert order.address == {"locker": "H852FG83P"}
    assert order.phone == "+85291234567"
    assert "SF locker H852FG83P" in client.get(f"/en/pay/{order.token}/").content.decode()


@pytest.mark.parametrize("code", ["X", "852", "H853AA12", "1 Nathan Road", "H852" + "A" * 30])
def test_what_is_no_code_of_a_locker_is_told(client, code):
    add(client, make_goods())
    page = post(client, method="hk-locker", locker=code).content.decode()
    assert 'id="id_locker_error"' in page
    assert not Order.objects.exists()


def test_another_method_and_its_fee_are_told_before_anything_is_ordered(client):
    add(client, make_goods())
    page = post(client, method="hk-locker", locker="H852FG83P").content.decode()
    assert "The delivery method has changed from Courier in Hong Kong to SF locker in Hong Kong." in page
    assert "The shipping fee has changed from HK$30.00 to HK$20.00." in page
    assert not Order.objects.exists()


def test_the_method_is_part_of_what_was_seen():
    cart = make_cart((make_goods(price="700.00"), 1))
    courier, locker = make_quote(cart, "HK", "hk"), make_quote(cart, "HK", "hk-locker")
    assert courier.digest != locker.digest
    assert make_quote(cart, "HK").digest == courier.digest
    assert len(differences(courier, locker)) == 3  # method, fee, total


def test_a_method_of_another_region_is_replaced_by_one_of_the_chosen(client):
    add(client, make_goods())
    page = post(client, region="MO", city="大堂區", method="hk-locker").content.decode()
    assert "method" not in form_of(page)  # there is only one
    assert "The delivery method has changed from Courier in Hong Kong to Courier to Macau." in page


def test_an_unknown_method_is_told(client):
    add(client, make_goods())
    page = post(client, method="drone").content.decode()
    assert "Please choose one of the delivery methods." in page
    assert 'href="#id_method_0"' in page
    assert not Order.objects.exists()


def test_a_parcel_may_be_too_heavy_for_a_locker(client):
    stone = make_goods(on_hand=99)
    stone.weight_g = 2500
    stone.save()
    add(client, stone, 2)
    page = client.get(URL).content.decode()
    assert "not possible: the parcel is heavier than 5 kg" in page
    page = post(client, method="hk-locker", locker="H852FG83P").content.decode()
    assert "This parcel is too heavy for a locker." in page
    assert not Order.objects.exists()


def test_more_than_any_carrier_takes_is_told_in_the_cart_and_refused_at_the_checkout(client):
    stone = make_goods(on_hand=99)
    stone.weight_g = 2500
    stone.save()
    add(client, stone, 17)
    assert all(0 < tariff.most_g <= 30_000 for tariff in TARIFFS.values())
    for region in ("HK", "MO", "TW", "CN", "US"):
        client.get("/en/shipping-estimate/", {"region": region})
        page = client.get("/en/cart/").content.decode()
        assert "This parcel weighs about 42.6 kg; the carrier takes 30 kg." in page
        page = post(client, region=region, method="").content.decode()
        assert "This parcel weighs about 42.6 kg; the carrier takes 30 kg. Please order less" in page
        assert '<strong class="amount">–</strong>' in page, "no price for what cannot be done"
    assert "此包裹約重42.6公斤" in client.get("/zh-hant/cart/").content.decode()
    assert not Order.objects.exists()


def test_what_must_not_go_into_a_locker_is_named(client):
    add(client, make_goods(excluded_zones=["hk-locker"]))
    assert "not possible for: Test tea" in " ".join(client.get(URL).content.decode().split())
    page = post(client, method="hk-locker", locker="H852FG83P").content.decode()
    assert "These cannot be sent this way: Test tea." in page
    assert post(client, method="hk").status_code == 302


@pytest.mark.parametrize(
    ("region", "method", "weight", "value", "fee"),
    [
        ("HK", "hk", 100, "599.99", 30),
        ("HK", "hk", 100, "600", 0),
        ("HK", "hk-locker", 100, "600", 20),
        ("MO", "mo", 1880, "100", 50),
        ("MO", "mo", 1881, "100", 60),
        ("TW", "tw", 880, "100", 85),
        ("TW", "tw", 1881, "100", 145),
        ("CN", "cn", 2880, "100", 125),
        ("GB", "overseas", 380, "100", 180),
        ("GB", "overseas", 381, "100", 225),
    ],
)
def test_the_tariff(region, method, weight, value, fee):
    goods = make_goods(price=value)
    goods.weight_g = weight
    goods.save()
    quote = make_quote(make_cart((goods, 1)), region, method)
    assert (quote.shipping_method, quote.shipping_total) == (method, fee)
