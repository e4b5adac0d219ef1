"""A member of staff sets up a second factor, signs in with it, and without the phone by a recovery code."""

import base64
import time

from django.utils.translation import ngettext, override
from django_otp.oath import TOTP

from shop.tests.harness import walk
from shop.tests.harness.browser import assert_accessible
from shop.tests.harness.walk import walked_on

PASSWORD = "quartz-lantern-harbour"
HIRE = """
from django.contrib.auth.models import Group, User
user = User.objects.create_user({name!r}, {name!r} + "@example.com", {password!r}, is_staff=True)
user.groups.set(Group.objects.filter(name="merchant"))
"""


def code_of(key: str, *, steps: int = 0) -> str:
    """What the app shows, ``steps`` half minutes from now."""
    app = TOTP(base64.b32decode(key.replace(" ", "")))
    app.time = time.time() + steps * 30
    return f"{app.token():06d}"


def give(page, text: str, field: str = "code") -> None:
    page.locator(f"#id_{field}").fill(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def begin(page, stack, language: str, name: str):
    """Name and password, from the page that was wanted."""
    page.goto(f"{stack.url}/{language}/admin/checkout/order/")
    page.locator("#id_username").fill(name)
    give(page, PASSWORD, "password")


@walked_on("services", "zh-hant")
def test_a_second_factor_is_set_up_asked_for_and_done_without(stack, open_page, language):
    name = f"lam-{language}"
    stack.manage("shell", "-v0", "-c", HIRE.format(name=name, password=PASSWORD))
    page = open_page(language)
    begin(page, stack, language, name)
    page.goto(f"{stack.url}/{language}/admin/sign-in/set-up/")
    key = page.locator("code.key-text").inner_text()
    give(page, "12345")
    page.locator(".error-summary").wait_for()
    assert page.locator("code.key-text").inner_text() == key, "what the app has scanned still holds"
    walk.look(page, f"second-factor-{language}")
    assert_accessible(page)
    give(page, code_of(key))
    codes = page.locator(".recovery-codes code").all_inner_texts()
    assert len(set(codes)) == 10
    walk.look(page, f"recovery-codes-{language}")
    assert_accessible(page)

    other = open_page(language)
    begin(other, stack, language, name)
    other.wait_for_url("**/admin/sign-in/code/**")
    give(other, code_of(key, steps=-3))
    other.locator(".error-summary").wait_for()
    walk.look(other, f"code-{language}")
    assert_accessible(other)
    give(other, code_of(key, steps=1))
    other.wait_for_url(f"**/{language}/admin/checkout/order/")

    third = open_page(language)
    begin(third, stack, language, name)
    give(third, codes[3].lower().replace("-", " "))
    third.wait_for_url(f"**/{language}/admin/checkout/order/")
    third.goto(f"{stack.url}/{language}/admin/sign-in/")
    with override(language):
        left = ngettext("One recovery code is left.", "%(left)s recovery codes are left.", 9) % {"left": 9}
    third.get_by_text(left).wait_for()
    assert_accessible(third)
    fourth = open_page(language)
    begin(fourth, stack, language, name)
    give(fourth, codes[3])
    fourth.locator(".error-summary").wait_for()
