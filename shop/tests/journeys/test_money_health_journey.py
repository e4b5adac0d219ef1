"""Money health on a running shop: green after real orders, red where something is broken, then repaired."""

import re
import subprocess
import sys

import pytest

from payments.tests.harness.rehearsal import act, armed_while
from shop.tests.harness import prepared, walk
from shop.tests.harness.browser import assert_accessible
from shop.tests.harness.effort import times
from shop.tests.harness.stacks.stack import BASE, running, wait_for
from shop.tests.harness.walk import LANGUAGES

PATH = "admin/payments/payment/health/"
# Facts that are broken in the running shop's database, each the fault of another check.
BREAK = """
from django.db.models import F
from django.utils import timezone
from catalog.models import Variant
from consulting.models import OrderKey, Case
from payments.models import Payment, Refund
from shop.models import OutboxMessage
Payment.objects.filter(method="paypal").update(pays_order=False)
Variant.objects.filter(sku="TEA-001").update(on_hand=F("on_hand") + 3)
Case.objects.all().delete()
OrderKey.objects.all().delete()
OutboxMessage.objects.filter(topic="mail.new_order").delete()
"""


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory):
    """Nobody else's accidents are in its books."""
    with running(tmp_path_factory.mktemp("money"), var=prepared.folder_of_embedded()) as stack:
        yield stack


def buy(page, stack, language, slug, pay):
    walk.to_payment_page(page, stack.url, language, slug, email=f"{slug}@example.com")
    pay(page, language)
    return walk.wait_for_confirmation(page, language)


def money_health(stack, *arguments):
    done = subprocess.run(
        [sys.executable, "manage.py", "money_health", *arguments],
        cwd=BASE,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr.startswith("Traceback"), done.stderr
    return done.returncode, done.stdout


def verdict(page):
    return page.locator(".health-verdict").inner_text()


def assert_fits(page):
    """On a telephone nothing but the table of sums is wider than the screen, and that scrolls by itself."""
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.prove
def test_green_after_real_orders_red_where_broken_and_green_by_a_click(own_stack, open_page):
    stack = own_stack
    for slug, pay in (
        ("bazi-yearly-outlook", walk.pay_with_paypal_login),
        ("wuyi-rougui-oolong", walk.pay_by_card),
        ("phoenix-dancong-honey-orchid", walk.pay_with_paypal_as_guest),
    ):
        buyer = open_page("en")
        number = buy(buyer, stack, "en", slug, pay)
        stack.wait_for_mail("merchant@shop.example", number)
    act(stack.sandbox_url, gateway="paypal", act="dashboard_refund", reference=number, amount="10.00")
    wait_for(lambda: stack.mails("phoenix-dancong-honey-orchid@example.com")[1:], "the mail about the refund")
    status, report = wait_for(
        lambda: (lambda s: s if s[0] == 0 else None)(money_health(stack, "--ask")), "green"
    )
    assert (status, re.findall("^(?:RED|note).*", report, re.MULTILINE)) == (0, []), report
    assert "PayPal | HKD" in report
    assert "UnionPay | HKD" in report

    pages = {}
    for language in LANGUAGES[: times(1, 2)]:
        page = pages[language] = open_page(language)
        walk.sign_in(page, stack.url, language, "merchant", stack.logins["merchant"])
        page.locator("#user-tools").get_by_role("link", name=walk.say(language, "Money health")).click()
        assert verdict(page) == walk.say(language, "Everything is in order")
        assert_accessible(page)
        assert_fits(page)
        walk.look(page, f"money-health-green-{language}")

    act(stack.sandbox_url, gateway="paypal", act="dispute", reference=number)
    stack.manage("shell", "--no-imports", "--command", BREAK)
    status, report = money_health(stack)
    assert status == 1
    red = set(re.findall(r"^RED +([a-z-]+):", report, re.MULTILINE))
    assert red == {"captures", "orders", "totals", "stock", "keys", "mails"}
    for language, page in pages.items():
        wait_for(lambda page=page: page.reload() and page.locator("#disputes.is-note").count(), "the dispute")
        assert verdict(page).startswith(("6 ", "有6"))
        assert_accessible(page)
        assert_fits(page)
        walk.look(page, f"money-health-red-{language}")
    repaired(pages["en"])
    assert money_health(stack)[0] == 0
    walk.look(pages["en"], "money-health-repaired-en")


def repaired(page):
    """Press the first button until there is none: no repair breaks what another has put right."""
    for _ in range(12):
        buttons = page.locator(".health-check.is-red .health-acts button")
        if not buttons.count():
            break
        buttons.first.click()
        page.locator(".messagelist .success").first.wait_for()
    assert verdict(page) == "In order, with something to note"  # the dispute


@pytest.mark.prove
def test_a_person_decides_about_money_that_does_not_match(own_stack, open_page):
    stack, slug = own_stack, "jasmine-silver-needle"
    buyer = open_page("en")
    number = walk.to_payment_page(buyer, stack.url, "en", slug, email="odd@example.com")
    lie = {"gateway": "paypal", "fault": "tamper", "amount": "9000.00", "reference": number, "times": 0}
    with (
        armed_while(stack.sandbox_url, on="capture", **lie),
        armed_while(stack.sandbox_url, on="show", **lie),
    ):
        walk.pay_with_paypal_login(buyer, "en")
        page = open_page("zh-hant")
        walk.sign_in(page, stack.url, "zh-hant", "merchant", stack.logins["merchant"])
        wait_for(lambda: open_decision(page, stack), "the alarm")
        assert_accessible(page)
        assert_fits(page)
        walk.look(page, "money-decision-zh-hant")
        page.locator("form:has(input[value=accept]) button").click()
        page.locator(".messagelist .success").wait_for()
    stack.wait_for_mail("odd@example.com", number)


def open_decision(page, stack):
    """From the row of money health to the page of the decision."""
    page.goto(f"{stack.url}/zh-hant/{PATH}")
    link = page.locator("#attention .health-acts a")
    if not link.count():
        return False
    link.click()
    page.locator("input[value=accept]").wait_for(state="attached")
    return True
