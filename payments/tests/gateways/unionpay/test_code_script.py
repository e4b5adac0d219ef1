"""The code by text message in a real browser: sent, counted down, wrong, too late, never kept."""

import base64
import json
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from payments.sandbox.unionpay import pki
from shop.tests.harness.browser import assert_accessible, assert_hidden, assert_visible

CODE_MESSAGES = {
    "phone": "Enter your mobile number",
    "code": "Enter six digits",
    "sent": "We have sent a code",
    "wait": "Wait # seconds",
    "again": "Ask again now",
    "changed": "The card has changed",
    "not-sent": "Not requested. No money was taken",
}
FIELDS = """
<label>Mobile <input id="card-phone" type="tel"></label><p id="card-phone-error" hidden></p>
<button id="send-code" type="button" data-again="Send a new code" data-busy="Sending…">Send code</button>
<span id="code-wait" aria-hidden="true"></span><p id="code-status" aria-live="polite"></p>
<div id="code-field" hidden><label>Code <input id="card-code" autocomplete="one-time-code"
 aria-describedby="code-status"></label><p id="card-code-error" hidden></p></div>
"""
SENT = (200, {"sent": True, "resend_after": 60})
WRONG = (400, {"error": "The code was wrong", "field": "code"})


def show(shop, page, complaints):
    """The page of a shop whose bank sends codes, with UnionPay chosen and a card typed."""
    complaints.expected += [f"status of {status}" for status in (400, 409, 429, 503)]
    shop.code_fields = FIELDS
    shop.data |= {"send-url": "/send", "pay-url": "/charge", "progress-url": "/progress"}
    shop.data |= {f"message-{name}": text for name, text in CODE_MESSAGES.items()}
    page.goto(shop.origin)
    page.get_by_label("UnionPay").check()
    fill(page)
    return page


@pytest.fixture
def pay(shop, page, complaints):
    return show(shop, page, complaints)


def fill(page, phone="+852 5123 4567"):
    page.fill("#card-number", "6250 9300 0000 0002")
    page.fill("#card-expiry", "12/33")
    page.fill("#card-cvc", "123")
    page.fill("#card-phone", phone)


def send(page):
    page.locator("#send-code").click()


def press_pay(page):
    page.get_by_role("button", name="Pay HK$").click()


def enter(page, code="111111"):
    page.fill("#card-code", code)
    press_pay(page)


def posted(shop, path):
    """What was posted there, read as forms."""
    bodies = [body for where, body in zip(shop.paths, shop.posted, strict=True) if where == path]
    return [{name: values[0] for name, values in parse_qs(body.decode()).items()} for body in bodies]


def secrets(block):
    return pki.encryption_pair().key.decrypt(base64.b64decode(block), PKCS1v15()).decode()


def focused(page):
    return page.evaluate("document.activeElement.id")


def error_at_code(page, text):
    page.locator("#card-code-error", has_text=text).wait_for()


def test_the_code_is_sent_entered_and_paid_with_the_same_encrypted_card(shop, pay):
    shop.replies = {"/send": [SENT], "/charge": [(200, {"go": "/progress"})]}

    send(pay)
    pay.locator("#code-field").wait_for()

    assert pay.locator("#code-status").inner_text() == "We have sent a code"
    assert focused(pay) == "card-code"
    assert "code-status" in pay.locator("#card-code").get_attribute("aria-describedby")
    enter(pay)
    pay.wait_for_url("**/progress")
    [send_form], [charged] = posted(shop, "/send"), posted(shop, "/charge")
    card = ["acc_no", "encrypted_info", "encrypt_cert_id", "last4"]
    assert set(send_form) == {"revision", *card}
    assert set(charged) == {"revision", "method", "sms_code", *card}
    assert [send_form[name] for name in card] == [charged[name] for name in card]
    assert (charged["method"], charged["sms_code"]) == ("unionpay", "111111")
    assert secrets(send_form["acc_no"]) == "6250930000000002"
    assert secrets(send_form["encrypted_info"]) == "cvn2=123&expired=3312&phoneNo=85251234567"
    for body in shop.posted:
        assert b"51234567" not in body


TELEPHONES = [
    ("13552535506", "13552535506"),
    ("135 5253 5506", "13552535506"),
    ("+86 135-5253-5506", "13552535506"),
    ("008613552535506", "13552535506"),
    ("8613552535506", "13552535506"),
    ("51234567", "85251234567"),
    ("5123 4567", "85251234567"),
    ("852 5123 4567", "85251234567"),
    ("+852 (5123) 4567", "85251234567"),
    ("＋８５２５１２３４５６７", "85251234567"),
    ("+853 6612 3456", "85366123456"),
    ("85366123456", "85366123456"),
    ("+886 912 345 678", "886912345678"),
    ("+1 415 555 2671", "14155552671"),
    ("+44 20 7946 0958", "442079460958"),
    ("", None),
    ("1234", None),
    ("21234567", None),
    ("12552535506", None),
    ("+1234567", None),
    ("+1234567890123456", None),
    ("442079460958", None),
    ("my phone", None),
    ("5123456a", None),
]


