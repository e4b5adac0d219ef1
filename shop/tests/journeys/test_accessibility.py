"""Every page of the flow: axe finds nothing serious, it fits 320 px, and the keyboard suffices."""

import pytest

from shop.tests.harness import walk
from shop.tests.harness.accessibility import check
from shop.tests.harness.browser import assert_accessible
from shop.tests.harness.stacks.stack import on_servers

LANGUAGES = ["en", pytest.param("zh-hant", marks=pytest.mark.prove)]  # the same markup in both


@pytest.mark.prove
@pytest.mark.parametrize("language", LANGUAGES)
@on_servers
def test_every_page_of_the_flow_is_accessible(stack, open_page, complaints, language):
    complaints.expected.append("status of 404")
    page = open_page(language)
    url = f"{stack.url}/{language}"
    for path in (
        "/",
        "/category/tea/",
        "/category/consult/",
        "/product/brass-gourd/",
        "/product/bazi-yearly-outlook/",
        "/cart/",
        "/help/",
        "/contact/",
        "/terms/",
        "/privacy/",
        "/report/",
        "/report/lost-key/",
        "/report/lost-key/sent/",
        "/orders/",
        "/orders/find/",
        "/orders/find/sent/",
        "/nothing/here/",
    ):
        page.goto(url + path)
        check(page)
    for slug in ("jasmine-silver-needle", "bazi-yearly-outlook"):
        walk.add_to_cart(page, stack.url, language, slug)
    check(page)
    walk.go_to_checkout(page, stack.url, language)
    check(page)
    walk.button(page, language, "Continue to payment").click()
    page.locator(".error-summary").wait_for()
    check(page)
    walk.fill_checkout(page, language, email="axe@example.com")
    walk.continue_to_payment(page, language)
    check(page)
    page.get_by_label(walk.say(language, "UnionPay credit card")).check()
    walk.pay_button(page).click()
    page.locator("#card-errors a").first.wait_for()
    check(page)
    walk.pay_by_card(page, language)
    number = walk.wait_for_confirmation(page, language)
    check(page)
    order = page.url
    for part in ("?print=1", "correct/", "request-cancellation/"):
        page.goto(order + part)
        check(page)
    page.goto(f"{url}/orders/")
    check(page)
    mail = stack.wait_for_mail(
        "axe@example.com", walk.say(language, "Order confirmation %(number)s", number=number)
    )
    walk.unlock(page, stack.url, language, key=walk.key_in(mail["text"]), email="axe@example.com")
    check(page)


@pytest.mark.prove
@pytest.mark.parametrize("language", LANGUAGES)
@on_servers
def test_the_pages_of_merchant_and_consultant_are_accessible(stack, open_page, language):
    page = open_page(language)
    walk.sign_in(page, stack.url, language, "merchant", stack.logins["merchant"])
    for path in ("/admin/", "/admin/checkout/order/", "/admin/payments/payment/", "/admin/catalog/product/"):
        page.goto(f"{stack.url}/{language}{path}")
        assert_accessible(page)
    page = open_page(language)
    walk.sign_in(page, stack.url, language, "consultant", stack.logins["consultant"])
    page.goto(f"{stack.url}/{language}/consultant/")
    assert_accessible(page)


@pytest.mark.prove
@on_servers
def test_the_flow_works_by_keyboard_alone(stack, open_page):
    page = open_page("en")
    press = page.keyboard.press
    page.goto(f"{stack.url}/en/product/jasmine-silver-needle/")
    press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    press("Enter")
    tab_to(page, "button", "Add to shopping cart")
    press("Enter")
    page.get_by_text("has been added to your shopping cart").wait_for()
    page.goto(f"{stack.url}/en/cart/")
    tab_to(page, "a", "Checkout")
    press("Enter")
    page.wait_for_url("**/checkout/")
    for name, text in {
        "email": "keys@example.com",
        "recipient": "Mei Chan",
        "phone": "91234567",
        "area": "Kowloon",
        "city": "Yau Tsim Mong",
        "line1": "1 Nathan Road",
    }.items():
        tab_to_id(page, f"id_{name}")
        page.keyboard.type(text)
    press("Enter")
    page.wait_for_url("**/pay/**")
    tab_to_id(page, "id_method_0")
    press("ArrowDown")
    assert page.locator("#id_method_1").is_checked()
    for name, text in {"number": walk.CARD, "expiry": "1233", "cvc": walk.CVC}.items():
        tab_to_id(page, f"card-{name}")
        page.keyboard.type(text)
    press("Enter")
    walk.wait_for_confirmation(page, "en")


def tab_to(page, tag: str, text: str) -> None:
    script = """([tag, text]) =>
        document.activeElement.matches(tag) && document.activeElement.innerText.trim() === text"""
    move(page, lambda: page.evaluate(script, [tag, text]), text)


def tab_to_id(page, id: str) -> None:
    move(page, lambda: page.evaluate("document.activeElement.id") == id, id)


def move(page, is_there, what: str) -> None:
    for _ in range(80):
        page.keyboard.press("Tab")
        if is_there():
            return
    raise AssertionError(f"{what} cannot be reached by the Tab key")
