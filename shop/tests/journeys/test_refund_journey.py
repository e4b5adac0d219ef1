"""Journey X19 on the running stack: one service line goes back, then the goods alone, then all the rest.

In Chinese the merchant works without JavaScript. The customer reads on the page, in the mail and in the
report what it means. ``SHOP_PICTURES=folder`` keeps pictures.
"""

import pytest

from shop.tests.harness import walk
from shop.tests.harness.browser import assert_accessible
from shop.tests.harness.stacks.stack import on_servers, wait_for

LANGUAGES = ["en", pytest.param("zh-hant", marks=pytest.mark.prove)]


def order_of(page, stack, language, email):
    """Tea and a consultation, paid by card. Returns number and key."""
    walk.add_to_cart(page, stack.url, language, "wuyi-rougui-oolong")
    walk.add_to_cart(page, stack.url, language, "bazi-yearly-outlook")
    walk.go_to_checkout(page, stack.url, language)
    walk.fill_checkout(page, language, email=email)
    walk.continue_to_payment(page, language)
    walk.pay_by_card(page, language)
    number = walk.wait_for_confirmation(page, language)
    return number, walk.key_in(page.locator("main").inner_text())


def published(open_page, stack, language, number):
    writer = open_page(language)
    walk.sign_in(writer, stack.url, language, "consultant", stack.logins["consultant"])
    walk.write_report(writer, stack.url, language, number, "Outlook", "Canary-Report-3391")


def to_refund(staff, stack, language, number):
    staff.goto(f"{stack.url}/{language}/admin/checkout/order/?q={number}")
    staff.locator("#result_list").get_by_role("link", name=number).click()
    content = staff.locator("#content")
    content.get_by_role("link", name=walk.say(language, "Refund"), exact=True).click()


def agree(staff, language):
    staff.locator("button[name=action][value=refund]").click()
    staff.locator(".messagelist .success").wait_for()


def refunds_of(stack, language, email, number):
    subject = walk.say(language, "Refund %(number)s", number=number)
    return sum(subject in mail["subject"] for mail in stack.mails(email))


@pytest.mark.prove
@pytest.mark.parametrize("language", LANGUAGES)
@on_servers
def test_x19_one_service_goes_back_and_its_report_closes_then_all_the_rest(stack, open_page, language):
    email = f"refund-{language}@example.com"
    buyer = open_page(language)
    number, key = order_of(buyer, stack, language, email)
    order_page = buyer.url
    published(open_page, stack, language, number)
    reader = open_page(language)
    walk.unlock(reader, stack.url, language, key=key, email=email)
    reader.locator("main h2 a").first.click()
    assert "Canary-Report-3391" in reader.locator("main").inner_text()

    has_script = language == "en"
    staff = open_page(language, javascript=has_script)
    walk.sign_in(staff, stack.url, language, "merchant", stack.logins["merchant"])
    to_refund(staff, stack, language, number)
    look = f"refund-{language}"
    walk.look(staff, f"{look}-1-form")
    walk.button(staff, language, "Preview").click()
    assert (
        walk.say(language, "Please enter what is to be refunded.") in staff.locator("#content").inner_text()
    )
    staff.locator("input[name^=quantity_]").last.fill("1")
    staff.locator("input[name=reason]").fill("Agreed by telephone")
    staff.locator("input[name=shipping]").fill("99999")
    walk.button(staff, language, "Preview").click()
    walk.look(staff, f"{look}-2-mistake")
    if has_script:
        assert_accessible(staff)
    staff.locator("input[name=shipping]").fill("")
    walk.button(staff, language, "Preview").click()
    walk.look(staff, f"{look}-3-preview")
    if has_script:
        assert_accessible(staff)
    agree(staff, language)
    walk.look(staff, f"{look}-4-order")

    mail = stack.wait_for_mail(email, walk.say(language, "Refund %(number)s", number=number))
    locked = walk.say(language, "This report is locked because its price was refunded.")
    reader.reload()
    assert locked in reader.locator("main").inner_text()
    buyer.goto(order_page)
    shown = buyer.locator("main").inner_text()
    assert walk.say(language, "Partly refunded") in shown
    assert walk.say(language, "Total after refunds") in shown
    assert_accessible(buyer)
    walk.look(buyer, f"{look}-5-order-page")
    letter = open_page(language)
    letter.set_content(mail["html"])
    walk.look(letter, f"{look}-6-mail")

    to_refund(staff, stack, language, number)
    staff.locator("input[name^=quantity_]").first.fill("1")
    staff.locator("input[name=reason]").fill("The goods alone")
    walk.button(staff, language, "Preview").click()
    agree(staff, language)
    wait_for(lambda: refunds_of(stack, language, email, number) == 2, "the mail about the goods")
    buyer.goto(order_page)
    assert walk.say(language, "Partly refunded") in buyer.locator("main").inner_text(), "shipping is left"

    to_refund(staff, stack, language, number)
    walk.button(staff, language, "Everything that is left").click()
    walk.look(staff, f"{look}-7-everything")
    agree(staff, language)
    refunded = f"{stack.url}/{language}/admin/checkout/order/?work=refunded&q={number}"

    def is_all_back():
        staff.goto(refunded)
        return walk.say(language, "Partly refunded") not in staff.locator("#result_list").inner_text()

    wait_for(is_all_back, "the rest to go back")
    assert walk.say(language, "Refunded") in staff.locator("#result_list").inner_text()
    walk.look(staff, f"{look}-8-list")
    buyer.goto(order_page)
    assert (
        walk.say(language, "All the money of this order has gone back.") in buyer.locator("main").inner_text()
    )
    walk.look(buyer, f"{look}-9-order-page")
