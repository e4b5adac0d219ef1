"""X29: from the product to the order's page by keyboard alone, without scripts, on the smallest screen."""

from shop.tests.harness import walk
from shop.tests.harness.browser import assert_accessible
from shop.tests.harness.walk import walked_in

SMALLEST = 320
TYPED = {
    "en": {
        "recipient": "Mei Chan",
        "phone": "91234567",
        "area": "Kowloon",
        "city": "Yau Tsim Mong",
        "line1": "1 Nathan Road",
    },
    "zh-hant": {
        "recipient": "陳美儀",
        "phone": "91234567",
        "area": "九龍",
        "city": "油尖旺區",
        "line1": "彌敦道1號",
    },
}
# What has the focus: whether it can be seen, and where it is on the page.
FOCUSED = """() => {
    const it = document.activeElement, style = getComputedStyle(it), box = it.getBoundingClientRect();
    const label = it.labels?.[0] ? getComputedStyle(it.labels[0]) : style;
    const isMarked = [style, label].some((each) => each.outlineStyle !== "none" || each.boxShadow !== "none");
    return {
        isSeen: isMarked && box.width > 0 && box.bottom > 0 && box.top < innerHeight,
        isInMain: !!it.closest("main"),
        top: box.top + scrollY, bottom: box.bottom + scrollY,
        html: it.outerHTML.slice(0, 200),
    };
}"""


class Keyboard:
    """A page on which nothing is done but pressing keys; each stop of the focus is looked at."""

    def __init__(self, page) -> None:
        self.page = page

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def to(self, selector: str) -> None:
        """Press Tab until it has the focus."""
        last = 0.0
        for _ in range(90):
            self.press("Tab")
            at = self.page.evaluate(FOCUSED)
            assert at["isSeen"], f"the focus cannot be seen: {at['html']}"
            if at["isInMain"]:
                assert at["bottom"] > last, f"the focus jumps up the page: {at['html']}"
                last = at["top"]
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached by the Tab key")

    def type_into(self, id: str, text: str) -> None:
        self.to(f"#{id}")
        self.page.keyboard.type(text)

    def push(self, selector: str) -> None:
        self.to(selector)
        self.press("Enter")
        self.page.wait_for_load_state()


def look_at(page, eyes) -> None:
    """The same address in a browser with scripts, which axe needs."""
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= SMALLEST, f"{page.url} is {width} px wide on a {SMALLEST} px screen"
    eyes.context.add_cookies(page.context.cookies())
    eyes.goto(page.url)
    assert_accessible(eyes)
    width = eyes.evaluate("document.documentElement.scrollWidth")
    assert width <= SMALLEST, f"{page.url} is {width} px wide with scripts"


@walked_in("zh-hant")
def test_x29_by_keyboard_alone_without_scripts_at_320_pixels(stack, open_page, language):
    page = open_page(language, javascript=False, width=SMALLEST, height=640)
    eyes = open_page(language, width=SMALLEST, height=640)
    keys = Keyboard(page)
    page.goto(f"{stack.url}/{language}/product/mixed-hair-brushes/")
    look_at(page, eyes)
    keys.push(".skip-link")
    keys.push("main form[action$='/cart/add/'] button[type=submit]")
    page.locator("main .notice a").first.wait_for()
    keys.push("main .notice a")
    page.wait_for_url("**/cart/")
    look_at(page, eyes)
    keys.push("main a.button-primary")
    page.wait_for_url("**/checkout/")
    look_at(page, eyes)

    keys.to("#id_email")
    keys.press("Enter")
    page.locator(".error-summary").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALLEST
    keys.push(".error-summary a")
    assert page.evaluate("document.activeElement.id") == "id_email"
    page.keyboard.type(f"x29-{language}@example.com")
    for name, text in TYPED[language].items():
        if name in {"area", "city"}:
            keys.to(f"#id_{name}")
            choose(page, name, text)
        else:
            keys.type_into(f"id_{name}", text)
    keys.push("main aside button.button-primary")
    page.wait_for_url("**/pay/**")
    look_at(page, eyes)

    keys.to("#id_method_0")
    keys.press("ArrowDown")
    assert page.locator("#id_method_1").is_checked()
    keys.push("#pay-button")  # not to be looked at with scripts: they would go on to UnionPay
    walk.button(page, language, "Continue to UnionPay").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALLEST
    keys.push("main button[type=submit]")
    walk.pay_at_unionpay(page)
    walk.wait_for_confirmation(page, language)
    look_at(page, eyes)
    keys.to("main aside a")


def choose(page, name: str, text: str) -> None:
    """With the arrows; to type Chinese would need an input method."""
    chosen = (
        "([name, text]) => document.getElementById(`id_${name}`).selectedOptions[0].label.trim() === text"
    )
    for _ in range(40):
        if page.evaluate(chosen, [name, text]):
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{text} cannot be chosen for {name}")
