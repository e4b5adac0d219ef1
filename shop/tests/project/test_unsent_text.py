"""What was typed comes back wherever the right to send it has ended, on the next page that takes text too."""

import html
import logging
import re

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from shop.tests.harness.access import world as world_of

pytestmark = pytest.mark.django_db

DOORS = {name: pattern for name, pattern in world_of.doors() if not name.startswith("admin:")}
TAKES_TEXT = {name for name, pattern in DOORS.items() if getattr(pattern.callback, "takes_text", False)}
ASKS_NOBODY = {"checkout:begin"}  # a cart belongs to whoever has it; its draft is sealed anyway
TYPED = "第一行 <b>\n\n  第二行 & canary-typed-5521"


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    logging.disable(logging.CRITICAL)
    yield world_of.make()
    logging.disable(logging.NOTSET)


def body_of(world, name: str) -> dict[str, str]:
    """What its owner would send, with a long text in each field that takes one."""
    body = world_of.body_of(world, name, "buyer")
    texts = dict.fromkeys({"text", "body", "reason", "post"} & set(body), TYPED)
    return {field: str(value) for field, value in body.items()} | texts


def fields_on(page: str) -> dict[str, str]:
    """What the form on the page would send."""
    fields = re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    fields += re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in fields}


def test_every_page_with_room_for_a_text_is_marked(world):
    found = set()
    for role in ("buyer", "unlocked", "assigned"):
        for name, pattern in DOORS.items():
            page = world.browsers[role].get(world_of.path_of(world, name, pattern))
            if not page.streaming and b"<textarea" in page.content:
                found.add(name)
    assert found >= {"consulting:case", "consulting:messages", "checkout:correct"}
    assert found <= TAKES_TEXT, "let these views take texts: shop/web/unsent.py"


def test_what_was_typed_comes_back_when_the_right_to_send_it_has_ended(world):
    for name in TAKES_TEXT - ASKS_NOBODY:
        path, body = world_of.path_of(world, name, DOORS[name]), body_of(world, name)
        with connection.execute_wrapper(changes := world_of.Changes()):
            answer = world.browsers["nobody"].post(path, body)
        assert answer.status_code == 403, name
        assert body.items() <= fields_on(answer.content.decode()).items(), name
        assert f'action="{path}"' in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert not changes.found, "it is stored nowhere"


def test_what_came_back_is_sent_as_it_was_typed(world):
    for role, name in (("assigned", "consulting:case"), ("unlocked", "consulting:messages")):
        path = world_of.path_of(world, name, DOORS[name])
        kept = world.browsers["nobody"].post(path, body_of(world, name))
        assert world.browsers[role].post(path, fields_on(kept.content.decode())).status_code == 302
        if role == "assigned":
            assert html.escape(TYPED) in world.browsers[role].get(path).content.decode()


def test_a_stale_token_gives_back_what_was_typed_on_our_own_pages_alone(world):
    browser = Client(enforce_csrf_checks=True)
    for name in TAKES_TEXT:
        path, body = world_of.path_of(world, name, DOORS[name]), body_of(world, name)
        ours = browser.post(path, body, headers={"Origin": "http://testserver"})
        assert ours.status_code == 403
        assert body.items() <= fields_on(ours.content.decode()).items(), name
        assert "csrfmiddlewaretoken" in fields_on(ours.content.decode())
        for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
            theirs = browser.post(path, body, headers=origin)
            assert theirs.status_code == 403
            assert "canary-typed-5521" not in theirs.content.decode()


def test_what_is_no_text_never_comes_back(world):
    body = {"order_key": world.key, "password": world.key, "username": TYPED}
    strict, merchant = Client(enforce_csrf_checks=True), world.browsers["merchant"]
    for browser, name in (
        (strict, "consulting:unlock"),
        (strict, "admin:login"),
        (merchant, "consulting:open_with_key"),
    ):
        answer = browser.post(reverse(name), body, headers={"Origin": "http://testserver"})
        assert answer.status_code == 403
        assert world.key not in answer.content.decode()
        assert "reload" not in answer.content.decode()


def test_what_staff_typed_comes_back_from_every_page_of_the_admin(world):
    pages = {
        name: world_of.path_of(world, name, pattern)
        for name, pattern in world_of.doors()
        if name.startswith("admin:") and not name.startswith("admin:auth_") and not name.endswith("_changelist")
    }
    for name in ("login", "logout", "password_change"):
        del pages[f"admin:{name}"]
    assert {"admin:catalog_product_change", "admin:checkout_order_hold"} <= pages.keys()
    strict = Client(enforce_csrf_checks=True)
    for name, path in pages.items():
        signed_out = world.browsers["nobody"].post(path, {"text_en": TYPED})
        assert fields_on(signed_out.content.decode()).get("text_en") == TYPED, name
        stale = strict.post(path, {"text_en": TYPED}, headers={"Origin": "http://testserver"})
        assert fields_on(stale.content.decode()).get("text_en") == TYPED, name
        assert signed_out.status_code == stale.status_code == 403
    for path in (reverse("admin:auth_user_password_change", args=["1"]), reverse("admin:password_change")):
        assert "canary" not in world.browsers["nobody"].post(path, {"password1": TYPED}).content.decode()
    product = pages["admin:catalog_product_change"]
    assert world.browsers["nobody"].get(product).status_code == 302
