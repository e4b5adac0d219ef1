"""Payments that do not go straight, walked in a real browser against the running stack, in both languages.

Each page says whether money was taken and what to do next; in the end there is one paid order, or no money.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin, urlsplit, urlunsplit

import pytest
import requests

from payments.tests.harness.rehearsal import act, arm, armed_while
from shop.tests.harness import walk
from shop.tests.harness.walk import walked_in

from .scenes import GOODS, NO_MONEY, SERVICE, captures, confirmed, exchanges, text_of

TYPE_AGAIN = {"en": "Please enter the card once more", "zh-hant": "請重新輸入信用卡信息"}
DO_NOT_PAY = {"en": "do not pay again", "zh-hant": "請勿重複付款"}


def approve_and_lose_the_way_back(page) -> str:
    """Log in and pay at PayPal, but never reach the shop again; returns where PayPal sent the buyer."""
    walk.go_to_paypal(page)
    with requests.Session() as session:
        typed = {"email": "buyer@example.com", "password": "demo"}
        logged_in = session.post(page.url, data=typed, allow_redirects=False, timeout=20)
        confirm = urljoin(page.url, logged_in.headers["Location"])
        paid = session.post(confirm, data={"funding": "balance"}, allow_redirects=False, timeout=20)
    return paid.headers["Location"]


@walked_in("en")
def test_x5_cancelled_at_paypal_then_paid_by_card_under_the_same_number(stack, open_page, language):
    """X5"""
    page = open_page(language)
    email = f"x5-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=email)
    payment_page = page.url
    walk.go_to_paypal(page)
    walk.cancel_at_paypal(page)
    page.wait_for_url(payment_page)
    assert NO_MONEY[language] in text_of(page)
    walk.look(page, f"x5-cancelled-{language}")
    walk.pay_by_card(page, language)
    assert walk.wait_for_confirmation(page, language) == number
    confirmed(stack, email, language, number)
    assert captures(stack, number) == 0


@walked_in("zh-hant")
@pytest.mark.failure("F55")
def test_the_tab_is_closed_after_the_approval_and_the_webhook_alone_completes(stack, open_page, language):
    """X6"""
    page = open_page(language)
    email = f"x6-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, SERVICE, email=email)
    approve_and_lose_the_way_back(page)
    page.close()
    walk.key_in(confirmed(stack, email, language, number)["text"])
    assert captures(stack, number) == 1


@pytest.mark.prove
@walked_in("en")
def test_the_webhook_first_and_the_buyer_later(stack, open_page, language):
    """X7"""
    page = open_page(language)
    email = f"x7-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=email)
    back = approve_and_lose_the_way_back(page)
    confirmed(stack, email, language, number)
    page.goto(back)
    assert walk.wait_for_confirmation(page, language) == number
    assert captures(stack, number) == 1


@pytest.mark.prove
@walked_in("zh-hant")
def test_the_webhook_and_five_returns_at_once(stack, open_page, language):
    """X7b"""
    page = open_page(language)
    email = f"x7b-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=email)
    duplicates = {"gateway": "paypal", "on": "webhook", "fault": "duplicate", "copies": 5}
    with armed_while(stack.sandbox_url, **duplicates, reference=number):
        back = approve_and_lose_the_way_back(page)
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: requests.get(back, timeout=60), range(5)))
        assert {answer.status_code for answer in answers} == {200}
        confirmed(stack, email, language, number)
    assert captures(stack, number) == 1
    page.goto(back)
    assert walk.wait_for_confirmation(page, language) == number


@walked_in("en")
@pytest.mark.failure("F32")
def test_two_cards_are_declined_and_the_third_pays(stack, open_page, language):
    """X8"""
    page = open_page(language)
    email = f"x8-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=email)
    payment_page = page.url
    walk.pay_by_card(page, language, cvc="999")
    page.get_by_text(TYPE_AGAIN[language]).first.wait_for()
    assert NO_MONEY[language] in text_of(page)
    walk.look(page, f"x8-wrong-cvc-{language}")
    arm(stack.sandbox_url, gateway="unionpay", on="purchase", fault="code", code="64", reference=number)
    walk.pay_by_card(page, language)
    page.wait_for_url(payment_page)
    page.locator(".notice, .messages, [role=alert]").filter(has_text=NO_MONEY[language]).first.wait_for()
    assert page.get_by_label(walk.say(language, "Card number")).input_value() == ""
    walk.look(page, f"x8-balance-{language}")
    walk.pay_by_card(page, language)
    assert walk.wait_for_confirmation(page, language) == number
    confirmed(stack, email, language, number)
    codes = [entry["status"] for entry in exchanges(stack, number, "purchase")]
    assert codes.count("00") == 1


@pytest.mark.prove
@walked_in("zh-hant")
@pytest.mark.failure("F09", "F31")
def test_while_the_outcome_is_unknown_the_page_says_not_to_pay_again(stack, open_page, language):
    page = open_page(language)
    email = f"unknown-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=email)
    arm(
        stack.sandbox_url,
        gateway="unionpay",
        on="purchase",
        fault="unknown",
        code="05",
        minutes=0,
        reference=number,
    )
    payment_page = page.url
    walk.pay_by_card(page, language)
    page.get_by_text(DO_NOT_PAY[language]).first.wait_for(timeout=60_000)
    walk.look(page, f"unknown-{language}")
    page.goto(payment_page)  # and the payment page offers no second payment
    page.wait_for_url(re.compile("/progress/"))
    act(stack.sandbox_url, gateway="unionpay", act="decide", outcome="completed", reference=number)
    assert walk.wait_for_confirmation(page, language) == number
    confirmed(stack, email, language, number)


@pytest.mark.prove
@walked_in("en")
@pytest.mark.failure("F32")
def test_a_declined_instrument_leads_back_to_paypal_with_the_order_open(stack, open_page, language):
    page = open_page(language)
    email = f"instrument-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=email)
    arm(
        stack.sandbox_url,
        gateway="paypal",
        on="capture",
        fault="decline",
        issue="INSTRUMENT_DECLINED",
        reference=number,
    )
    walk.pay_with_paypal_login(page, language)
    page.get_by_text(re.compile(NO_MONEY[language])).first.wait_for()
    walk.look(page, f"instrument-declined-{language}")
    walk.pay_with_paypal_login(page, language)
    assert walk.wait_for_confirmation(page, language) == number
    assert captures(stack, number) == 1


@pytest.mark.prove
@walked_in("zh-hant")
@pytest.mark.failure("F38", "F46")
def test_a_tampered_way_back_changes_nothing(stack, open_page, language):
    """X23, the return: another token, another order's, another amount."""
    page = open_page(language)
    email = f"x23-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=email)
    payment_page = page.url
    walk.go_to_paypal(page)
    parts = urlsplit(payment_page)
    for query in ("token=1AB23456CD789012E&amount=1.00", "token=&PayerID=x", "status=paid"):
        back = urlunsplit(parts._replace(path=f"{parts.path}return/", query=query))
        page.goto(back)
        assert walk.say(language, "Awaiting payment") in text_of(page)
    forged = {"orderId": number.replace("-", ""), "respCode": "00", "txnAmt": "100", "signature": "x"}
    requests.post(f"{stack.url}/pay/unionpay/return/", data=forged, timeout=20)
    act(stack.sandbox_url, gateway="paypal", act="forged_notification", reference=number)
    page.goto(payment_page)
    walk.pay_by_card(page, language)
    assert walk.wait_for_confirmation(page, language) == number


@pytest.mark.prove
@walked_in("en")
@pytest.mark.failure("F40")
def test_money_of_another_amount_waits_for_a_person_and_is_given_back_by_one(stack, open_page, language):
    """X23, the answer: PayPal tells of HK$1.00."""
    page = open_page(language)
    email = f"x23b-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=email)
    arm(stack.sandbox_url, gateway="paypal", on="capture", fault="tamper", amount="1.00", reference=number)
    walk.pay_with_paypal_login(page, language)
    page.get_by_text(walk.say(language, "Payment under review")).first.wait_for()
    assert DO_NOT_PAY[language] in text_of(page)
    walk.look(page, f"under-review-{language}")
    stack.wait_for_mail("merchant@shop.example", walk.say("zh-hant", "A payment needs a person"))
    assert not [
        mail
        for mail in stack.mails(email)
        if walk.say(language, "Order confirmation %(number)s", number=number) in mail["subject"]
    ]
