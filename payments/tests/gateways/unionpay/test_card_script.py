"""static/js/card.js in a real browser under the shop's policy; the server behind it notes what it gets."""

import base64
import datetime as dt
import re
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from payments.gateways.unionpay import checked_card
from payments.sandbox.unionpay import pki
from payments.tests.harness.card_page import MESSAGES
from shop.tests.harness.browser import assert_hidden, assert_visible
from shop.tests.harness.prepared import BASE


@pytest.fixture
def pay(shop, page):
    """The page with UnionPay chosen."""
    page.goto(shop.origin)
    page.get_by_label("UnionPay").check()
    return page


def fill(page, number="6250 9300 0000 0002", expiry="12/33", cvc="123"):
    page.fill("#card-number", number)
    page.fill("#card-expiry", expiry)
    page.fill("#card-cvc", cvc)


def submit(page):
    page.get_by_role("button", name="Pay HK$").click()


def sent(shop, page):
    """The one form that was posted."""
    page.get_by_role("heading", name="Thanks").wait_for()
    assert len(shop.posted) == 1
    return {name: values[0] for name, values in parse_qs(shop.posted[0].decode()).items()}


def opened(posted):
    """What UnionPay reads: card number and the other secrets."""
    card = checked_card(
        posted["acc_no"], posted["encrypted_info"], posted["encrypt_cert_id"], posted["last4"]
    )
    pair = pki.encryption_pair(card.encrypt_cert_id)

    return [
        pair.key.decrypt(base64.b64decode(block), PKCS1v15()).decode()
        for block in (card.acc_no, card.encrypted_info)
    ]


def test_what_is_posted_only_unionpay_can_read(shop, pay):
    fill(pay)
    submit(pay)

    posted = sent(shop, pay)

    assert opened(posted) == ["6250930000000002", "cvn2=123&expired=3312"]
    assert posted["last4"] == "0002"
    assert set(posted) == {
        "revision",
        "method",
        "acc_no",
        "encrypted_info",
        "encrypt_cert_id",
        "last4",
    }
    for readable in (b"6250930000000002", b"6250+9300", b"930000000", b"cvn2", b"3312", b"12%2F33"):
        assert readable not in shop.posted[0]


TYPED = [
    (
        "６２５０９３００００００００１０",
        "１２／２０３３",
        "１２３",
        ["6250930000000010", "cvn2=123&expired=3312"],
    ),
    ("6216-2610-0000-0000-018", "1/33", " 007 ", ["6216261000000000018", "cvn2=007&expired=3301"]),
    ("6221558812340000", "0934", "999", ["6221558812340000", "cvn2=999&expired=3409"]),
    ("8171999900000000021", "09 / 2034", "123", ["8171999900000000021", "cvn2=123&expired=3409"]),
    ("4111111111111111", "092034", "123", ["4111111111111111", "cvn2=123&expired=3409"]),
    ("1234567890123", "9-34", "123", ["1234567890123", "cvn2=123&expired=3409"]),
]


def test_people_may_type_as_they_like(shop, pay):
    for number, expiry, cvc, reads in TYPED:
        pay.goto(shop.origin)
        pay.get_by_label("UnionPay").check()
        shop.posted.clear()
        fill(pay, number, expiry, cvc)
        submit(pay)
        assert opened(sent(shop, pay)) == reads


def test_the_same_card_never_looks_the_same(shop, pay):
    spki = pay.locator("#card-fields").get_attribute("data-spki")
    blocks = pay.evaluate(
        """async (spki) => {
            const { encrypt } = await import("/card.js");
            return Promise.all(Array.from({ length: 40 }, () => encrypt(spki, "6250930000000002")));
        }""",
        spki,
    )

    key = pki.encryption_pair().key
    assert len(set(blocks)) == 40
    assert {len(block) for block in blocks} == {344}
    assert {key.decrypt(base64.b64decode(block), PKCS1v15()) for block in blocks} == {b"6250930000000002"}


def test_a_text_too_long_for_the_key_is_refused(shop, pay):
    spki = pay.locator("#card-fields").get_attribute("data-spki")
    outcome = """async (args) => {
        const { encrypt } = await import("/card.js");
        return encrypt(args[0], "x".repeat(args[1])).then((block) => block.length, (error) => error.name);
    }"""
    assert pay.evaluate(outcome, [spki, 245]) == 344
    assert pay.evaluate(outcome, [spki, 246]) == "RangeError"


