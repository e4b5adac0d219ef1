"""What is typed and not sent is not lost by a half date, the way to the cart, or another language."""

from shop.tests.harness import walk
from shop.tests.harness.stacks.stack import on_servers

SERVICE = "bazi-yearly-outlook"
PAGE = '<main><form method="post"><textarea></textarea></form></main><a href="/en/">English</a>'


@on_servers
def test_what_was_typed_outlives_leaving_the_page(stack, page):
    walk.add_to_cart(page, stack.url, "en", SERVICE)
    walk.go_to_checkout(page, stack.url, "en")
    time, text = page.locator("[name$='-1-birth-time']"), page.locator("[name$='-1-more']")
    time.focus()
    page.keyboard.type("08")  # the minutes are missing: a browser would send no time at all
    walk.button(page, "en", "Continue to payment").click()
    assert "Please complete the time" in time.evaluate("field => field.validationMessage")
    assert time.evaluate("field => field === document.activeElement")
    time.fill("08:30")

    text.focus()
    page.keyboard.insert_text("字" * 1500)  # as pasted; 1,000 may be sent, and that is told
    page.get_by_role("link", name="Back to the Shopping Cart").click()
    page.get_by_role("heading", level=1, name="Shopping Cart").wait_for()
    walk.go_to_checkout(page, stack.url, "en")
    assert (time.input_value(), len(text.input_value())) == ("08:30", 1500)


@on_servers
def test_a_link_that_would_lose_a_text_is_asked_about(stack, page):
    page.goto(f"{stack.url}/en/help/")
    script = page.locator("script[src*=enhance]").evaluate("script => script.outerHTML")
    page.route("**/en/written/", lambda route: route.fulfill(content_type="text/html", body=PAGE + script))
    page.goto(f"{stack.url}/en/written/")
    questions = []
    page.on("dialog", lambda dialog: (questions.append(dialog.type), dialog.dismiss()))
    page.locator("textarea").press_sequentially("字")
    with page.expect_event("dialog"):
        page.get_by_role("link", name="English").click(no_wait_after=True)
    assert (questions, page.locator("textarea").input_value()) == (["beforeunload"], "字")
