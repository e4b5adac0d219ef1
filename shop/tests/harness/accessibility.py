from .browser import assert_accessible

SMALLEST = 320


def check(page) -> None:
    assert_accessible(page)
    page.set_viewport_size({"width": SMALLEST, "height": 700})
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= SMALLEST, f"{page.url} is {width} px wide on a {SMALLEST} px screen"
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.locator("h1").count() == 1, f"{page.url} has not exactly one main heading"
