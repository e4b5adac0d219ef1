"""The sandbox's own page for buyers: what it shows, takes and sends back, with a browser and without."""

import dataclasses
import datetime as dt
import html
import re

import pytest
import requests

from payments.gateways.base import Captured, Handoff, Refunded, Unfinished
from payments.gateways.unionpay import messages
from payments.sandbox import store
from payments.tests.harness import unionpay_sandbox as sandbox
from payments.tests.harness.unionpay_sandbox import (
    CARD,
    notification,
)
from shop import clock
from shop.tests.harness.browser import assert_accessible

pytestmark = pytest.mark.prove

GOOD = {"number": CARD, "expiry": "12/33", "cvc": "123"}


@pytest.fixture
def http():
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Accept-Language"] = "en"
        yield session


@pytest.fixture
def begun(gateway, make_purchase):
    """A purchase and the form that takes the buyer to the cashier."""

    def begin(**changes):
        purchase = make_purchase(**changes)
        started = gateway.start(purchase)
        return dataclasses.replace(purchase, gateway_id=started.gateway_id), started.handoff

    return begin


def send(http, handoff):
    return http.post(handoff.url, data=handoff.fields, timeout=5)


def hidden_fields(page):
    inputs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in inputs}


def test_the_buyer_sees_the_order_pays_and_is_led_back(gateway, begun, http):
    purchase, handoff = begun()
    page = send(http, handoff)
    assert page.history[0].status_code == 303
    assert "HK$12.34" in page.text
    assert purchase.reference in page.text
    assert gateway.fetch(purchase) == Unfinished("05")

    paid = http.post(page.url, data=GOOD, timeout=5)

    assert "Payment successful" in paid.text
    captured = gateway.fetch(purchase)
    assert isinstance(captured, Captured)
    assert captured.our_reference == purchase.reference
    action = re.search(r'<form id="return"[^>]* action="([^"]+)"', paid.text)[1]
    back = hidden_fields(paid.text)
    assert action == purchase.return_url
    assert back["respMsg"] == "success"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = requests.models.RequestEncodingMixin._encode_params(back).encode()
    assert gateway.verify_notification(headers, body) is True
    back_headers, back_body = notification()
    event = gateway.read_notification(back_headers, back_body)
    assert event == gateway.read_notification(headers, body)


FAILING_CARDS = [
    ({"cvc": "321"}, "Expiration date or CVC is wrong"),
    ({"number": "6250930000009999"}, "This card number is not known"),
    ({"expiry": "01/20"}, "This card has expired"),
    ({"cvc": "12"}, "Please enter the three digits of the CVC"),
    ({"expiry": "13/33"}, "Please enter the expiration date"),
    ({"number": "1"}, "Please enter the 13 to 19 digits"),
    ({"number": ""}, "Please enter the 13 to 19 digits"),
    ({"number": "<script>alert(1)</script>"}, "Please enter the 13 to 19 digits"),
]


def test_cards_that_fail_can_be_followed_by_another(gateway, begun, http):
    purchase, handoff = begun()
    page = send(http, handoff)
    for changes, says in FAILING_CARDS:
        refused = http.post(page.url, data=GOOD | changes, timeout=5)

        assert says in refused.text
        assert CARD not in refused.text
        assert "<script>alert" not in refused.text
    assert gateway.fetch(purchase) == Unfinished("05")
    assert "Payment successful" in http.post(page.url, data=GOOD, timeout=5).text
    assert isinstance(gateway.fetch(purchase), Captured)


def test_paying_twice_takes_the_money_once(gateway, begun, http):
    _purchase, handoff = begun()
    page = send(http, handoff)
    for _ in range(3):
        assert "Payment successful" in http.post(page.url, data=GOOD, timeout=5).text
    notification()
    lines = (store.folder() / "log.jsonl").read_text().splitlines()
    assert len([line for line in lines if handoff.fields["orderId"] in line and '"pay"' in line]) == 1


