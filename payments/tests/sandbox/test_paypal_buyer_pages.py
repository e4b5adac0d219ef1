"""The buyer at the stand-in's pages: three ways to pay, one to leave; nothing typed is kept."""

import re
from urllib.parse import urljoin

import pytest
import requests

from payments.gateways.base import Approved, Declined, Item, Unfinished
from payments.sandbox import store

pytestmark = pytest.mark.prove

CARD = {"number": "6212 3456-7890 0000 003", "expires": "12/39", "cvc": "987", "name": "CHAN CANARY YEE"}


@pytest.fixture
def get():
    return lambda url, **options: requests.get(url, timeout=5, allow_redirects=False, **options)


@pytest.fixture
def post():
    return lambda url, **form: requests.post(url, data=form, timeout=5, allow_redirects=False)


def test_the_page_shows_merchant_lines_total_and_address(started, get):
    _, url = started()

    page = get(url).text

    for text in (
        "雲硯閣",
        "端硯「雲紋」",
        "HK$960.00",
        "居家風水諮詢",
        "HK$50.00",
        "HK$1,234.50",
        "陳美儀",
        "KOWLOON",
    ):
        assert text in page
    for way in ("way=card", "way=new", "way=cancel", 'type="password"'):
        assert way in page


@pytest.mark.parametrize(
    ("language", "suffix", "shown"),
    [
        ("zh-hant", "", "zh-Hant"),
        ("en", "", "en"),
        ("en", "&lang=zh-hant", "zh-Hant"),
        ("zh-hant", "&lang=en", "en"),
        ("zh-hant", "&lang=xx", "zh-Hant"),
    ],
)
def test_the_page_speaks_the_locale_of_the_order_or_the_language_chosen(
    started, get, language, suffix, shown
):
    _, url = started(language=language)

    assert f'<html lang="{shown}">' in get(url + suffix).text


def test_the_chosen_language_stays_through_the_payment(started, get, post):
    _, url = started()

    step = post(url + "&lang=en", email="mei@example.com", password="x").headers["Location"]

    assert '<html lang="en">' in get(urljoin(url, step)).text


def test_a_logged_in_buyer_reviews_and_pays(started, get, post, parameters, paypal):
    purchase, url = started(return_url="http://127.0.0.1/back/?a=1&b=%20#top", language="en")

    step = urljoin(url, post(url, email="mei@example.com", password="x").headers["Location"])
    assert "Pay HK$1,234.50" in get(step).text
    response = post(step, funding="card")

    assert response.status_code == 303
    back = response.headers["Location"]
    assert back.startswith("http://127.0.0.1/back/?a=1&b=%20&token=")
    assert back.endswith("#top")
    assert parameters(back)["token"] == purchase.gateway_id
    assert re.fullmatch(r"[2-9A-HJ-NP-Z]{13}", parameters(back)["PayerID"])
    assert paypal.fetch(purchase) == Approved()


def test_paying_needs_logging_in_first(started, get, post, paypal):
    purchase, url = started()
    _, other_url = started()
    foreign = (
        post(other_url, email="mei@example.com", password="x").headers["Location"].partition("buyer=")[2]
    )

    for attempt in (f"{url}&way=choose", f"{url}&way=choose&buyer=x", f"{url}&way=choose&buyer={foreign}"):
        assert "way=login" in get(attempt).headers["Location"]
        assert "way=login" in post(attempt, funding="balance").headers["Location"]
    assert paypal.fetch(purchase) == Unfinished("PAYER_ACTION_REQUIRED")


def test_a_new_account_leads_to_the_review_too(started, post):
    _, url = started()

    response = post(f"{url}&way=new", email="mei@example.com", name="Mei", password="x")

    assert "way=choose" in response.headers["Location"]


def test_a_card_needs_no_account(started, post, paypal):
    purchase, url = started()

    assert post(f"{url}&way=card", **CARD).headers["Location"].startswith(purchase.return_url)
    assert paypal.fetch(purchase) == Approved()


def test_a_card_can_be_declined_on_request(started, post, paypal):
    purchase, url = started()
    post(f"{url}&way=card", **CARD, is_declined="on")

    assert paypal.capture(purchase) == Declined("INSTRUMENT_DECLINED", retry="same-gateway-page")


def test_the_buyer_is_told_of_the_declined_card(started, get, post, paypal):
    purchase, url = started(language="en")
    assert "was declined" not in get(url).text
    post(f"{url}&way=card", **CARD, is_declined="on")
    paypal.capture(purchase)

    assert "Your last payment method was declined. No money was taken." in get(url).text