def test_telephones_are_read_as_people_write_them(pay):
    script = """async (typed) => typed.map((await import("/card.js")).phoneDigits)"""
    typed = [typed for typed, _ in TELEPHONES]
    assert list(zip(typed, pay.evaluate(script, typed), strict=True)) == TELEPHONES


def test_without_a_telephone_nothing_is_sent(shop, pay):
    pay.fill("#card-phone", "12")
    send(pay)

    assert pay.locator("#card-phone-error").inner_text() == "Enter your mobile number"
    assert pay.locator("#card-errors li").all_inner_texts() == ["Enter your mobile number"]
    assert not shop.posted


def test_pay_before_a_code_was_sent_has_one_sent(shop, pay):
    shop.replies = {"/send": [SENT]}
    press_pay(pay)
    pay.locator("#code-field").wait_for()
    assert shop.paths == ["/send"]
    press_pay(pay)
    error_at_code(pay, "Enter six digits")
    assert shop.paths == ["/send"]


def test_enter_in_the_code_field_pays(shop, pay):
    shop.replies = {"/send": [SENT], "/charge": [(200, {"go": "/progress"})]}
    send(pay)
    pay.locator("#code-field").wait_for()
    pay.locator("#card-code").press_sequentially("１１１ １１１")
    pay.locator("#card-code").press("Enter")
    pay.wait_for_url("**/progress")
    assert posted(shop, "/charge")[0]["sms_code"] == "111111"


def test_a_wrong_code_asks_for_the_code_alone(shop, pay):
    shop.replies = {"/send": [SENT], "/charge": [WRONG, (200, {"go": "/progress"})]}
    send(pay)
    pay.locator("#code-field").wait_for()

    enter(pay, "123456")

    error_at_code(pay, "The code was wrong")
    assert pay.locator("#card-code").input_value() == ""
    assert pay.locator("#card-code").get_attribute("aria-invalid") == "true"
    assert pay.locator("#card-number").input_value() == "6250 9300 0000 0002"
    assert pay.get_by_role("button", name="Pay HK$12.34").is_enabled()
    pay.get_by_role("link", name="The code was wrong").click()
    assert focused(pay) == "card-code"
    enter(pay)
    pay.wait_for_url("**/progress")
    first, second = posted(shop, "/charge")
    assert first["acc_no"] == second["acc_no"]


def test_a_code_that_came_too_late_leads_to_a_new_one(shop, pay):
    late = (409, {"error": "Too late", "field": "code", "expired": True})
    shop.replies = {"/send": [(200, {"sent": True, "resend_after": 0}), SENT], "/charge": [late]}
    send(pay)
    pay.locator("#code-field").wait_for()
    enter(pay)

    pay.get_by_role("link", name="Too late").click()

    assert focused(pay) == "send-code"
    assert_hidden(pay.locator("#code-field"))
    send(pay)
    pay.locator("#code-field").wait_for()
    assert shop.paths == ["/send", "/charge", "/send"]


def test_the_next_code_may_be_asked_for_after_the_countdown(shop, open_page, complaints):
    pay = show(shop, open_page(), complaints)
    pay.clock.install(time="2026-12-01T10:00:00")
    pay.clock.pause_at("2026-12-01T10:00:30")  # however slow the machine: only the test moves it
    shop.replies = {"/send": [SENT, SENT]}
    send(pay)
    pay.locator("#code-field").wait_for()
    button, wait = pay.locator("#send-code"), pay.locator("#code-wait")
    assert button.inner_text() == "Send a new code"
    assert button.get_attribute("aria-disabled") == "true"
    assert wait.inner_text() == "Wait 60 seconds"

    pay.clock.run_for(20_000)
    assert wait.inner_text() == "Wait 40 seconds"
    assert pay.locator("#code-status").inner_text() == "We have sent a code"  # each second is not read out
    button.evaluate("(button) => button.click()")
    assert pay.locator("#code-status").inner_text() == "Wait 40 seconds"
    pay.clock.run_for(41_000)

    assert wait.inner_text() == ""
    assert button.get_attribute("aria-disabled") is None
    assert pay.locator("#code-status").inner_text() == "Ask again now"
    assert shop.paths == ["/send"]
    send(pay)
    pay.locator("#code-status", has_text="We have sent a code").wait_for()
    assert shop.paths == ["/send", "/send"]


def test_a_code_sent_before_the_page_was_loaded_again_may_still_be_entered(shop, pay):
    soon = (429, {"error": "A moment ago", "field": "code", "sent": True, "resend_after": 60})
    shop.replies = {"/send": [soon], "/charge": [(200, {"go": "/progress"})]}
    send(pay)
    error_at_code(pay, "A moment ago")
    enter(pay)
    pay.wait_for_url("**/progress")


