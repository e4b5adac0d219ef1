"""The checkout when something happens on the way: prices, stock, sessions and languages that change, many
services at once, a gift. Walked in a real browser against the running stack; the journeys have numbers."""

import re

import pytest

from shop.tests.harness import walk
from shop.tests.harness.buyer import Buyer
from shop.tests.harness.stacks.stack import Stack
from shop.tests.harness.walk import walked_in

from .scenes import confirmed, query, text_of

TEA, LAMP, COMPASS, LINES = (
    "jasmine-silver-needle",
    "washi-table-lamp",
    "learners-compass-luopan",
    "aged-sandalwood-sticks",
)
SERVICES = ("home-layout-report", "bazi-yearly-outlook", "auspicious-date-proposal")
LAST = {"en": "hetian-jade-ring-pendant", "zh-hant": "brass-lotus-burner"}  # few, and nobody else's here

pytestmark = pytest.mark.prove  # `make test` buys in the other journeys, and shows each rule on its pages


def open_checkout(page, stack: Stack, language: str, *slugs: str) -> None:
    for slug in slugs:
        walk.add_to_cart(page, stack.url, language, slug)
    walk.go_to_checkout(page, stack.url, language)


def mark_subjects(page) -> dict[tuple[str, str], str]:
    """Write into each intake form a text of its own. (variant, subject) -> text."""
    marks: dict[tuple[str, str], str] = {}
    for field in page.locator("main fieldset textarea:visible, main fieldset input[type=text]:visible").all():
        match = re.match(r"v(\d+)-(\d+)-(.+)", field.get_attribute("name") or "")
        if not match or match.groups()[:2] in marks or re.search("surname|seal|date", match[3]):
            continue
        marks[match[1], match[2]] = text = f"Canary {match[1]} subject {match[2]}"
        field.fill(text)
    return marks


@walked_in("en")
def test_x3_two_goods_and_three_services_for_two_subjects_each(stack, open_page, language):
    """Six intake forms, each on the right line and subject: shown by what the consultant reads."""
    page = open_page(language)
    email = f"x3-{language}@example.com"
    for slug in (TEA, LINES):
        walk.add_to_cart(page, stack.url, language, slug)
    for slug in SERVICES:
        page.goto(f"{stack.url}/{language}/product/{slug}/")
        page.locator("main input[name=quantity]").fill("2")
        walk.button(page, language, "Add to shopping cart").click()
        page.wait_for_load_state()
    walk.go_to_checkout(page, stack.url, language)
    walk.fill_checkout(page, language, email=email)
    marks = mark_subjects(page)
    assert len(marks) == 6
    walk.look(page, f"x3-checkout-{language}")
    walk.continue_to_payment(page, language)
    walk.look(page, f"x3-payment-{language}")
    walk.pay_by_card(page, language)
    number = walk.wait_for_confirmation(page, language)
    walk.look(page, f"x3-order-{language}")
    walk.key_in(confirmed(stack, email, language, number)["text"])

    staff = open_page(language)
    walk.sign_in(staff, stack.url, language, "consultant", stack.logins["consultant"])
    cases = query(
        stack,
        "SELECT c.id, l.variant_id::text, c.subject::text FROM consulting_case c"
        " JOIN checkout_orderline l ON l.id = c.line_id JOIN checkout_order o ON o.id = l.order_id"
        " WHERE o.number = %s",
        number,
    )
    assert {(variant, subject) for _case, variant, subject in cases} == set(marks)
    for case, variant, subject in cases:
        read = read_case(staff, stack, language, f"/{language}/consultant/case/{case}/")
        assert [text for text in marks.values() if text in read] == [marks[variant, subject]]


def read_case(staff, stack: Stack, language: str, path: str) -> str:
    staff.goto(stack.url + path)
    walk.button(staff, language, "Take this case").click()
    staff.get_by_text("Canary").first.wait_for()
    return text_of(staff)