WRONG = [
    ({"number": "6250 9300 0000"}, "card-number", "number"),
    ({"number": "62509300000000020000"}, "card-number", "number"),
    ({"number": "6250 93OO 0000 0002"}, "card-number", "number"),
    ({"number": ""}, "card-number", "number"),
    ({"expiry": "13/33"}, "card-expiry", "expiry"),
    ({"expiry": "00/33"}, "card-expiry", "expiry"),
    ({"expiry": "12/1999"}, "card-expiry", "expiry"),
    ({"expiry": "123"}, "card-expiry", "expiry"),
    ({"expiry": "soon"}, "card-expiry", "expiry"),
    ({"expiry": "12/20"}, "card-expiry", "expired"),
    ({"cvc": "12"}, "card-cvc", "cvc"),
    ({"cvc": "1234"}, "card-cvc", "cvc"),
    ({"cvc": "１２x"}, "card-cvc", "cvc"),
]


SHOWN = """(input) => ({
    error: document.getElementById(`${input.id}-error`).innerText,
    invalid: input.getAttribute("aria-invalid"),
    described: input.getAttribute("aria-describedby").includes(`${input.id}-error`),
    summary: [...document.querySelectorAll("#card-errors li")].map((item) => item.innerText),
    focus: document.activeElement.id,
})"""


def test_a_wrong_field_says_what_to_do_and_nothing_is_sent(shop, pay):
    fill(pay)
    for values, field, message in WRONG:
        (typed,), text, place = values.values(), MESSAGES[message], pay.locator(f"#{field}")
        good = place.input_value()
        place.fill(typed)
        submit(pay)

        assert place.evaluate(SHOWN) == {
            "error": text,
            "invalid": "true",
            "described": True,
            "summary": [text],
            "focus": "card-errors",
        }, values
        pay.get_by_role("link", name=text).click()
        assert pay.evaluate("document.activeElement.id") == field, values
        assert not hidden_values(pay), values
        place.fill(good)
    assert not shop.posted


def hidden_values(page):
    names = ["acc_no", "encrypted_info", "encrypt_cert_id", "last4"]
    read = "(names) => names.map((name) => document.querySelector(`[name=${name}]`).value)"
    return [value for value in page.evaluate(read, names) if value]


def test_a_corrected_field_is_forgiven(shop, pay):
    fill(pay, number="1", cvc="1")
    submit(pay)
    assert pay.locator("#card-errors li").count() == 2
    assert pay.locator("#card-expiry").get_attribute("aria-describedby") == "expiry-help"

    fill(pay)
    assert pay.locator("#card-number").get_attribute("aria-invalid") is None
    assert_hidden(pay.locator("#card-number-error"))
    submit(pay)

    assert opened(sent(shop, pay))[0] == "6250930000000002"


def test_a_field_says_what_is_wrong_as_soon_as_it_is_left(pay):
    pay.fill("#card-number", "6250")
    pay.locator("#card-expiry").focus()
    assert pay.locator("#card-number-error").inner_text() == MESSAGES["number"]
    pay.locator("#card-cvc").focus()
    assert_hidden(pay.locator("#card-expiry-error"))  # nothing was typed there yet


# What a newcomer is told to type must not look wrong.
[README_CARD] = re.findall(r"`(\d{4}(?: \d{3,4})+)`", (BASE / "README.md").read_text())
WARNINGS = [
    ("4111111111111111", "not-unionpay"),
    ("5500005555555559", "not-unionpay"),
    ("378282246310005", "not-unionpay"),
    ("4111111111111112", "luhn"),
    ("6221558812340000", "luhn"),
    ("1234567890123", "luhn"),
    ("6250930000000002", ""),
    ("6011000990139424", ""),
    ("8171999927660000", ""),
    (README_CARD.replace(" ", ""), ""),
]


def test_luhn_and_prefixes_only_warn(shop, pay):
    place = pay.locator("#card-number-error")
    for number, warning in [*WARNINGS, WARNINGS[0]]:
        fill(pay, number)
        assert place.inner_text() == MESSAGES.get(warning, ""), number
        assert place.is_visible() is bool(warning), number
        assert pay.locator("#card-number").get_attribute("aria-invalid") is None, number

    submit(pay)

    assert opened(sent(shop, pay))[0] == WARNINGS[0][0]


def test_digits_are_grouped_and_the_caret_stays_behind_its_digit(pay):
    number = pay.locator("#card-number")
    number.press_sequentially("62509300")
    assert number.input_value() == "6250 9300"
    number.evaluate("(input) => input.setSelectionRange(2, 2)")
    number.press_sequentially("77")
    assert number.input_value() == "6277 5093 00"
    assert number.evaluate("(input) => input.selectionStart") == 4
    number.press("Backspace")
    assert number.input_value() == "6275 0930 0"
    assert number.evaluate("(input) => input.selectionStart") == 3
    number.press("End")
    for _ in range(9):
        number.press("Backspace")
    assert number.input_value() == ""


