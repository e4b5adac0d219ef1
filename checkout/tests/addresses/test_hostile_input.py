"""Hostile input to the delivery part of the checkout page: told at its field, and no page breaks."""

from itertools import product
from urllib.parse import quote_from_bytes, urlencode

import pytest

from checkout.addresses.forms import ShippingForm
from checkout.models import Order
from checkout.tests.scenes import TYPED, URL, add, make_cart, make_goods, quote_of

pytestmark = pytest.mark.django_db

NASTY = {
    "from an older page": "it\x92s",
    "surrogate": "a\ud800b",
    "unreadable": "a\ufffdb",
    "emoji": "Flat 🏠",
    "10 kB": "x" * 10_000,
    "10 kB of Han": "字" * 10_000,
}
LINES = ["recipient", "line1", "line2", "city", "district", "area", "postcode", "locker"]


@pytest.mark.parametrize(
    "where", [{"region": "HK"}, {"region": "CN"}, {"region": "GB"}, {"region": "HK", "method": "hk-locker"}]
)
def test_what_cannot_be_printed_is_told_at_its_field(where):
    cart = make_cart((make_goods(), 1))
    shown = [name for name in LINES if name in ShippingForm(where, cart=cart).fields]
    silent = []
    for name, (kind, text) in product(shown, NASTY.items()):
        form = ShippingForm({**where, name: text}, cart=cart)
        if not form.errors.get(name):
            silent.append((name, kind))
        form.suit({**where, name: text, "line1": text})
        "\n".join(form.preview).encode()  # printable all the same
    assert silent == []


def test_free_text_takes_emoji_and_many_lines_and_refuses_what_cannot_be_read():
    cart = make_cart((make_goods(), 1))
    text = "生日快樂 🎂\r\nמזל טוב"
    form = ShippingForm({**TYPED, "is_gift": "on", "card_text": text, "delivery_note": text}, cart=cart)
    assert form.is_valid(), form.errors.as_text()
    assert form.cleaned_data["card_text"] == text.replace("\r\n", "\n")
    for nasty in ("from an older page", "surrogate", "10 kB"):
        errors = ShippingForm({"card_text": NASTY[nasty], "delivery_note": NASTY[nasty]}, cart=cart).errors
        assert {"card_text", "delivery_note"} <= set(errors)


def test_a_line_end_counts_once_as_in_the_browser():
    cart = make_cart((make_goods(), 1))
    longest = "\r\n".join(["x"] * 100) + "x"  # 200 characters where a line end is one
    assert ShippingForm({**TYPED, "is_gift": "on", "card_text": longest}, cart=cart).is_valid()


def test_marks_of_writing_direction_and_line_ends_do_not_reach_the_label():
    typed = {**TYPED, "recipient": "Mei\u202e\r\n Chan\u200b\x00\x1b"}
    form = ShippingForm(typed, cart=make_cart((make_goods(), 1)))
    assert form.is_valid()
    assert form.cleaned_data["recipient"] == "Mei Chan"


@pytest.mark.parametrize(
    "raw",
    [
        b"recipient=%ED%A0%80",  # half a surrogate pair
        b"recipient=%00&line1=%00",
        b"recipient=%E2%80%AE&recipient=b&region=HK&region=XX&method=hk&method=",
        b"region=" + quote_from_bytes("𠮷".encode()).encode() + b"&shape=%00&kept_HK_area=" + b"x" * 9000,
        b"region=GB&shape=HK&area=x&kept_GB_city=" + quote_from_bytes(b"<script>").encode(),
        b"region=TW&area=" + b"%E5" * 50 + b"&city=[]&postcode=%D9%A1%D9%A0%D9%A6",
        b"is_gift=maybe&card_text=" + b"%F0%9F%8E%82" * 300,
        b"phone=" + b"9" * 10_000,
        b"phone=%2B" + b"%EF%BC%91" * 40,
    ],
)
def test_no_request_breaks_the_page(client, raw):
    add(client, make_goods())
    for action in (b"", b"&action=quote"):
        body = urlencode({"quote": quote_of(client.get(URL))}).encode() + b"&" + raw + action
        response = client.post(URL, body, content_type="application/x-www-form-urlencoded")
        assert response.status_code == 200
        assert not Order.objects.exists()
        assert client.get(URL).status_code == 200
        assert "<script>" not in response.content.decode().replace('<script type="module"', "")


def test_no_text_at_all_names_every_field_that_is_missing(client):
    add(client, make_goods())
    page = client.post(URL, {"region": "HK"}).content.decode()
    for name in ("email", "recipient", "phone", "area", "city", "line1"):
        assert f'href="#id_{name}"' in page
