"""A promo code on the running stack: refused with a reason, then the same discount to the last page."""

import pytest

from shop.tests.harness import walk
from shop.tests.harness.accessibility import check
from shop.tests.harness.browser import assert_visible
from shop.tests.harness.stacks.stack import on_servers


def enter(page, language, code):
    if not page.locator("#id_code").is_visible():
        page.locator(".promo-entry summary").click()
    page.locator("#id_code").fill(code)
    walk.button(page, language, "Apply").click()
    page.wait_for_load_state()


@pytest.mark.prove
@on_servers
def test_a_promo_code_takes_the_same_off_on_every_page(stack, open_page):
    language = "en"
    page = open_page(language)
    walk.add_to_cart(page, stack.url, language, "jasmine-silver-needle")
    page.goto(f"{stack.url}/{language}/cart/")
    page.locator(".promo-entry summary").click()
    check(page)
    enter(page, language, "tea3")
    assert_visible(page.locator("#id_code_error"))
    check(page)
    page.locator("input[name=quantity]").fill("3")
    page.locator(".cart-quantity button").click()
    page.wait_for_load_state()
    enter(page, language, "ｔｅａ３")
    off = walk.say(language, "Discount (%(code)s)", code="TEA3")
    assert "−HK$44.10" in page.locator(".totals").inner_text()
    check(page)
    walk.go_to_checkout(page, stack.url, language)
    walk.fill_checkout(page, language, email=f"promo-{language}@example.com")
    walk.continue_to_payment(page, language)
    assert off in page.locator(".totals").inner_text()
    walk.go_to_paypal(page)
    assert "−HK$44.10" in page.locator("#order").inner_text()
    page.locator("input[name=email]").fill("buyer@example.com")
    page.locator("input[name=password]").fill("demo")
    walk.button(page, language, "Log in").click()
    page.locator("main button[type=submit], form button[type=submit]").last.click()
    number = walk.wait_for_confirmation(page, language)
    totals = page.locator(".totals").inner_text()
    for shown in (off, "HK$294.00", "−HK$44.10", "HK$279.90"):
        assert shown in totals
    subject = walk.say(language, "Order confirmation %(number)s", number=number)
    mail = stack.wait_for_mail(f"promo-{language}@example.com", subject)
    assert f"{off}: −HK$44.10" in mail["text"]
