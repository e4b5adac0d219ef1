"""A report that is being written outlives its browser, its session and its second tab, with a real script.

The clock of the pages is moved on, so nobody waits for the ten seconds between two saves.
"""

import pytest

from shop.tests.harness import walk
from shop.tests.harness.buyer import Buyer
from shop.tests.harness.leaks import find_leaks
from shop.tests.harness.stacks.stack import on_servers

LANGUAGES = ["en", pytest.param("zh-hant", marks=pytest.mark.prove)]
CANARY = "canary-autosave-6620"
ELSEWHERE = "The draft was saved elsewhere since you opened it. Save it here to compare both."
NOT_SAVED = "Not saved just now. Your text is still on this page; are you signed in and online?"
A_WHILE = 11_000  # ms; longer than it takes until a text is saved


def paid_case(stack, language) -> str:
    """The number of an order with a service."""
    buyer = Buyer(stack, email=f"autosave-{language}@example.com")
    buyer.check_out("bazi-yearly-outlook")
    buyer.press_pay("unionpay", **buyer.encrypted_card())
    buyer.wait_until_paid()
    buyer.close()
    return buyer.number


def desk_of(stack, open_page, language, number, *, javascript=True):
    """The case in a browser of its consultant, who signs in."""
    page = open_page(language, javascript=javascript)
    if javascript:
        page.clock.install()
    walk.sign_in(page, stack.url, language, "consultant", stack.logins["consultant"])
    walk.open_case(page, stack.url, language, number)
    return page


def another_tab(page):
    tab = page.context.new_page()
    tab.clock.install()
    tab.goto(page.url)
    return tab


def body_in(page):
    return page.locator("textarea[name=body]")


def last_line(page) -> str:
    """Above it stands the outline that a first draft begins with."""
    return body_in(page).input_value().rpartition("\n")[2]


def typed(page, text: str) -> None:
    """Typed at the end, key by key, until it is time to save."""
    body_in(page).press("Control+End")
    body_in(page).press_sequentially(text)
    page.clock.fast_forward(A_WHILE)


def told(page, words: str) -> None:
    page.locator("[data-told]", has_text=words).wait_for()


@on_servers
@pytest.mark.parametrize("language", LANGUAGES, scope="session")
def test_a_report_outlives_browser_session_and_second_tab(stack, open_page, complaints, language):
    # Answers that are provoked below. Nothing else is complained about, of the content policy neither.
    complaints.expected += ["status of 409", "status of 403"]

    def say(text):
        return walk.say(language, text)

    saved = say("The draft was saved at %(time)s.").partition("%")[0].strip()
    number = paid_case(stack, language)
    page = desk_of(stack, open_page, language, number)
    page.locator("input[name=title]").fill("A")
    typed(page, f"{CANARY} first")
    told(page, saved)
    assert find_leaks(stack, [CANARY]) == [], "the draft is sealed"
    page.context.close()  # the browser dies; no button was pressed

    page = desk_of(stack, open_page, language, number)
    assert last_line(page) == f"{CANARY} first"
    newer = another_tab(page)
    typed(newer, " newer")
    told(newer, saved)
    typed(page, " older")
    told(page, say(ELSEWHERE))
    walk.button(page, language, "Save draft").click()
    page.locator(".other-draft", has_text=f"{CANARY} first newer").wait_for()
    assert last_line(page) == f"{CANARY} first older"
    walk.look(page, f"autosave-{language}-both")

    # A button that is pressed before a save has been answered goes on from what that saved.
    held = []
    newer.route("**/consultant/case/*/", lambda route: held.append((route, route.fetch())), times=1)
    typed(newer, " again")
    for _ in range(500):
        if held:
            break
        newer.wait_for_timeout(20)
    body_in(newer).press("!")
    walk.button(newer, language, "Save draft").click(no_wait_after=True)
    route, answer = held[0]
    route.fulfill(response=answer)
    newer.get_by_text(say("The draft is saved."), exact=True).wait_for()
    assert last_line(newer) == f"{CANARY} first newer again!"

    # The session ends in another tab.
    last = another_tab(newer)
    page.goto(f"{stack.url}/{language}/admin/")
    page.locator("#logout-form button").click()
    page.wait_for_load_state()
    typed(last, " last")
    told(last, say(NOT_SAVED))
    walk.button(last, language, "Save draft").click()
    last.get_by_role("heading", level=1, name=say("Not sent yet")).wait_for()
    assert last_line(last) == f"{CANARY} first newer again! last"
    walk.look(last, f"autosave-{language}-unsent")
    with last.expect_popup() as popup:
        last.get_by_role("link", name=say("Sign in again in a new window")).click()
    popup.value.locator("#id_username").fill("consultant")
    popup.value.locator("#id_password").fill(stack.logins["consultant"])
    popup.value.locator("input[type=submit]").click()
    popup.value.wait_for_url("**/consultant/case/*/")
    for _ in range(2):  # signing in renewed the token of the page, so it asks once more
        walk.button(last, language, "Send what you typed").click()
        last.wait_for_load_state()
    last.get_by_text(say("The draft is saved."), exact=True).wait_for()
    assert last_line(last) == f"{CANARY} first newer again! last"

    bare = desk_of(stack, open_page, language, number, javascript=False)
    body_in(bare).fill(f"{CANARY} without a script")
    walk.button(bare, language, "Save draft").click()
    bare.get_by_text(say("The draft is saved."), exact=True).wait_for()
    assert last_line(bare) == f"{CANARY} without a script"