def test_cancelling_leads_back_without_data_and_the_order_can_still_be_paid(gateway, begun, http):
    purchase, handoff = begun()
    page = send(http, handoff)

    back = http.post(f"{page.url}cancel/", timeout=5, allow_redirects=False)

    assert (back.status_code, back.headers["Location"]) == (303, purchase.cancel_url)
    assert gateway.fetch(purchase) == Unfinished("05")
    assert "Payment successful" in http.post(page.url, data=GOOD, timeout=5).text


def test_the_same_form_again_leads_to_the_same_page_until_it_is_paid(begun, http):
    _purchase, handoff = begun()
    page = send(http, handoff)
    assert send(http, handoff).url == page.url
    http.post(page.url, data=GOOD, timeout=5)

    again = send(http, handoff)

    assert again.status_code == 400
    assert "重复交易" in again.text


def test_a_changed_form_is_refused(begun, http):
    _purchase, handoff = begun()
    for changes in ({"txnAmt": "1"}, {"reqReserved": ""}, {"frontUrl": "http://evil.example/"}):
        refused = http.post(handoff.url, data=handoff.fields | changes, timeout=5)
        assert refused.status_code == 400
        assert "Signature verification failed" in refused.text
        assert "evil.example" not in refused.text


def test_after_pay_timeout_nobody_can_pay(gateway, begun, http):
    now = clock.now()
    purchase, handoff = begun(started_at=now - dt.timedelta(hours=1), pay_until=now - dt.timedelta(seconds=1))
    page = send(http, handoff)
    assert page.status_code == 410
    assert http.post(page.url, data=GOOD, timeout=5).status_code == 410
    assert gateway.fetch(purchase) == Unfinished("05")


def test_a_page_that_does_not_exist_says_so(unionpay_sandbox, http):
    assert http.get(f"{unionpay_sandbox}/unionpay/cashier/nowhere/", timeout=5).status_code == 404
    assert http.post(f"{unionpay_sandbox}/unionpay/cashier/nowhere/cancel/", timeout=5).status_code == 404


def test_what_comes_from_unionpays_page_can_be_refunded(gateway, begun, http):
    purchase, handoff = begun()
    http.post(send(http, handoff).url, data=GOOD, timeout=5)
    captured, at = gateway.fetch(purchase), clock.now()

    def refund():
        outcome = gateway.refund(purchase, captured.reference, purchase.amount, key="a1" * 16, started_at=at)
        return outcome, isinstance(outcome, Refunded)

    assert sandbox.until(refund).amount == purchase.amount


def test_pages_are_strict_and_no_card_is_kept(begun, http):
    _purchase, handoff = begun()
    page = send(http, handoff)
    paid = http.post(page.url, data=GOOD, timeout=5)
    for response in (page, paid):
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; form-action 'self' http://127.0.0.1:")
        assert response.headers["Cache-Control"] == "no-store"
        assert " style=" not in response.text
        assert "<script>" not in response.text
    stored = (
        b"".join(path.read_bytes() for path in store.folder().glob("sandbox*"))
        + (store.folder() / "log.jsonl").read_bytes()
    )
    assert CARD.encode() not in stored


WRONG_REQUESTS = [
    ({"txnType": "78"}, "[9100003]Invalid field[txnType]"),
    ({"certId": "1"}, "[9100004]Signature verification failed"),
    ({"txnTime": "20200101000000"}, "[9100003]Invalid field[txnTime]"),
    ({"version": "5.0.0"}, "[9100003]Invalid field[version]"),
    ({"orderId": None}, "[9100003]Mandatory field[orderId] missed"),
    ({"currencyCode": "000"}, "[9100003]Invalid field[currencyCode]"),
    ({"encryptCertId": "1"}, "[9100003]Invalid field[encryptCertId]"),
    ({"customerInfo": "AAAA"}, "[9100003]Invalid field[customerInfo]"),
    ({"merId": "888888888888888"}, "商户状态不正确[6131001]"),
]