@walked_in("zh-hant")
def test_x10_a_price_raised_between_cart_and_pay_is_shown_and_never_silently_charged(
    stack, open_page, language
):
    page, staff = open_page(language), open_page(language)
    email = f"x10-{language}@example.com"
    walk.sign_in(staff, stack.url, language, "merchant", stack.logins["merchant"])
    open_checkout(page, stack, language, LAMP)
    walk.fill_checkout(page, language, email=email)
    old = raise_price(staff, stack, language, LAMP)
    try:
        walk.button(page, language, "Continue to payment").last.click()
        news = page.locator("#changes")
        news.wait_for()
        assert f"HK${old}.00" in news.inner_text()
        assert f"HK${old + 10}.00" in news.inner_text()
        assert not query(stack, "SELECT 1 FROM checkout_order WHERE email = %s", email)
        assert page.locator("#id_line1").input_value(), "what was typed is still there"
        walk.look(page, f"x10-changed-{language}")
        walk.continue_to_payment(page, language)
        agreed = walk.pay_button(page).inner_text()
        raise_price(staff, stack, language, LAMP)
        page.reload()
        assert walk.pay_button(page).inner_text() == agreed, "a placed order is not re-priced"
        walk.pay_by_card(page, language)
        number = walk.wait_for_confirmation(page, language)
        amount = re.search(r"HK\$[\d,.]+", agreed).group()
        assert amount in confirmed(stack, email, language, number)["text"]
    finally:
        set_price(staff, stack, language, LAMP, old)


def raise_price(staff, stack: Stack, language: str, slug: str) -> int:
    """By ten dollars, in the administration. Returns the price of before."""
    open_product(staff, stack, language, slug)
    old = int(float(staff.locator("#id_variants-0-price").input_value()))
    set_price(staff, stack, language, slug, old + 10)
    return old


def set_price(staff, stack: Stack, language: str, slug: str, price: int) -> None:
    open_product(staff, stack, language, slug)
    staff.locator("#id_variants-0-price").fill(f"{price}.00")
    staff.locator("input[name=_save]").first.click()  # it stands above and below
    staff.locator(".messagelist .success").wait_for()


def open_product(staff, stack: Stack, language: str, slug: str) -> None:
    ((pk,),) = query(stack, "SELECT id FROM catalog_product WHERE slug = %s", slug)
    staff.goto(f"{stack.url}/{language}/admin/catalog/product/{pk}/change/")


@walked_in("en")
def test_x11_who_is_too_late_for_the_last_piece_is_told_its_name_and_keeps_the_cart(
    stack, open_page, language
):
    page = open_page(language)
    slug, email = LAST[language], f"x11-{language}@example.com"
    open_checkout(page, stack, language, slug, TEA)
    walk.fill_checkout(page, language, email=email)
    ((left, name_zh, name_en),) = query(stack, LEFT, slug)
    for turn in range(left):
        other = Buyer(stack, email=f"x11-other-{turn}-{language}@example.com")
        other.check_out(slug)
        other.close()
    walk.button(page, language, "Continue to payment").last.click()
    page.wait_for_url("**/cart/")
    text = text_of(page)
    assert (name_en if language == "en" else name_zh) in text
    walk.look(page, f"x11-cart-{language}")
    assert page.locator(".cart-line").count() == 2
    assert page.locator(".cart-line.has-problem").count() == 1
    assert not query(stack, "SELECT 1 FROM checkout_order WHERE email = %s", email)
    assert not query(
        stack,
        "SELECT 1 FROM payments_payment p JOIN checkout_order o ON o.id = p.order_id WHERE o.email = %s",
        email,
    )
    page.locator(".cart-line.has-problem .cart-remove button").click()
    page.wait_for_load_state()
    walk.go_to_checkout(page, stack.url, language)
    assert page.locator("#id_email").input_value() == email, "what was typed is still there"
    walk.continue_to_payment(page, language)


