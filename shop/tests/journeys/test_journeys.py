"""The promise, walked end to end in a real browser against the running stack, in both languages and on both
sets of stores: browse, cart, checkout, pay, mails, shipping, report."""

import re

import pytest

from shop.tests.harness import walk
from shop.tests.harness.accessibility import check
from shop.tests.harness.leaks import find_leaks
from shop.tests.harness.stacks.stack import on_servers
from shop.tests.harness.walk import walked_in, walked_on


def email_of(name: str, language: str) -> str:
    return f"{name}-{language}@example.com"


def subject(language: str, text: str, number: str) -> str:
    return walk.say(language, text, number=number)


@walked_on("services", "en")
def test_x1_goods_by_unionpay_card_up_to_the_parcel(stack, open_page, language):
    page = open_page(language)
    sent = []
    page.on("request", lambda request: sent.append((request.url, request.post_data or "")))
    email = email_of("goods", language)
    walk.add_to_cart(page, stack.url, language, "wuyi-rougui-oolong")
    check(page)
    walk.go_to_checkout(page, stack.url, language)
    walk.fill_checkout(page, language, email=email)
    check(page)
    walk.continue_to_payment(page, language)
    check(page)
    walk.pay_by_card(page, language)
    number = walk.wait_for_confirmation(page, language)
    check(page)

    mail = stack.wait_for_mail(email, subject(language, "Order confirmation %(number)s", number))
    assert number in mail["html"]
    assert number in mail["text"]
    merchant = stack.wait_for_mail("merchant@shop.example", number)
    assert email not in merchant["subject"]

    staff = open_page(language)
    walk.sign_in(staff, stack.url, language, "merchant", stack.logins["merchant"])
    tracking_number = walk.ship(staff, stack.url, language, number)
    shipped = stack.wait_for_mail(email, subject(language, "Order shipped %(number)s", number))
    assert tracking_number in shipped["text"]
    assert "sf-express.com" in shipped["html"]

    for url, body in sent:
        assert walk.CARD not in re.sub(r"[ +-]|%20", "", f"{url} {body}"), url
    assert find_leaks(stack, [walk.CARD, "cvc=", f"{walk.CARD[:6]} {walk.CARD[6:10]}"]) == []


@walked_on("embedded", "zh-hant")
def test_x2_a_service_by_paypal_login_up_to_the_report(stack, open_page, language):
    page = open_page(language)
    email = email_of("service", language)
    walk.add_to_cart(page, stack.url, language, "bazi-yearly-outlook")
    walk.go_to_checkout(page, stack.url, language)
    assert page.locator("#id_recipient").count() == 0, "a service needs no address"
    walk.fill_checkout(page, language, email=email)
    walk.continue_to_payment(page, language)
    walk.pay_with_paypal_login(page, language)
    number = walk.wait_for_confirmation(page, language)
    shown = walk.key_in(page.locator("main").inner_text())

    mail = stack.wait_for_mail(email, subject(language, "Order confirmation %(number)s", number))
    key = walk.key_in(mail["text"])
    assert key == shown
    assert key not in stack.wait_for_mail("merchant@shop.example", number)["text"]

    reader = open_page(language)
    walk.unlock(reader, stack.url, language, key=key, email=email)
    assert walk.say(language, "In preparation") in reader.locator("main").inner_text()

    staff = open_page(language)
    walk.sign_in(staff, stack.url, language, "consultant", stack.logins["consultant"])
    walk.write_report(staff, stack.url, language, number, "Outlook 2027", "## January\n\nCanary-Report-7719")

    ready = stack.wait_for_mail(email, walk.say(language, "Consultation report ready"))
    assert walk.key_in(ready["text"]) == key
    reader = open_page(language)
    walk.unlock(reader, stack.url, language, key=key.lower().replace("-", " "), email=email)
    reader.locator("main h2 a").first.click()
    assert "Canary-Report-7719" in reader.locator("main").inner_text()
    secrets = [key, key.replace("-", ""), "Canary-Report-7719", "Secret Answer"]
    assert find_leaks(stack, secrets, but=["sandbox"]) == []


