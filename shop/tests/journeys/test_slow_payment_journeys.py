"""Payments that take hours or days, and cards that need a code: on a shop of their own whose clock moves."""

from collections.abc import Iterator

import pytest

from payments.tests.harness.rehearsal import arm
from shop.tests.harness import walk
from shop.tests.harness.effort import times
from shop.tests.harness.stacks.stack import Stack, own_stores, running, wait_for
from shop.tests.harness.walk import LANGUAGES

from .scenes import GOODS, NO_MONEY, SERVICE, confirmed, exchanges, query, status_of, text_of

SOLD_OUT_LATER = "first-guide-to-home-layout"
TWO_DAYS = 2 * 24 * 3600
# `make test` shows the same in payments/tests/attempts: test_settling.py, test_expiry.py, test_sms_code.py.
pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def traveller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A shop of its own, whose clock is moved, and where a card needs the code of a text message."""
    folder = tmp_path_factory.mktemp("traveller")
    with own_stores() as stores, running(folder, UNIONPAY_SMS="true", **stores) as stack:
        yield stack


@pytest.fixture
def clock_moves(traveller: Stack) -> Iterator[Stack]:
    yield traveller
    traveller.travel(0)


@pytest.mark.parametrize(
    ("language", "outcome"),
    [("en", "denied"), ("zh-hant", "completed"), ("en", "completed"), ("zh-hant", "denied")][: times(1, 4)],
)
@pytest.mark.failure("F33")
def test_a_payment_under_review_is_decided_after_two_days(clock_moves, open_page, language, outcome):
    """X21"""
    stack = clock_moves
    page = open_page(language)
    email = f"x21-{outcome}-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, SERVICE, email=email)
    arm(
        stack.sandbox_url,
        gateway="paypal",
        on="capture",
        fault="pending",
        minutes=TWO_DAYS // 60,
        then=outcome,
        reference=number,
    )
    walk.pay_with_paypal_login(page, language)
    page.get_by_text(walk.say(language, "Payment under review")).first.wait_for()
    assert not walk.KEY.search(text_of(page))
    stack.wait_for_mail(email, walk.say(language, "Payment under review %(number)s", number=number))
    assert not any(walk.KEY.search(mail["text"]) for mail in stack.mails(email))
    order_page = page.url
    stack.travel(TWO_DAYS + 60)
    if outcome == "completed":
        walk.key_in(confirmed(stack, email, language, number)["text"])
        page.goto(order_page)
        assert walk.wait_for_confirmation(page, language) == number
        return
    mail = stack.wait_for_mail(email, walk.say(language, "Payment not accepted %(number)s", number=number))
    assert NO_MONEY[language] in mail["text"]
    page.goto(order_page)
    assert walk.say(language, "Awaiting payment") in text_of(page)
    page.get_by_role("link", name=walk.say(language, "Go to payment")).click()
    walk.look(page, f"x21-denied-{language}")
    walk.pay_with_paypal_as_guest(page, language)
    assert walk.wait_for_confirmation(page, language) == number


@pytest.mark.parametrize(("language", "goods_are_left"), [("zh-hant", False), ("en", True)][: times(1, 2)])
@pytest.mark.failure("F35")
def test_money_that_comes_after_the_expiry(clock_moves, open_page, language, goods_are_left):
    """X22: the order comes back to life while its goods are there, else the money goes back with a mail."""
    stack = clock_moves
    page = open_page(language, javascript=False)
    email = f"x22-{language}@example.com"
    goods = GOODS if goods_are_left else SOLD_OUT_LATER
    number = walk.to_payment_page(page, stack.url, language, goods, email=email)
    arm(
        stack.sandbox_url,
        gateway="unionpay",
        on="front",
        fault="unknown",
        code="05",
        minutes=90,
        then="completed",
        reference=number,
    )
    page.get_by_label(walk.say(language, "UnionPay credit card")).check()
    walk.pay_button(page).click()
    order_page = page.url.replace("/pay/", "/order/")
    walk.button(page, language, "Continue to UnionPay").click()
    for name, value in (("number", walk.CARD), ("expiry", walk.EXPIRY), ("cvc", walk.CVC)):
        page.locator(f"input[name={name}]").fill(value)
    page.locator("main form button[type=submit]").first.click()
    stack.travel(75 * 60)
    wait_for(lambda: status_of(stack, number) == "expired", "the order to expire", 90)
    page.goto(order_page)
    assert walk.say(language, "Expired") in text_of(page)
    walk.look(page, f"x22-expired-{language}")
    if not goods_are_left:
        sell_everything(stack, number)
    stack.travel(100 * 60)
    if goods_are_left:
        confirmed(stack, email, language, number)
        assert status_of(stack, number) == "paid"
    else:
        mail = stack.wait_for_mail(email, walk.say(language, "Refund %(number)s", number=number), timeout=60)
        assert number in mail["text"]
        assert status_of(stack, number) == "expired"
    page.goto(order_page)
    walk.look(page, f"x22-after-{language}")


def ask_for_code(page, language: str) -> None:
    page.get_by_label(walk.say(language, "UnionPay credit card")).check()
    page.get_by_label(walk.say(language, "Card number")).fill(walk.CARD)
    page.get_by_label(walk.say(language, "Expiration date")).fill(walk.EXPIRY)
    page.get_by_label("CVC").fill(walk.CVC)
    page.get_by_label(walk.say(language, "Mobile number")).fill("13552535506")
    walk.button(page, language, "Send code").click()
    page.locator("#card-code").wait_for()


@pytest.mark.parametrize("language", LANGUAGES[: times(1, 2)])
def test_a_wrong_code_then_the_right_one(clock_moves, open_page, complaints, language):
    """X9: the card stays in the page, and only the code is asked for again."""
    complaints.expected.append("status of 4")  # the browser notes that a code was refused
    stack = clock_moves
    page = open_page(language)
    email = f"x9-{language}@example.com"
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=email)
    ask_for_code(page, language)
    walk.look(page, f"x9-code-{language}")
    page.locator("#card-code").fill("123456")
    walk.pay_button(page).click()
    page.get_by_text(NO_MONEY[language]).first.wait_for()
    walk.look(page, f"x9-wrong-{language}")
    assert page.get_by_label(walk.say(language, "Card number")).input_value() != ""
    page.locator("#card-code").fill("111111")
    walk.pay_button(page).click()
    assert walk.wait_for_confirmation(page, language) == number
    confirmed(stack, email, language, number)
    codes = [entry["status"] for entry in exchanges(stack, number, "purchase")]
    assert codes.count("00") == 1


@pytest.mark.parametrize("language", LANGUAGES[1 - times(0, 1) :])
def test_a_code_that_is_never_entered_takes_nothing(clock_moves, open_page, complaints, language):
    """X9, the timeout: the order expires as any other, and the old page says so."""
    complaints.expected.append("status of 4")
    stack = clock_moves
    page = open_page(language)
    number = walk.to_payment_page(page, stack.url, language, GOODS, email=f"x9t-{language}@example.com")
    ask_for_code(page, language)
    stack.travel(70 * 60)
    wait_for(lambda: status_of(stack, number) == "expired", "the order to expire", 90)
    page.locator("#card-code").fill("111111")
    walk.pay_button(page).click()
    page.get_by_text(NO_MONEY[language]).first.wait_for()
    walk.look(page, f"x9-too-late-{language}")
    assert not [entry for entry in exchanges(stack, number, "purchase") if entry["status"] == "00"]


def sell_everything(stack: Stack, number: str) -> None:
    """Nothing of what the order wanted is left on the shelf."""
    query(
        stack,
        "UPDATE catalog_variant SET on_hand = reserved WHERE id IN (SELECT variant_id FROM checkout_orderline"
        " JOIN checkout_order o ON o.id = order_id WHERE o.number = %s)",
        number,
    )
