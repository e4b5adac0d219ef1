"""The order key's own journeys in a real browser: it is lost and comes again, it leaks and is replaced, it is
guessed at while its owner gets in."""

import re

import pytest
import requests
from requests.adapters import HTTPAdapter

from consulting import key_format
from shop.tests.harness import walk
from shop.tests.harness.accessibility import check
from shop.tests.harness.walk import LANGUAGES, walked_on

PUBLISH = """
from django.contrib.auth.models import User
from consulting.reports import services
from consulting.models import Case
author = User.objects.get(username="consultant")
for case in Case.objects.filter(line__order__number={number!r}):
    services.assign(case, author)
    draft = services.save_draft(case, author=author, title="Outlook", body="Canary-Report-6613")
    services.publish(draft, actor=author.username)
"""


def bought(stack, open_page, language, email: str) -> tuple[str, str]:
    """A service with its report published: order number and key."""
    page = open_page(language)
    walk.to_payment_page(page, stack.url, language, "bazi-yearly-outlook", email=email)
    walk.pay_by_card(page, language)
    number = walk.wait_for_confirmation(page, language)
    page.locator(".key-aloud summary").click()
    walk.look(page, f"key-{language}")
    check(page)
    shown = walk.key_in(page.locator("main").inner_text())
    assert page.locator(".key-aloud li").count() == 5
    stack.manage("shell", "-v0", "-c", PUBLISH.format(number=number))
    return number, shown


def typed_in(page, url: str, language: str, key: str, email: str) -> None:
    page.goto(f"{url}/{language}/report/")
    page.get_by_label(walk.say(language, "Order key")).fill(key)
    page.get_by_label(walk.say(language, "E-mail")).fill(email)
    page.keyboard.press("Enter")


def refused(page, language: str) -> None:
    text = "This order key and e-mail address do not open a report. Please check both, or contact us."
    page.get_by_text(walk.say(language, text)).first.wait_for()


def replace_key(page, language: str) -> None:
    page.get_by_role("link", name=walk.say(language, "Replace the order key")).click()
    page.wait_for_url("**/report/new-key/")
    walk.look(page, f"new-key-{language}")
    check(page)
    walk.button(page, language, "Replace the key").click()
    text = "The old order key opens nothing any more. The new one is on its way to your mailbox."
    page.get_by_text(walk.say(language, text)).wait_for()


def newest_key(stack, language: str, email: str, number: str) -> str:
    subject = walk.say(language, "Order key replaced %(number)s", number=number)
    return walk.key_in(stack.wait_for_mail(email, subject)["text"])


@pytest.mark.prove
@walked_on("services", "en")
def test_x15_a_lost_key_comes_again_and_can_be_replaced(stack, open_page, language):
    """X15. Without JavaScript, and from the keyboard."""
    email = f"lost-{language}@example.com"
    number, key = bought(stack, open_page, language, email)

    page = open_page(language, javascript=False, width=390)
    page.goto(f"{stack.url}/{language}/report/")
    walk.look(page, f"unlock-{language}")
    page.get_by_role("link", name=walk.say(language, "Have it sent again")).click()
    page.wait_for_url("**/report/lost-key/")
    walk.look(page, f"lost-key-{language}")
    page.get_by_label(walk.say(language, "Order number")).fill(number.lower().replace("-", ""))
    page.keyboard.press("Tab")
    page.keyboard.type(email)
    page.keyboard.press("Enter")
    page.wait_for_url("**/report/lost-key/sent/")
    walk.look(page, f"key-sent-{language}")
    again = stack.wait_for_mail(email, walk.say(language, "Your order key again %(number)s", number=number))
    assert walk.key_in(again["text"]) == key
    link = re.search(r"https?://\S+/report/", again["text"])
    assert link
    assert key not in link.group()

    walk.unlock(page, stack.url, language, key=key, email=email)
    subject = walk.say(language, "Your reports were opened %(number)s", number=number)
    assert "/report/new-key/" in stack.wait_for_mail(email, subject)["text"]
    page.get_by_role("link", name=walk.say(language, "Replace the order key")).click()
    page.wait_for_url("**/report/new-key/")
    walk.button(page, language, "Replace the key").click()
    page.wait_for_url("**/report/")
    typed_in(page, stack.url, language, key, email)
    refused(page, language)
    new = newest_key(stack, language, email, number)
    assert new != key
    walk.unlock(page, stack.url, language, key=new, email=email)
    page.locator("main h2 a").first.click()
    page.get_by_text("Canary-Report-6613").wait_for()


def attack(stack, language: str, email: str, times: int) -> list[int]:
    """Wrong keys from another network, not that of the walk in the other language; what each was answered."""
    session = requests.Session()
    adapter = HTTPAdapter()
    adapter.init_poolmanager(1, 1, source_address=(f"127.9.{LANGUAGES.index(language)}.2", 0))
    session.mount("http://", adapter)
    url = f"{stack.url}/{language}/report/"
    page = session.get(url, timeout=20).text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    fields = {"csrfmiddlewaretoken": token.group(1), "email": email}
    return [
        session.post(url, {**fields, "order_key": key_format.make()}, timeout=20).status_code
        for _ in range(times)
    ]


@pytest.mark.prove
@walked_on("services", "en")
def test_x16_a_leaked_key_is_replaced_and_a_guesser_is_shut_out_but_not_the_owner(stack, open_page, language):
    """X16. The thief has key, e-mail address and an open browser, then only time to guess."""
    email = f"leaked-{language}@example.com"
    number, key = bought(stack, open_page, language, email)
    thief, owner = open_page(language), open_page(language)
    walk.unlock(thief, stack.url, language, key=key, email=email)
    thief.locator("main h2 a").first.click()
    thief.get_by_text("Canary-Report-6613").wait_for()

    walk.unlock(owner, stack.url, language, key=key, email=email)
    replace_key(owner, language)
    thief.reload()
    thief.wait_for_url("**/report/")
    assert "Canary-Report-6613" not in thief.content()
    thief.goto(f"{stack.url}/{language}/orders/")
    assert number not in thief.locator("main").inner_text(), "it may not see the order any more, either"
    typed_in(thief, stack.url, language, key, email)
    refused(thief, language)
    walk.look(thief, f"refused-{language}")
    check(thief)

    answers = attack(stack, language, email, 14)
    assert answers == [200] * 10 + [429] * 4
    new = newest_key(stack, language, email, number)
    walk.unlock(owner, stack.url, language, key=new, email=email)
    owner.locator("main h2 a").first.click()
    owner.get_by_text("Canary-Report-6613").wait_for()
    assert attack(stack, language, email, 1) == [429]