@walked_in("zh-hant")
def test_x12_a_session_that_expires_on_the_address_step_loses_nothing_typed(stack, open_page, language):
    page = open_page(language)
    email = f"x12-{language}@example.com"
    open_checkout(page, stack, language, TEA, SERVICES[2])
    walk.fill_checkout(page, language, email=email)
    line1 = page.locator("#id_line1").input_value()
    page.locator("#id_email").fill("")
    walk.button(page, language, "Continue to payment").last.click()
    page.locator(".error-summary").wait_for()
    session = next(each for each in page.context.cookies() if each["name"] == "session")
    query(stack, "DELETE FROM django_session WHERE session_key = %s", session["value"])

    page.goto(f"{stack.url}/{language}/cart/")
    notice = walk.say(language, "Your visit had been interrupted. We kept your cart and what you had typed.")
    assert notice in text_of(page)
    assert page.locator(".cart-line").count() == 2
    walk.look(page, f"x12-cart-{language}")
    walk.go_to_checkout(page, stack.url, language)
    assert page.locator("#id_line1").input_value() == line1
    page.locator("#id_email").fill(email)
    page.locator("#id_line2").fill("12樓A室")
    page.context.clear_cookies(name="session")
    walk.continue_to_payment(page, language)
    assert "12樓A室" in text_of(page)
    walk.pay_by_card(page, language)
    number = walk.wait_for_confirmation(page, language)
    confirmed(stack, email, language, number)
    assert "cart" not in {each["name"] for each in page.context.cookies()}


@walked_in("zh-hant")
def test_x14_the_language_is_switched_mid_checkout(stack, open_page, language):
    """What was typed stays, mails come in the final language, the merchant works in the other one."""
    final = "en" if language == "zh-hant" else "zh-hant"
    page = open_page(language)
    email = f"x14-{language}@example.com"
    open_checkout(page, stack, language, TEA)
    page.locator("#id_recipient").fill("陳美儀")
    page.locator("#id_line1").fill("彌敦道1號")
    page.locator(".languages button").click()
    page.get_by_role("heading", level=1, name=walk.say(final, "Checkout")).wait_for()
    assert page.locator("#id_recipient").input_value() == "陳美儀"
    assert page.locator("#id_line1").input_value() == "彌敦道1號"
    walk.look(page, f"x14-switched-{language}")
    walk.fill_checkout(page, final, email=email)
    walk.continue_to_payment(page, final)
    walk.pay_by_card(page, final)
    number = walk.wait_for_confirmation(page, final)
    confirmed(stack, email, final, number)
    staff = open_page(language)
    walk.sign_in(staff, stack.url, language, "merchant", stack.logins["merchant"])
    walk.ship(staff, stack.url, language, number)
    stack.wait_for_mail(email, walk.say(final, "Order shipped %(number)s", number=number))


@walked_in("en")
def test_x30_a_gift_goes_to_another_person_without_prices_and_the_buyer_hears_of_it(
    stack, open_page, language
):
    page = open_page(language)
    email = f"x30-{language}@example.com"
    open_checkout(page, stack, language, COMPASS, SERVICES[2])
    page.locator("#id_recipient").fill("𠮷田・Gift Recipient")
    page.locator("#id_is_gift").check()
    page.locator("#id_card_text").fill("生日快樂")
    walk.fill_checkout(page, language, email=email)
    page.locator("#id_recipient").fill("𠮷田・Gift Recipient")
    page.locator("[name$='-contact_name']").fill("Report Recipient")
    walk.continue_to_payment(page, language)
    assert "𠮷田・Gift Recipient" in text_of(page)
    walk.look(page, f"x30-payment-{language}")
    walk.pay_by_card(page, language)
    number = walk.wait_for_confirmation(page, language)
    text = confirmed(stack, email, language, number)["text"]
    walk.key_in(text)
    assert "𠮷田・Gift Recipient" in text

    staff = open_page(language)
    walk.sign_in(staff, stack.url, language, "merchant", stack.logins["merchant"])
    staff.goto(f"{stack.url}/{language}/admin/checkout/order/?q={number}")
    staff.get_by_role("link", name=walk.say(language, "Ship"), exact=True).click()
    slip = staff.locator("form.ship-form").inner_text()
    assert "𠮷田・Gift Recipient" in slip
    assert "生日快樂" in slip
    assert "HK$" not in slip
    walk.ship(staff, stack.url, language, number)
    stack.wait_for_mail(email, walk.say(language, "Order shipped %(number)s", number=number))

    consultant = open_page(language)
    walk.sign_in(consultant, stack.url, language, "consultant", stack.logins["consultant"])
    walk.open_case(consultant, stack.url, language, number)
    consultant.get_by_text("Report Recipient").first.wait_for()


LEFT = """
    SELECT on_hand - reserved, p.name_zh_hant, p.name_en
    FROM catalog_variant v JOIN catalog_product p ON p.id = v.product_id WHERE slug = %s
"""
