"""One of several reports is ready; a report is corrected: asked of the whole shop, in a browser.

In English in every run, in Chinese too in ``make prove``.
"""

import re
import zipfile

import pytest

from consulting.tests import documents
from shop.tests.harness import walk
from shop.tests.harness.browser import assert_accessible, assert_hidden, assert_visible
from shop.tests.harness.leaks import find_leaks
from shop.tests.harness.stacks.stack import on_servers

LANGUAGES = ["en", pytest.param("zh-hant", marks=pytest.mark.prove)]
in_both_languages = pytest.mark.parametrize("language", LANGUAGES, scope="session")
SERVICES = ("home-layout-report", "bazi-yearly-outlook", "auspicious-date-proposal")
TABLE = "| A | B |\n|---|---|\n| 1 | 2 |"
TEXT = {
    "en": f"## Findings\n\nThe bed stands at the {{wall}} wall.\n\n## Suggestions\n\n{TABLE}",
    "zh-hant": f"## 現況\n\n床頭靠{{wall}}牆，避免正對房門。\n\n## 建議\n\n{TABLE}",
}
WALLS = {"en": ("north", "east"), "zh-hant": ("北", "東")}
CANARY = "canary-report-4471"


def order_of(stack, open_page, language, email, *slugs) -> tuple[str, str]:
    """Ordered and paid. Returns the order's number and key."""
    page = open_page(language)
    for slug in slugs:
        walk.add_to_cart(page, stack.url, language, slug)
    walk.go_to_checkout(page, stack.url, language)
    walk.fill_checkout(page, language, email=email)
    walk.continue_to_payment(page, language)
    walk.pay_with_paypal_login(page, language)
    number = walk.wait_for_confirmation(page, language)
    return number, walk.key_in(page.locator("main").inner_text())


def consultant_of(stack, open_page, language):
    staff = open_page(language)
    walk.sign_in(staff, stack.url, language, "consultant", stack.logins["consultant"])
    return staff


def publish(staff, language, *, title: str, body: str, note: str = "", files=()) -> None:
    """From the case's page, through the preview."""
    staff.locator("input[name=title]").fill(title)
    staff.locator("textarea[name=body]").fill(body)
    if note:
        staff.locator("textarea[name=note]").fill(note)
    if files:
        staff.locator("input[name=attachments]").set_input_files(files)
    walk.button(staff, language, "Save and go to publishing").click()
    staff.wait_for_url("**/publish/")
    walk.look(staff, f"publish-{language}")
    walk.button(staff, language, "Publish report").click()
    staff.wait_for_url(re.compile(r"/case/\d+/$"))


@pytest.mark.prove
@on_servers
@in_both_languages
def test_x17_one_of_three_reports_is_ready_and_the_others_say_when(stack, open_page, language):
    email = f"three-{language}@example.com"
    number, key = order_of(stack, open_page, language, email, *SERVICES)
    staff = consultant_of(stack, open_page, language)
    walk.open_case(staff, stack.url, language, number)
    plan = {"name": f"{CANARY} 平面圖.pdf", "mimeType": "application/pdf", "buffer": documents.pdf()}
    body = TEXT[language].format(wall=WALLS[language][0])
    publish(staff, language, title=f"{CANARY} title", body=f"{body}\n\n{CANARY}", files=[plan])

    ready = stack.wait_for_mail(email, walk.say(language, "Consultation report ready"))
    assert CANARY not in ready["text"] + ready["html"]
    reader = open_page(language)
    walk.unlock(reader, stack.url, language, key=key, email=email)
    index = reader.locator("main")
    assert index.locator(".case-list h2 a").count() == 1
    assert index.locator(".case-list .badge-success").count() == 1
    assert index.locator(".case-list > li").count() == 3
    with reader.expect_download() as download:
        reader.get_by_role("link", name=walk.say(language, "Download all reports")).click()
    with zipfile.ZipFile(download.value.path()) as package:
        assert len({name.split("/")[0] for name in package.namelist()}) == 1
        assert any(package.read(name) == plan["buffer"] for name in package.namelist())

    reader.locator(".case-list h2 a").click()
    reader.wait_for_url("**/report/case/*/")
    assert_accessible(reader)
    walk.look(reader, f"report-{language}")
    reader.locator(".report-contents a").last.click()
    assert reader.url.endswith("#section-2")
    with reader.expect_download() as download:
        reader.get_by_role("link", name=plan["name"]).click()
    assert download.value.suggested_filename == plan["name"]
    assert download.value.path().read_bytes() == plan["buffer"]
    reader.emulate_media(media="print")
    assert_visible(reader.locator(".report-running code"), "the fingerprint is on every page of paper")
    assert_hidden(reader.locator(".report-bar"))
    assert find_leaks(stack, [CANARY], but=["sandbox"]) == []


@on_servers
@in_both_languages
def test_x18_a_corrected_report_comes_with_its_note_and_the_difference(stack, open_page, language):
    email = f"corrected-{language}@example.com"
    number, key = order_of(stack, open_page, language, email, "auspicious-date-proposal")
    wrong, right = WALLS[language]
    staff = consultant_of(stack, open_page, language)
    walk.open_case(staff, stack.url, language, number)
    publish(staff, language, title="A", body=TEXT[language].format(wall=wrong))
    stack.wait_for_mail(email, walk.say(language, "Consultation report ready"))
    note = f"{CANARY} note"
    publish(staff, language, title="A", body=TEXT[language].format(wall=right), note=note)

    corrected = stack.wait_for_mail(email, walk.say(language, "Report updated"))
    assert walk.key_in(corrected["text"]) == key
    assert CANARY not in corrected["text"] + corrected["html"]
    reader = open_page(language, javascript=False)
    walk.unlock(reader, stack.url, language, key=key, email=email)
    reader.locator(".case-list h2 a").click()
    reader.wait_for_url("**/report/case/*/")
    assert note in reader.locator(".report-note").inner_text()
    assert right in reader.locator(".prose").inner_text()
    reader.locator(".report-compare a").click()
    reader.wait_for_url("**/version/2/changes/")
    assert wrong in reader.locator(".passage del").inner_text()
    assert right in reader.locator(".passage ins").inner_text()
    walk.look(reader, f"changes-{language}")
    reader.set_viewport_size({"width": 320, "height": 700})
    assert reader.evaluate("document.documentElement.scrollWidth") <= 320
    reader.go_back()
    reader.locator(".report-versions a[href$='/version/1/']").click()
    reader.wait_for_url("**/version/1/")
    assert wrong in reader.locator(".prose").inner_text()
