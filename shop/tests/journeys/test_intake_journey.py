"""What a consultant must know, asked in a browser: with scripts and without, before and after payment."""

import re

import pytest

from checkout.tests import files
from shop.tests.harness import walk
from shop.tests.harness.browser import assert_accessible, assert_hidden, assert_visible
from shop.tests.harness.leaks import find_leaks
from shop.tests.harness.stacks.stack import on_servers

NAMING, HOME = "naming-proposal", "home-layout-report"
PLAN = {
    "name": "canary-name-2291.pdf",
    "mimeType": "application/pdf",
    "buffer": files.pdf("canary-plan-6602"),
}


def open_checkout(page, url, language, *slugs):
    for slug in slugs:
        walk.add_to_cart(page, url, language, slug)
    walk.go_to_checkout(page, url, language)


def field(page, key):
    """An input of the first subject."""
    return page.locator(f"[name$='-1-{key}']")


@on_servers
def test_questions_show_themselves_when_they_apply_and_lists_grow(stack, page):
    open_checkout(page, stack.url, "en", HOME, NAMING)
    trade, born = field(page, "trade"), field(page, "birth.year")
    assert_hidden(trade)
    assert_hidden(born)
    page.get_by_label("A company").check()
    assert_visible(trade)
    assert_hidden(born)
    page.get_by_label("A baby").check()
    assert_visible(born)
    assert_hidden(trade)
    leap = field(page, "birth.leap")
    assert_hidden(leap)
    page.locator("[name$='-1-birth.calendar'][value=lunar]").check()
    assert_visible(leap)

    second = field(page, "candidates.2-text")
    assert_hidden(second)
    page.get_by_role("button", name="Add another").last.click()
    assert_visible(second)
    assert second.evaluate("input => input === document.activeElement")

    names = page.locator("[name$='-contact_name']")
    page.get_by_label("The same as for “Home layout report”").check()
    assert [name.is_visible() for name in names.all()] == [True, False]
    assert_accessible(page)
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.prove
@on_servers
def test_enter_in_a_field_means_continue_and_neither_upload_nor_remove(stack, page):
    open_checkout(page, stack.url, "en", HOME)
    field(page, "floor-plan").set_input_files(PLAN)
    page.get_by_role("button", name="Upload").first.click()
    page.get_by_text(PLAN["name"]).first.wait_for()
    page.locator("#id_email").press("Enter")
    page.locator(".error-summary").wait_for()
    assert_visible(page.get_by_text(PLAN["name"]).first, "the file is still there")


@pytest.mark.prove
@on_servers
def test_without_scripts_files_are_sent_and_removed_by_buttons_and_everything_is_kept(stack, open_page):
    language = "zh-hant"
    page = open_page(language, javascript=False)
    open_checkout(page, stack.url, language, HOME)
    field(page, "district").fill("鰂魚涌 canary-district-8140")
    field(page, "floor-plan").set_input_files(PLAN)
    walk.button(page, language, "Upload").first.click()
    assert_visible(page.get_by_text(PLAN["name"]).first)
    assert field(page, "district").input_value() == "鰂魚涌 canary-district-8140"
    removal = walk.say(language, "Remove %(name)s", name=PLAN["name"])
    page.get_by_role("button", name=removal, exact=True).click()
    assert page.get_by_text(PLAN["name"]).count() == 0
    wrong = {"name": "page.pdf", "mimeType": "application/pdf", "buffer": b"<html>"}
    field(page, "floor-plan").set_input_files(wrong)
    walk.button(page, language, "Continue to payment").last.click()
    assert "page.pdf" in page.locator(".error-summary").inner_text()
    assert field(page, "district").input_value() == "鰂魚涌 canary-district-8140"
    field(page, "floor-plan").set_input_files(PLAN)
    walk.fill_checkout(page, language, email="plan@example.com")
    walk.continue_to_payment(page, language)
    assert find_leaks(stack, ["canary-district-8140", "canary-name-2291", "canary-plan-6602"]) == []


@pytest.mark.prove
@on_servers
def test_what_follows_after_payment_reaches_the_consultant(stack, open_page):
    page = open_page("en")
    open_checkout(page, stack.url, "en", HOME)
    walk.fill_checkout(page, "en", email="later@example.com")
    walk.continue_to_payment(page, "en")
    walk.pay_with_paypal_login(page, "en")
    number = walk.wait_for_confirmation(page, "en")
    asking = stack.wait_for_mail("later@example.com", "Please add your details")
    assert "Home layout report" in asking["text"]

    page.goto(re.search(r"http\S+/en/order/\S+", asking["text"]).group())
    page.get_by_role("link", name="Add details").click()
    assert_accessible(page)
    page.locator("input[type=file]").set_input_files(PLAN)
    walk.button(page, "en", "Save").last.click()
    page.get_by_text("Your details are complete.").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name=PLAN["name"]).click()
    assert download.value.path().read_bytes() == PLAN["buffer"]

    staff = open_page("en")
    walk.sign_in(staff, stack.url, "en", "consultant", stack.logins["consultant"])
    walk.open_case(staff, stack.url, "en", number)
    with staff.expect_download() as download:
        staff.get_by_role("link", name=PLAN["name"]).click()
    assert download.value.suggested_filename == PLAN["name"]
    assert find_leaks(stack, ["canary-name-2291", "canary-plan-6602"]) == []