def test_the_stand_in_checks_requests_like_the_gateway(make_purchase, http, settings):
    from payments.gateways.unionpay import certificates
    from payments.gateways.unionpay.wire import parse_answer

    for change, text in WRONG_REQUESTS:
        fields = messages.onsite_purchase(make_purchase(), sandbox.encrypted_card())
        fields = {name: value for name, value in (fields | change).items() if value is not None}
        signed = certificates.merchant_key().signed(fields)
        if "certId" in change:
            signed |= change

        reply = http.post(f"{settings.UNIONPAY_GATEWAY}/backTransReq.do", data=signed, timeout=5)

        answer = parse_answer(reply.content)
        assert answer["respMsg"] == text
        assert answer["respCode"] in {"10", "11", "31"}
        certificates.trust().verify(answer, clock.now())


def test_what_is_no_request_gets_a_plain_sentence(http, settings):
    for body in (b"", b"hello", b"a=1&a=2"):
        reply = http.post(f"{settings.UNIONPAY_GATEWAY}/queryTrans.do", data=body, timeout=5)
        assert reply.text in {"Invalid request."} or "Mandatory field" in reply.text
    assert http.get(f"{settings.UNIONPAY_GATEWAY}/queryTrans.do", timeout=5).status_code == 405


# --- in a browser
# -----------------------------------------------------------------------------------------------


def go(page, origin, handoff: Handoff):
    """Send the browser to the cashier as the shop's page does."""
    page.goto(f"{origin}/shop/cancel/")
    page.evaluate(
        """([url, fields]) => {
            const form = document.createElement("form");
            form.method = "post";
            form.action = url;
            for (const [name, value] of Object.entries(fields)) {
                const input = document.createElement("input");
                Object.assign(input, { type: "hidden", name, value });
                form.append(input);
            }
            document.body.append(form);
            form.submit();
        }""",
        [handoff.url, handoff.fields],
    )
    page.wait_for_url("**/cashier/**")


def fill(page):
    page.fill("#id_number", "6250 9300 0000 0002")
    page.fill("#id_expiry", "12/33")
    page.fill("#id_cvc", "123")


@pytest.mark.parametrize("language", ["en", "zh-hant"])
@pytest.mark.parametrize("javascript", [True, False])
def test_the_browser_brings_a_genuine_return_to_the_shop(
    gateway, begun, unionpay_sandbox, open_page, complaints, language, javascript
):
    complaints.expected.append("favicon")
    purchase, handoff = begun()
    page = open_page(language, width=390)
    go(page, unionpay_sandbox, handoff)
    assert page.locator("html").get_attribute("lang") == {"en": "en", "zh-hant": "zh-Hant"}[language]
    if javascript:
        assert_accessible(page)
    else:
        cookieless = open_page(language, javascript=False, width=390)
        cookieless.goto(page.url)
        page = cookieless
    fill(page)
    page.locator("button").first.click()
    if not javascript:
        page.locator("#return button").click()
    page.get_by_text("back at the shop").wait_for()

    headers, body = notification("/shop/return/")
    assert gateway.verify_notification(headers, body) is True
    assert gateway.read_notification(headers, body).references == (purchase.reference,)


def test_the_reader_can_change_the_language(begun, unionpay_sandbox, page, complaints):
    complaints.expected.append("favicon")
    _purchase, handoff = begun()
    go(page, unionpay_sandbox, handoff)
    page.get_by_role("link", name="繁體中文").click()
    assert page.locator("html").get_attribute("lang") == "zh-Hant"
    page.get_by_role("link", name="English").click()
    page.get_by_role("button", name="Cancel and return to the merchant").click()
    page.get_by_text("back at the shop").wait_for()
    assert page.url.endswith("/shop/cancel/")
