"""A merchant tries out a declined card: arranges it on the sandbox's page, buys, reads, pays after all."""

import pytest
import requests

from payments.tests.harness.rehearsal import armed, disarm
from shop.tests.harness import walk
from shop.tests.harness.stacks.stack import Stack


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)  # its fault strikes whoever pays next
def test_a_merchant_rehearses_a_declined_card(stack: Stack, open_page):
    disarm(stack.sandbox_url)  # whatever a test before this one has left
    rehearsal = open_page("zh-hant", javascript=False)
    rehearsal.goto(f"{stack.sandbox_url}/rehearsal/")
    rehearsal.get_by_role("link", name=walk.say("zh-hant", "UnionPay credit card")).click()
    rehearsal.locator("#id_declined-declined").select_option("64")
    rehearsal.locator("button[name=scenario][value=declined]").click()
    assert len(armed(stack.sandbox_url)) == 1

    page = open_page("zh-hant")
    number = walk.to_payment_page(
        page, stack.url, "zh-hant", "wuyi-rougui-oolong", email="rehearsal@example.com"
    )
    walk.pay_by_card(page, "zh-hant")
    page.get_by_text("未扣款").first.wait_for()
    rehearsal.reload()

    row = rehearsal.locator("label.payment", has_text=number)
    assert walk.say("zh-hant", "UnionPay credit card") in rehearsal.locator(".events").inner_text()
    assert number in rehearsal.locator(".events").inner_text()
    assert row.locator(".state.declined").count() == 1
    walk.pay_by_card(page, "zh-hant")
    assert walk.wait_for_confirmation(page, "zh-hant") == number
    assert armed(stack.sandbox_url) == []


@pytest.mark.parametrize("stack", ["services"], indirect=True)
def test_the_rehearsal_runs_no_script_of_anyone(stack: Stack):
    policy = requests.get(f"{stack.sandbox_url}/rehearsal/", timeout=10).headers["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