WRONG_CARDS = [
    {"number": "4111 1111 111"},
    {"number": "4" * 20},
    {"number": "4111 1111 1111 111x"},
    {"number": ""},
    {"expires": "13/39"},
    {"expires": "00/39"},
    {"expires": "12/25"},
    {"expires": "2039-12"},
    {"cvc": "12"},
    {"cvc": "12345"},
    {"cvc": "abc"},
    {"name": ""},
]


def test_a_card_of_another_shape_comes_back_without_what_was_typed(started, post, paypal):
    purchase, url = started()
    for wrong in WRONG_CARDS:
        response = post(f"{url}&way=card", **{**CARD, **wrong})

        assert response.status_code == 200, wrong
        assert 'role="alert"' in response.text, wrong
        for typed in {**CARD, **wrong}.values():
            assert not typed or f'value="{typed}"' not in response.text, wrong
    assert paypal.fetch(purchase) == Unfinished("PAYER_ACTION_REQUIRED")


@pytest.mark.parametrize(
    "good",
    [
        {"number": "４１１１１１１１１１１１１１１１"},
        {"expires": "1/2039"},
        {"expires": "0139"},
        {"cvc": "1234"},
    ],
    ids=str,
)
def test_cards_are_read_as_people_type_them(started, post, good):
    _, url = started()

    assert post(f"{url}&way=card", **{**CARD, **good}).status_code == 303


def test_nothing_typed_is_stored_or_logged(started, get, post, caplog):
    caplog.set_level("DEBUG")
    _, url = started()
    post(f"{url}&way=card", **CARD)
    post(f"{url}&way=card", **{**CARD, "cvc": "x"})
    post(f"{url}&way=new", email="canary@example.com", name="Canary Name", password="canary-password")

    with store._lock:
        store._database().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = b"".join(path.read_bytes() for path in store.folder().iterdir()) + caplog.text.encode()
    for secret in ("62123456", "6212 3456", "6212+3456", "canary", "Canary", "CANARY"):
        assert secret.encode() not in stored


def test_cancelling_leads_back_to_the_shop(started, get, paypal):
    purchase, url = started()

    assert (
        get(f"{url}&way=cancel").headers["Location"] == f"{purchase.cancel_url}?token={purchase.gateway_id}"
    )
    assert paypal.fetch(purchase) == Unfinished("PAYER_ACTION_REQUIRED")


def test_a_paid_order_cannot_be_paid_again(started, approve, get, post, paypal):
    purchase, url = started(language="en")
    approve(url)
    paypal.capture(purchase)

    page = get(url).text

    assert "This payment has been made" in page
    assert f"{purchase.return_url}?token={purchase.gateway_id}" in page
    assert post(f"{url}&way=card", **CARD).status_code == 200


NO_TOKENS = ["", "?token=", "?token=NOPE", "?token=%27%20OR%201=1--", "?token=%00", "?x=1"]


def test_an_unknown_token_is_not_found(sandbox, get):
    for token in NO_TOKENS:
        response = get(f"{sandbox}/paypal/checkoutnow{token}")

        assert response.status_code == 404, token
        assert "Content-Security-Policy" in response.headers, token


def test_the_page_is_also_at_the_root_as_at_paypal(started, sandbox, get):
    purchase, _ = started()

    assert get(f"{sandbox}/checkoutnow?token={purchase.gateway_id}").status_code == 200


@pytest.mark.parametrize("way", ["login", "card", "new"])
def test_the_policy_is_strict_and_lets_the_buyer_return_to_the_shop(started, get, way):
    _, url = started(return_url="https://shop.example:8443/back")

    response = get(f"{url}&way={way}")

    policy = dict(
        part.strip().partition(" ")[::2] for part in response.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'self'"
    assert policy["form-action"] == "'self' https://shop.example:8443"
    assert response.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script|<style| style=| on[a-z]+=", response.text)


def test_what_the_shop_sends_is_escaped(started, get):
    from decimal import Decimal

    nasty = '</h2><script>alert(1)</script>{{ 7*7 }}"'
    _, url = started(items=(Item(nasty, Decimal("1184.50"), 1, "X", ships=True),))

    page = get(url).text

    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "{{ 7*7 }}" in page


def test_other_methods_are_refused(started):
    _, url = started()

    assert requests.put(url, timeout=5).status_code == 405
    assert requests.head(url, timeout=5).status_code == 200
