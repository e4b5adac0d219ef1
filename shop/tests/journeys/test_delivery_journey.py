"""Where to and how, in a real browser: the fields follow the choice, with a script by themselves, without one
at the press of a button, and nothing typed is lost either way."""

import pytest

from shop.tests.harness import walk
from shop.tests.harness.accessibility import check
from shop.tests.harness.stacks.stack import on_servers
from shop.tests.harness.walk import walked_in

TEA = "jasmine-silver-needle"
BUTTON = "main aside .button-primary"
# As long as it takes to draw an answer that has come, if it is drawn.
FRAMES = """() => new Promise((done) => {
  let left = 60;
  (function next() { left-- ? requestAnimationFrame(next) : done(); })();
})"""
LABELLED = "text => document.getElementById('label-preview').textContent.includes(text)"


def choose(page, selector: str, value: str) -> None:
    """Choose from a list, and wait until the page has been drawn anew."""
    page.locator(selector).focus()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator(selector).select_option(value)


def update(page, language: str) -> None:
    walk.button(page, language, "Update address fields and shipping fee").click()
    page.wait_for_load_state()


@pytest.mark.prove
@walked_in("en")
def test_with_a_script_the_fields_follow_the_region_by_themselves(stack, open_page, language):
    page = open_page(language)
    walk.add_to_cart(page, stack.url, language, TEA)
    walk.go_to_checkout(page, stack.url, language)
    walk.fill_checkout(page, language, email="region@example.com")
    choose(page, "#id_region", "TW")
    page.locator("#id_postcode").wait_for()
    assert page.evaluate("document.activeElement.id") == "id_region"
    choose(page, "#id_area", "Taipei City")
    # Twelve districts, not those of all Taiwan, and the way to type another.
    page.wait_for_function(
        "() => document.querySelectorAll('#id_city option').length === 14"
        " && !document.querySelector('#id_city optgroup')"
    )
    choose(page, "#id_city", "Taipei City/Da'an District")
    page.wait_for_function("() => document.getElementById('id_postcode').value === '106'")
    check(page)
    line1 = "彌敦道1號" if language == "zh-hant" else "1 Nathan Road"
    assert page.locator("#id_line1").input_value() == line1
    preview = page.locator("#label-preview address")
    assert (
        "臺北市大安區" if language == "zh-hant" else "Da'an District, Taipei City 106"
    ) in preview.inner_text()
    assert "HK$85.00" in page.locator("#quote").inner_text()
    assert page.locator("#delivery noscript").count() == 0  # its button would be pressed by the Enter key

    choose(page, "#id_region", "HK")
    page.locator("#id_method_1").wait_for()
    assert page.locator("#id_area").input_value() == "Kowloon"
    assert page.locator("#id_city").input_value() == "Kowloon/Yau Tsim Mong"
    page.locator("#id_method_1").check()
    page.locator("#id_locker").wait_for()
    check(page)
    page.locator("#id_locker").fill("h852fg83p")
    page.locator("#id_locker").press("Enter")
    page.get_by_role("heading", level=1, name=walk.say(language, "Confirm Order Details")).wait_for()
    assert "H852FG83P" in page.locator("address").inner_text()
    check(page)


@pytest.mark.prove
@on_servers
def test_what_is_typed_while_the_page_is_drawn_anew_is_kept(stack, open_page):
    page = open_page("en")
    walk.add_to_cart(page, stack.url, "en", TEA)
    walk.go_to_checkout(page, stack.url, "en")

    held = []
    page.route("**/checkout/", lambda route: held.append(route))
    page.locator("#id_region").select_option("GB")
    page.locator("#id_recipient").press_sequentially("Mei")
    page.locator("#id_is_gift").evaluate("field => { field.checked = true }")
    held[0].continue_()
    page.locator("#id_postcode").wait_for()
    assert page.locator("#id_recipient").input_value() == "Mei"
    assert page.locator("#id_is_gift").is_checked()
    assert page.evaluate("document.activeElement.id") == "id_recipient"


@on_servers
def test_a_press_counts_whatever_is_drawn_anew_meanwhile(stack, open_page):
    """The press that leaves the last field has its amounts drawn anew before it ends."""
    page = open_page("en")
    walk.add_to_cart(page, stack.url, "en", TEA)
    walk.go_to_checkout(page, stack.url, "en")
    walk.fill_checkout(page, "en", email="press@example.com")
    page.locator("#id_line1").press("Tab")
    page.wait_for_function(LABELLED, arg="Nathan")  # what filling has asked for is answered
    page.locator("#id_line1").press("End")
    page.keyboard.type(" Flat B")
    page.locator(BUTTON).scroll_into_view_if_needed()
    box = page.locator(BUTTON).bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    with page.expect_response("**/checkout/") as answered:
        page.mouse.down()
    answered.value.finished()
    page.evaluate(FRAMES)
    page.mouse.up()
    page.get_by_role("heading", level=1, name="Confirm Order Details").wait_for()
    assert "Flat B" in page.locator("address").inner_text()


@on_servers
def test_the_keyboard_stays_where_it_is_while_amounts_are_drawn_anew(stack, open_page):
    page = open_page("en")
    walk.add_to_cart(page, stack.url, "en", TEA)
    walk.go_to_checkout(page, stack.url, "en")
    page.locator("#id_line1").fill("1 Nathan Road")
    with page.expect_response("**/checkout/") as answered:
        page.locator(BUTTON).focus()
    answered.value.finished()
    page.wait_for_function(LABELLED, arg="Nathan")
    assert page.evaluate("document.activeElement.matches('main .button-primary')")


@pytest.mark.prove
@walked_in("zh-hant")
def test_without_a_script_a_button_draws_the_fields_anew(stack, open_page, language):
    page = open_page(language, javascript=False)
    walk.add_to_cart(page, stack.url, language, TEA)
    page.goto(f"{stack.url}/{language}/cart/")
    page.locator("#estimate-region").select_option("TW")
    page.locator(".estimate-form button").click()
    page.wait_for_load_state()
    assert "HK$85.00" in page.locator("#estimate").inner_text()
    walk.go_to_checkout(page, stack.url, language)
    assert page.locator("#id_region").input_value() == "TW"
    page.locator("#id_email").fill("noscript@example.com")
    page.locator("#id_recipient").fill("𠮷田・陳大文")
    page.locator("#id_phone").fill("9123 4567")
    page.locator("#id_region").select_option("HK")
    update(page, language)
    page.locator("#id_method_1").check()
    update(page, language)
    assert page.locator("#id_recipient").input_value() == "𠮷田・陳大文"
    page.locator("#id_locker").fill("H852FG83P")
    page.locator("#id_is_gift").check()
    page.locator("#id_card_text").fill("生日快樂")
    walk.continue_to_payment(page, language)
    shown = page.locator("main").inner_text()
    for text in ("𠮷田・陳大文", "H852FG83P", "生日快樂", "HK$20.00", "+852 9123 4567"):
        assert text in shown


@pytest.mark.prove
@on_servers
def test_the_estimate_in_the_cart_is_accessible_and_says_what_cannot_be_sent(stack, open_page):
    page = open_page("en")
    walk.add_to_cart(page, stack.url, "en", "aged-sandalwood-sticks")
    page.goto(f"{stack.url}/en/cart/")
    check(page)
    page.locator("#estimate-region").select_option("CN")
    page.locator(".estimate-form button").click()
    page.wait_for_url("**/cart/#estimate")
    assert "Aged sandalwood sticks" in page.locator("#estimate .notice").inner_text()
    check(page)
