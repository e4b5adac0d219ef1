"""Walking the shop as people do, in a real browser: the words on the page are the only handles.

Every function takes a Playwright page and a language; labels come from the catalogue, so a walk is the same
in both.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import zlib
from typing import TYPE_CHECKING

import pytest
from django.utils.translation import gettext, override

from .effort import times

if TYPE_CHECKING:
    from playwright.sync_api import Page

CARD = "6221558812340000"
CVC = "123"
EXPIRY = "12/33"
NUMBER = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")


def say(language: str, text: str, **values: object) -> str:
    """The text as the page shows it in the language."""
    with override(language):
        return gettext(text) % values if values else gettext(text)


def button(page: Page, language: str, text: str):
    return page.get_by_role("button", name=say(language, text), exact=True)


def add_to_cart(page: Page, url: str, language: str, slug: str) -> None:
    page.goto(f"{url}/{language}/product/{slug}/")
    button(page, language, "Add to shopping cart").click()
    page.wait_for_load_state()


def go_to_checkout(page: Page, url: str, language: str) -> None:
    """From any page: the cart icon, then "Checkout"."""
    page.locator("header").get_by_role("link", name=re.compile(say(language, "Shopping Cart"))).click()
    page.get_by_role("heading", level=1, name=say(language, "Shopping Cart")).wait_for()
    checkout = say(language, "Checkout")
    page.locator("main").get_by_role("link", name=checkout).or_(
        page.locator("main").get_by_role("button", name=checkout)
    ).first.click()
    page.get_by_role("heading", level=1, name=checkout).wait_for()


LANGUAGES = ["en", "zh-hant"]


def walked_in(language: str) -> pytest.MarkDecorator:
    """On PostgreSQL and Redis, in this language; in the other too in `make prove`."""
    others = [other for other in LANGUAGES if other != language]
    walked = [language, *others[: times(0, 1)]]
    return pytest.mark.parametrize(
        ("stack", "language"), [("services", each) for each in walked], indirect=["stack"], scope="session"
    )


def walked_on(kind: str, language: str) -> pytest.MarkDecorator:
    """On these stores in this language; in `make prove` on both in both."""
    walks = [
        pytest.param(each, other, marks=() if (each, other) == (kind, language) else pytest.mark.prove)
        for each in ("services", "embedded")
        for other in LANGUAGES
    ]
    return pytest.mark.parametrize(("stack", "language"), walks, indirect=["stack"], scope="session")


def fill_checkout(page: Page, language: str, *, email: str) -> None:
    """Everything that the page asks for, whatever is in the cart."""
    page.locator("#id_email").fill(email)
    if page.locator("#id_recipient").count():
        page.locator("#id_recipient").fill("陳美儀" if language == "zh-hant" else "Mei Chan")
        page.locator("#id_phone").fill("9123 4567")
        page.locator("#id_area").select_option(label="九龍" if language == "zh-hant" else "Kowloon")
        page.locator("#id_city").select_option(label="油尖旺區" if language == "zh-hant" else "Yau Tsim Mong")
        page.locator("#id_line1").fill("彌敦道1號" if language == "zh-hant" else "1 Nathan Road")
    for field in page.locator("main input[required], main textarea[required]").all():
        if field.is_visible() and not field.evaluate("field => field.value || field.type === 'hidden'"):
            answer(field)
    for later in page.locator("input[name$='.later']:visible").all():
        later.check()
    for group in page.locator("fieldset.fieldset-field:visible").all():
        if not group.locator("input:checked").count():
            group.locator("input").first.check()


def answer(field) -> None:
    kind = field.get_attribute("type")
    if field.get_attribute("inputmode") == "numeric":
        kind = "number"
    if kind in {"radio", "checkbox"}:
        return
    name = field.get_attribute("name") or ""
    if kind == "tel":
        field.fill("9123 4567")
    elif kind == "date":
        field.fill(date_for(name))
    elif kind == "number":
        field.fill(number_for(name))
    else:
        field.fill("陳" if "surname" in name or "seal" in name else "Secret Answer 祕密")


def date_for(name: str) -> str:
    """A date of birth; for the range of a service about dates, one far enough ahead."""
    ahead = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=300)
    return ahead.isoformat() if name.endswith(("-from", "-to")) else "1990-05-06"


def number_for(name: str) -> str:
    return "1990" if name.endswith("year") else "3"


def continue_to_payment(page: Page, language: str) -> None:
    button(page, language, "Continue to payment").click()
    page.get_by_role("heading", level=1, name=say(language, "Confirm Order Details")).wait_for()


def pay_button(page: Page):
    return page.locator("#pay-button")


def pay_by_card(page: Page, language: str, *, card: str = CARD, cvc: str = CVC) -> None:
    page.get_by_label(say(language, "UnionPay credit card")).check()
    page.get_by_label(say(language, "Card number")).fill(card)
    page.get_by_label(say(language, "Expiration date")).fill(EXPIRY)
    page.get_by_label("CVC").fill(cvc)
    pay_button(page).click()


def go_to_paypal(page: Page) -> None:
    page.get_by_label("PayPal", exact=True).check()
    pay_button(page).click()
    page.wait_for_url(re.compile("checkoutnow"))


def pay_with_paypal_login(page: Page, language: str) -> None:
    go_to_paypal(page)
    page.locator("input[name=email]").fill("buyer@example.com")
    page.locator("input[name=password]").fill("demo")
    button(page, language, "Log in").click()
    page.locator("main button[type=submit], form button[type=submit]").last.click()


def pay_with_paypal_as_guest(page: Page, language: str) -> None:
    go_to_paypal(page)
    page.get_by_role("link", name=say(language, "Pay by debit or credit card")).click()
    page.locator("input[name=number]").fill("4111 1111 1111 1111")
    page.locator("input[name=expires]").fill("12/33")
    page.locator("input[name=cvc]").fill("123")
    page.locator("input[name=name]").fill("Mei Chan")
    page.locator("form button[type=submit]").last.click()


def wait_for_confirmation(page: Page, language: str) -> str:
    """Returns the order number."""
    heading = say(language, "Order Confirmation")
    page.get_by_role("heading", level=1, name=heading).wait_for(timeout=30_000)
    match = NUMBER.search(page.locator("main").inner_text())
    assert match, "no order number on the confirmation page"
    return match.group()


KEY = re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}\b")


def key_in(text: str) -> str:
    match = KEY.search(text)
    assert match, "no order key in the mail"
    return match.group()


def sign_in(page: Page, url: str, language: str, name: str, password: str) -> None:
    page.goto(f"{url}/{language}/admin/login/?next=/{language}/admin/")
    page.locator("#id_username").fill(name)
    page.locator("#id_password").fill(password)
    page.locator("input[type=submit]").click()
    page.wait_for_url(re.compile(rf"/{language}/admin/$"))


def ship(page: Page, url: str, language: str, number: str) -> str:
    """The merchant finds the order and sends its parcel. The tracking number, which no other order has."""
    tracking_number = f"SF1{zlib.crc32(number.encode()):012d}"
    page.goto(f"{url}/{language}/admin/checkout/order/?q={number}")
    page.get_by_role("link", name=say(language, "Ship"), exact=True).click()
    page.locator("#id_tracking_number").fill(tracking_number)
    page.locator(".submit-row input[type=submit]").click()
    page.locator(".messagelist .success").wait_for()
    return tracking_number


def write_report(page: Page, url: str, language: str, number: str, title: str, body: str) -> None:
    """The consultant takes the order's case, reads the answers, writes and publishes."""
    open_case(page, url, language, number)
    page.locator("main").get_by_text("Secret Answer").first.wait_for()
    page.locator("input[name=title]").fill(title)
    page.locator("textarea[name=body]").fill(body)
    button(page, language, "Save and go to publishing").click()
    button(page, language, "Publish report").click()
    page.wait_for_load_state()


