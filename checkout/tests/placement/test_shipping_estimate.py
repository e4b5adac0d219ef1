"""The cart says what sending costs, for the region one chooses, before anything is typed."""

import re

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import override

from checkout.shipping import rates
from checkout.tests.scenes import add, make_goods, make_service
from shop.l10n.money import formatted

pytestmark = pytest.mark.django_db

URL = "/en/shipping-estimate/"
CART = "/en/cart/"


def estimate(client, region: str = "") -> str:
    """The cart's estimate as text, after choosing the region."""
    if region:
        response = client.get(URL, {"region": region})
        assert response.url == f"{CART}#estimate"
    page = client.get(CART).content.decode()
    found = re.search(r'<section id="estimate".*?</section>', page, re.DOTALL)
    return re.sub(
        r"\s+", " ", re.sub(r"<option(?! [^>]*selected)[^>]*>.*?</option>|<[^>]+>", " ", found.group(0))
    )


def test_it_begins_with_hong_kong_and_shows_every_method(client):
    add(client, make_goods())
    text = estimate(client)
    for shown in ("Hong Kong", "Courier in Hong Kong 1–2 working days", "HK$30.00", "SF locker", "HK$20.00"):
        assert shown in text
    assert "free from HK$600.00 of goods" in text


def test_the_choice_is_remembered(client):
    add(client, make_goods())
    assert "Courier to Taiwan 3–5 working days HK$85.00" in estimate(client, "TW")
    assert "Courier to Taiwan" in estimate(client)
    assert "Speedpost (EMS)" in estimate(client, "FR")


def test_a_region_that_there_is_not_changes_nothing_and_is_told(client):
    add(client, make_goods())
    estimate(client, "MO")
    for region in ("XX", "", "x" * 10_000, "\x00", "𠮷", "hk"):
        client.get(URL, {"region": region})
        page = client.get(CART).content.decode()
        assert "Please choose a region from the list." in page
        assert "Courier to Macau" in page


def test_without_a_cart_no_session_begins(client):
    assert client.get(URL, {"region": "TW"}).url == CART
    assert settings.SESSION_COOKIE_NAME not in client.cookies


def test_what_cannot_be_sent_there_is_named_with_a_reason(client):
    add(client, make_goods(excluded_zones=["cn"]))
    text = estimate(client, "CN")
    assert "These cannot be sent to Mainland China: Test tea" in text
    assert "Carriers or customs do not accept them there." in text
    assert "HK$" not in text
    assert "Test tea" not in estimate(client, "TW")


def test_goods_worth_enough_are_sent_for_nothing(client):
    add(client, make_goods(price="600.00"))
    assert "Courier in Hong Kong 1–2 working days Free" in estimate(client, "HK")


def test_services_alone_have_no_estimate(client):
    add(client, make_service())
    assert 'id="estimate"' not in client.get(CART).content.decode()


def test_the_estimate_is_what_the_checkout_charges(client):
    add(client, make_goods(), 3)
    for region in ("HK", "MO", "TW", "CN", "JP"):
        estimated = re.findall(r"HK\$[\d.,]+", estimate(client, region))[0]
        page = client.get("/en/checkout/").content.decode()
        charged = re.search(r"Shipping fee<br>.*?<dd>([^<]+)</dd>", page, re.DOTALL)
        assert charged.group(1) == estimated


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_prices_of_shipping_are_told_in_one_place_only(client, language):
    """No page says a tariff in words of its own; those that tell it follow it."""
    with override(language):
        nearest = render_to_string("checkout/_nearest.html", {"tariff": rates.TARIFFS["hk"]})
        assert formatted(rates.TARIFFS["hk"].first, "HKD") in nearest
        terms = client.get(f"/{language}/terms/").content.decode()
        for tariff in rates.TARIFFS.values():
            assert formatted(tariff.first, "HKD") in terms
    for path in [
        *settings.BASE_DIR.joinpath("templates").rglob("*.*"),
        *settings.BASE_DIR.glob("locale/*/*/*.po"),
    ]:
        assert not re.search(r"HK\$ ?(20|30|50|75|85|180|600)\b", path.read_text()), path.name
