"""Journeys X26, X27, X28 on the running stack: details that follow, a question back, a copy, an erasure.

In Chinese the client's browser has no JavaScript. ``SHOP_PICTURES=folder`` keeps pictures.
"""

import json
import re
import zipfile

import pytest

from checkout.tests import files
from shop.tests.harness import walk
from shop.tests.harness.browser import assert_accessible
from shop.tests.harness.leaks import find_leaks
from shop.tests.harness.stacks.stack import on_servers, wait_for

LANGUAGES = ["en", pytest.param("zh-hant", marks=pytest.mark.prove)]
QUESTION, ANSWER = "canary-question-7711", "canary-reply-3308"
PLAN = {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": files.pdf("canary-plan-1190")}


def buy(page, stack, language, email, *slugs):
    """Paid by card. Returns number and key."""
    for slug in slugs:
        walk.add_to_cart(page, stack.url, language, slug)
    walk.go_to_checkout(page, stack.url, language)
    walk.fill_checkout(page, language, email=email)
    walk.continue_to_payment(page, language)
    walk.pay_by_card(page, language)
    number = walk.wait_for_confirmation(page, language)
    return number, walk.key_in(page.locator("main").inner_text())


def link_in(page, language, text):
    """A link by the words it begins with: what it is about follows for screen readers."""
    return page.locator("main").get_by_role("link", name=re.compile(re.escape(walk.say(language, text))))


def send(page, language, text, *, needs_answer=False):
    page.locator("textarea[name=text]").fill(text)
    if needs_answer:
        page.locator("input[name=needs_answer]").check()
    walk.button(page, language, "Send").click()
    page.locator(".message-text", has_text=text).wait_for()


@pytest.mark.parametrize("language", LANGUAGES, scope="session")
@on_servers
def test_x27_x28_details_follow_and_a_question_is_answered_on_the_key_page(stack, open_page, language):
    email, has_script = f"asked-{language}@example.com", language == "en"
    buyer = open_page(language)
    number, key = buy(buyer, stack, language, email, "home-layout-report")
    client = open_page(language, javascript=has_script)
    walk.unlock(client, stack.url, language, key=key, email=email)
    look = f"client-{language}"
    walk.look(client, f"{look}-1-missing")
    link_in(client, language, "Add details").first.click()
    client.wait_for_url("**/report/order/details/")
    walk.look(client, f"{look}-2-details")
    client.locator("input[type=file]").set_input_files(PLAN)
    walk.button(client, language, "Save").last.click()
    client.wait_for_url("**/report/order/")
    assert walk.say(language, "Thank you. Your details are complete.") in client.locator("main").inner_text()

    staff = open_page(language)
    walk.sign_in(staff, stack.url, language, "consultant", stack.logins["consultant"])
    walk.open_case(staff, stack.url, language, number)
    staff.get_by_role("link", name=walk.say(language, "Read and write")).click()
    staff.wait_for_url("**/messages/")
    send(staff, language, QUESTION, needs_answer=True)
    walk.look(staff, f"{look}-3-asked")
    if has_script:
        assert_accessible(staff)
    mail = stack.wait_for_mail(email, walk.say(language, "A question from your consultant"))
    assert QUESTION not in mail["text"] + mail.get("html", "")

    client.reload()
    assert walk.say(language, "New message") in client.locator("main").inner_text()
    walk.look(client, f"{look}-4-waiting")
    if has_script:
        assert_accessible(client)
    link_in(client, language, "Read and answer the question").click()
    client.wait_for_url("**/messages/")
    client.get_by_text(QUESTION).wait_for()
    send(client, language, ANSWER)
    walk.look(client, f"{look}-5-answered")
    if has_script:
        assert_accessible(client)
    stack.wait_for_mail("consultant@shop.example", number)
    staff.reload()
    staff.get_by_text(ANSWER).wait_for()
    assert walk.say(language, "Waits for the client's answer") not in staff.locator("main").inner_text()
    assert find_leaks(stack, [QUESTION, ANSWER]) == []

    walk.write_report(staff, stack.url, language, number, "Layout", "Canary-Layout-2203")
    client.goto(f"{stack.url}/{language}/report/order/")
    assert walk.say(language, "Ready to open") in client.locator("main").inner_text()
    walk.look(client, f"{look}-6-ready")
    client.set_viewport_size({"width": 320, "height": 700})
    assert client.evaluate("document.documentElement.scrollWidth") <= 320
    link_in(client, language, "Messages with your consultant").click()
    client.wait_for_url("**/messages/")
    send(client, language, "One more question")


@pytest.mark.prove
@pytest.mark.parametrize("language", LANGUAGES, scope="session")
@on_servers
@pytest.mark.failure("F79")
def test_x26_a_shipped_order_with_an_open_case_is_copied_and_erased_once_its_report_is_there(
    stack, open_page, language
):
    email, has_script = f"erase-{language}@example.com", language == "en"
    buyer = open_page(language)
    number, key = buy(buyer, stack, language, email, "wuyi-rougui-oolong", "bazi-yearly-outlook")
    merchant = open_page(language)
    walk.sign_in(merchant, stack.url, language, "merchant", stack.logins["merchant"])
    walk.ship(merchant, stack.url, language, number)

    client = open_page(language, javascript=has_script)
    walk.unlock(client, stack.url, language, key=key, email=email)
    link_in(client, language, "Have a copy of everything, or have it erased").click()
    client.wait_for_url("**/privacy/")
    look = f"privacy-{language}"
    walk.look(client, f"{look}-1-page")
    if has_script:
        assert_accessible(client)
    privacy_page = client.url
    walk.button(client, language, "Send me the link for a copy").click()
    client.goto(link_of(stack, language, email, "The link for your copy"))
    walk.look(client, f"{look}-2-copy")
    with client.expect_download() as download:
        walk.button(client, language, "Download the copy").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        copy = json.loads(archive.read("order.json"))
    assert (copy["order"]["number"], copy["order"]["email"]) == (number, email)

    client.goto(privacy_page)
    walk.button(client, language, "Send me the link for the erasure").click()
    client.goto(link_of(stack, language, email, "The link for the erasure"))
    walk.look(client, f"{look}-3-what")
    if has_script:
        assert_accessible(client)
    walk.button(client, language, "Continue").click()
    client.get_by_role("heading", level=1, name=walk.say(language, "Erase for good?")).wait_for()
    walk.look(client, f"{look}-4-sure")
    if has_script:
        assert_accessible(client)
    client.locator("#sure").check()
    walk.button(client, language, "Erase everything personal").click()
    client.get_by_role(
        "heading", level=1, name=walk.say(language, "You have confirmed the erasure.")
    ).wait_for()
    waits = "A consultation report is still being written. You may wait until it is ready, or cancel it."
    assert walk.say(language, waits) in client.locator("main").inner_text()
    walk.look(client, f"{look}-5-waits")

    writer = open_page(language)
    walk.sign_in(writer, stack.url, language, "consultant", stack.logins["consultant"])
    walk.write_report(writer, stack.url, language, number, "Outlook", "Canary-Outlook-4402")
    assert leaks(stack, email), "the search finds what is still there"
    stack.manage("shell", "-c", "from checkout.tasks import erase_confirmed; erase_confirmed()")
    stack.wait_for_mail(email, walk.say(language, "What was personal is erased"))
    wait_for(lambda: leaks(stack, email) == [], "the address is forgotten with its last mail")
    client.goto(f"{stack.url}/{language}/report/order/")
    gone = "Everything personal in this order was erased; its reports are gone for good."
    assert walk.say(language, gone) in client.locator("body").inner_text()
    walk.look(client, f"{look}-6-key-page-after")
    client.goto(privacy_page)
    walk.look(client, f"{look}-7-order-after")
    client.goto(f"{stack.url}/{language}/privacy/")
    walk.look(client, f"{look}-8-schedule")
    if has_script:
        assert_accessible(client)


def link_of(stack, language, email, subject):
    mail = stack.wait_for_mail(email, walk.say(language, subject))
    return re.search(r"http\S+/orders/privacy/\S+", mail["text"]).group()


def leaks(stack, needle):
    """In database, queue and files; not in the sandbox's mailbox, which is the client's own."""
    places = find_leaks(stack, [needle])
    return [place for place in places if place.startswith(("database dump", "redis", "media"))]