def open_case(page: Page, url: str, language: str, number: str) -> None:
    """The consultant takes the order's case, where it is still free, and sees its answers."""
    page.goto(f"{url}/{language}/consultant/?order={number}")
    page.get_by_role("link", name=re.compile(number)).first.click()
    page.wait_for_url("**/consultant/case/*/")  # or the list would be asked for the button
    take = button(page, language, "Take this case")
    if take.count():
        take.click()
        page.wait_for_load_state()


def unlock(page: Page, url: str, language: str, *, key: str, email: str) -> None:
    page.goto(f"{url}/{language}/report/")
    page.get_by_label(say(language, "Order key")).fill(key)
    if page.get_by_label(say(language, "E-mail")).is_visible():
        page.get_by_label(say(language, "E-mail")).fill(email)
    button(page, language, "Open").click()
    page.wait_for_url(re.compile("/report/order/"))


def pay_at_unionpay(page: Page) -> None:
    """UnionPay's own page, and the way back."""
    for name, value in (("number", CARD), ("expiry", EXPIRY), ("cvc", CVC)):
        page.locator(f"input[name={name}]").fill(value)
    page.locator("main form button[type=submit]").first.click()
    page.locator("main form button[type=submit]").first.click()  # "Return to the merchant"


def to_payment_page(page: Page, url: str, language: str, slug: str, *, email: str) -> str:
    """From the product to the payment page of its order. Returns the order number."""
    add_to_cart(page, url, language, slug)
    go_to_checkout(page, url, language)
    fill_checkout(page, language, email=email)
    continue_to_payment(page, language)
    match = NUMBER.search(page.locator("main").inner_text())
    assert match, "no order number on the payment page"
    return match.group()


def cancel_at_paypal(page: Page) -> None:
    page.locator("a, button").filter(has_text=re.compile("Cancel|取消")).first.click()


def look(page: Page, name: str) -> None:
    """A picture of the whole page, wide and narrow, for whoever sets SHOP_PICTURES to a folder."""
    folder = os.environ.get("SHOP_PICTURES")
    if not folder:
        return
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})