def test_the_fields_show_only_for_unionpay_and_paypal_sends_no_card(shop, pay):
    fill(pay)
    assert_visible(pay.locator("#card-fields"))
    pay.get_by_label("PayPal").check()
    assert_hidden(pay.locator("#card-fields"))

    submit(pay)

    posted = sent(shop, pay)
    assert posted == {"revision": "1", "method": "paypal"}


@pytest.mark.parametrize("method", ["PayPal", "UnionPay"])
def test_a_double_click_sends_once(shop, pay, method):
    pay.get_by_label(method).check()
    if method == "UnionPay":
        fill(pay)
    shop.patience = 0.15

    seen = pay.get_by_role("button", name="Pay HK$").evaluate(
        """(button) => {
            button.click();
            const seen = [button.textContent, button.getAttribute("aria-disabled")];
            button.click();
            setTimeout(() => button.click(), 10);
            setTimeout(() => button.form.requestSubmit(), 20);
            return seen;
        }"""
    )

    assert seen == ["Processing…", "true"]
    sent(shop, pay)


def test_coming_back_finds_empty_fields_and_a_button_that_works(shop, pay):
    fill(pay)
    submit(pay)
    sent(shop, pay)

    pay.go_back()

    pay.get_by_role("button", name="Pay HK$12.34").wait_for()
    for field in ("card-number", "card-expiry", "card-cvc"):
        assert pay.locator(f"#{field}").input_value() == ""
    assert not hidden_values(pay)
    pay.get_by_label("UnionPay").check()
    assert_visible(pay.locator("#card-fields"))
    fill(pay)
    submit(pay)
    pay.get_by_role("heading", name="Thanks").wait_for()
    assert len(shop.posted) == 2


def test_nothing_typed_reaches_storage_the_address_or_the_console(shop, pay):
    said = []
    pay.on("console", lambda message: said.append(message.text))
    fill(pay)
    submit(pay)
    sent(shop, pay)

    stored = pay.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])"
    )
    assert stored == '[{},{},"",null]'
    assert not said
    assert "?" not in pay.url


def test_the_inputs_have_no_names_so_they_are_never_sent(shop, page, open_page):
    without_script = open_page("en", javascript=False)
    without_script.goto(shop.origin)
    assert_hidden(without_script.locator("#card-fields"))
    without_script.get_by_label("UnionPay").check()
    without_script.get_by_role("button", name="Pay HK$").click()

    assert parse_qs(shop.posted[0].decode()) == {"revision": ["1"], "method": ["unionpay"]}


def test_a_key_that_cannot_be_used_sends_nothing(shop, page, complaints):
    shop.data["spki"] = "AAAA"
    page.goto(shop.origin)
    page.get_by_label("UnionPay").check()
    fill(page)
    submit(page)

    page.get_by_text(MESSAGES["failed"]).wait_for()
    assert_visible(page.get_by_role("button", name="Pay HK$12.34"))
    assert not shop.posted


def test_without_a_key_the_buyer_goes_to_unionpays_own_page(shop, page):
    shop.data["spki"] = ""
    page.goto(shop.origin)
    page.get_by_label("UnionPay").check()
    assert_hidden(page.locator("#card-fields"))
    submit(page)

    assert sent(shop, page) == {"revision": "1", "method": "unionpay"}


def test_a_card_is_good_until_the_end_of_its_month_everywhere(pay):
    expired = """async (args) => {
        const { hasExpired } = await import("/card.js");
        return hasExpired({ month: args[0], year: args[1] }, new Date(args[2]));
    }"""
    assert pay.evaluate(expired, [11, 2026, "2026-11-30T23:59:00-11:00"]) is False
    assert pay.evaluate(expired, [12, 2026, "2026-12-31T23:59:00-12:00"]) is False
    assert pay.evaluate(expired, [11, 2026, "2026-12-01T12:00:00Z"]) is True
    this_month = dt.datetime.now(dt.UTC)
    assert pay.evaluate(expired, [this_month.month, this_month.year, this_month.isoformat()]) is False


def test_the_card_may_be_entered_on_unionpays_own_page_instead(shop, pay):
    fill(pay)
    pay.get_by_role("button", name="Own page").click()

    posted = sent(shop, pay)
    assert posted == {"revision": "1", "method": "unionpay"}