REFUSALS = [
    ((400, {"error": "Number unknown", "field": "number"}), "card-number"),
    ((400, {"error": "Other telephone", "field": "phone"}), "card-phone"),
]


def test_what_the_bank_refuses_is_told_at_its_field(shop, pay):
    for reply, field in REFUSALS:
        shop.replies = {"/send": [reply]}
        send(pay)
        pay.get_by_role("link", name=reply[1]["error"]).click()
        assert focused(pay) == field
        assert pay.locator(f"#{field}-error").inner_text() == reply[1]["error"]
        assert_hidden(pay.locator("#code-field"))


@pytest.mark.parametrize("reply", [(503, b"<h1>Busy</h1>"), (403, b""), (200, b"null")])
def test_no_answer_to_the_request_for_a_code_says_that_no_money_was_taken(shop, pay, complaints, reply):
    complaints.expected.append("status of 403")
    shop.replies = {"/send": [reply]}
    send(pay)
    pay.get_by_text("Not requested. No money was taken").wait_for()
    assert_visible(pay.get_by_role("button", name="Send code"))


def test_an_error_about_no_field_is_told_above(shop, pay):
    shop.replies = {"/send": [(503, {"error": "The shop is busy", "field": ""})]}
    send(pay)
    pay.locator("#card-errors", has_text="The shop is busy").wait_for()
    assert focused(pay) == "card-errors"


@pytest.mark.parametrize("reply", [(502, b"<h1>Bad gateway</h1>"), (200, b"")])
def test_no_answer_to_the_payment_leads_to_the_page_that_knows(shop, pay, complaints, reply):
    complaints.expected.append("status of 502")
    shop.replies = {"/send": [SENT], "/charge": [reply]}
    send(pay)
    pay.locator("#code-field").wait_for()
    enter(pay)
    pay.wait_for_url("**/progress")


def test_a_double_click_pays_once_and_sends_one_code(shop, pay):
    shop.replies = {"/send": [SENT], "/charge": [(200, {"go": "/progress"})]}
    shop.patience = 0.15
    pay.locator("#send-code").evaluate("(button) => { button.click(); button.click(); }")
    pay.locator("#code-field").wait_for()
    pay.fill("#card-code", "111111")
    pay.get_by_role("button", name="Pay HK$").evaluate("(button) => { button.click(); button.click(); }")
    pay.wait_for_url("**/progress")
    assert shop.paths == ["/send", "/charge"]


@pytest.mark.parametrize("field", ["card-number", "card-expiry", "card-cvc", "card-phone"])
def test_a_changed_card_needs_a_new_code(shop, pay, field):
    shop.replies = {"/send": [SENT]}
    send(pay)
    pay.locator("#code-field").wait_for()
    pay.locator(f"#{field}").press("End")
    pay.locator(f"#{field}").press("Backspace")

    assert_hidden(pay.locator("#code-field"))
    assert pay.locator("#code-status").inner_text() == "The card has changed"


def test_the_other_method_and_the_way_out_forget_card_and_code(shop, pay):
    shop.replies = {"/send": [SENT]}
    send(pay)
    pay.locator("#code-field").wait_for()
    pay.get_by_label("PayPal").check()
    pay.get_by_label("UnionPay").check()
    assert_hidden(pay.locator("#code-field"))

    pay.get_by_role("button", name="Own page").click()
    pay.get_by_role("heading", name="Thanks").wait_for()
    assert posted(shop, "/pay") == [{"revision": "1", "method": "unionpay"}]


def test_nothing_of_card_telephone_or_code_is_kept_in_the_browser(shop, pay):
    said = []
    pay.on("console", lambda message: said.append(message.text))
    shop.replies = {"/send": [SENT], "/charge": [(200, {"go": "/progress"})]}
    send(pay)
    pay.locator("#code-field").wait_for()
    enter(pay)
    pay.wait_for_url("**/progress")
    stored = pay.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, history.state])"
    )
    assert json.loads(stored) == [{}, {}, "", None]
    assert not said
    pay.go_back()
    pay.get_by_label("UnionPay").check()
    for field in ("card-number", "card-expiry", "card-cvc", "card-phone", "card-code"):
        assert pay.locator(f"#{field}").input_value() == ""
    assert_hidden(pay.locator("#code-field"))


def test_the_page_is_accessible_with_and_without_the_code(shop, pay):
    shop.replies = {"/send": [SENT], "/charge": [WRONG]}
    assert_accessible(pay)
    send(pay)
    pay.locator("#code-field").wait_for()
    assert_accessible(pay)
    enter(pay, "123456")
    error_at_code(pay, "The code was wrong")
    assert_accessible(pay)