@pytest.mark.prove
@walked_in("en")
def test_a_mixed_cart_by_paypal_without_an_account(stack, open_page, language):
    page = open_page(language)
    email = email_of("mixed", language)
    for slug in ("aged-sandalwood-sticks", "auspicious-date-proposal"):
        walk.add_to_cart(page, stack.url, language, slug)
    walk.go_to_checkout(page, stack.url, language)
    walk.fill_checkout(page, language, email=email)
    walk.continue_to_payment(page, language)
    walk.pay_with_paypal_as_guest(page, language)
    number = walk.wait_for_confirmation(page, language)
    mail = stack.wait_for_mail(email, subject(language, "Order confirmation %(number)s", number))
    walk.key_in(mail["text"])
    again = open_page(language)
    again.goto(page.url)
    assert email not in again.content(), "a stranger with the link sees no personal data"


@walked_in("zh-hant")
def test_unionpay_without_javascript_on_unionpays_own_page(stack, open_page, language):
    page = open_page(language, javascript=False)
    email = email_of("plain", language)
    walk.add_to_cart(page, stack.url, language, "semi-sized-xuan-paper")
    walk.go_to_checkout(page, stack.url, language)
    walk.fill_checkout(page, language, email=email)
    walk.continue_to_payment(page, language)
    page.get_by_label(walk.say(language, "UnionPay credit card")).check()
    walk.pay_button(page).click()
    walk.button(page, language, "Continue to UnionPay").click()
    walk.pay_at_unionpay(page)
    number = walk.wait_for_confirmation(page, language)
    stack.wait_for_mail(email, subject(language, "Order confirmation %(number)s", number))


@pytest.mark.prove
@on_servers
def test_a_card_that_was_refused_after_coming_back_from_paypal_is_typed_again(stack, open_page):
    page = open_page("en")
    walk.add_to_cart(page, stack.url, "en", "phoenix-dancong-honey-orchid")
    walk.go_to_checkout(page, stack.url, "en")
    walk.fill_checkout(page, "en", email="switch@example.com")
    walk.continue_to_payment(page, "en")
    payment_page = page.url
    walk.go_to_paypal(page)
    page.get_by_role("link", name=re.compile("Cancel")).or_(
        page.get_by_role("button", name=re.compile("Cancel"))
    ).first.click()
    page.wait_for_url(payment_page)
    assert "No money was taken." in page.locator("main").inner_text()
    walk.pay_by_card(page, "en", cvc="999")
    page.get_by_text("Please enter the card once more.").wait_for()
    assert page.url == payment_page
    assert page.get_by_label("Card number").input_value() == "", "a card is never filled in again"
    walk.pay_by_card(page, "en")
    walk.wait_for_confirmation(page, "en")


@pytest.mark.prove
@on_servers
def test_x13_a_double_click_pays_once(stack, open_page):
    page = open_page("en")
    walk.add_to_cart(page, stack.url, "en", "jasmine-silver-needle")
    walk.go_to_checkout(page, stack.url, "en")
    walk.fill_checkout(page, "en", email="double@example.com")
    walk.continue_to_payment(page, "en")
    page.get_by_label("UnionPay credit card").check()
    page.get_by_label("Card number").fill(walk.CARD)
    page.get_by_label("Expiration date").fill(walk.EXPIRY)
    page.get_by_label("CVC").fill(walk.CVC)
    walk.pay_button(page).dblclick()
    number = walk.wait_for_confirmation(page, "en")
    exchanges = [entry for entry in stack.log() if number.replace("-", "") in str(entry)]
    assert len({reference for entry in exchanges for reference in entry["references"]}) == 1
    assert sum(entry["kind"] == "purchase" for entry in exchanges) == 1
