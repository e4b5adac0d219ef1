"""A new SECRET_KEY ends nothing while the old one stands in SECRET_KEY_FALLBACKS."""

import ast
from pathlib import Path

import pytest
from django.conf import settings as project

from checkout import order_access
from checkout.quote import make_quote
from checkout.services import place_order
from checkout.tests.scenes import make_cart, make_goods, pay, place, placed_in, submission
from consulting.tests import scenes
from consulting.tests.scenes import unlock
from shop import crypto
from shop.web.rate_limit import RateLimit


def rotate(settings) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret for signing, long enough to be taken"


def test_nothing_else_makes_keyed_digests():
    """``salted_hmac`` knows only the newest secret: whatever uses it alone ends with a rotation."""
    users = {
        str(path.relative_to(project.BASE_DIR))
        for path in Path(project.BASE_DIR).rglob("*.py")
        if ".venv" not in path.parts and "tests" not in path.parts
        if "salted_hmac" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom | ast.Import | ast.Attribute) and "salted_hmac" in ast.dump(node)
    }
    assert users == {"shop/crypto.py"}


def test_what_was_shown_before_a_rotation_is_known_after_it(settings):
    before = crypto.keyed_digests("salt", "text", length=16)
    rotate(settings)
    after = crypto.keyed_digests("salt", "text", length=16)
    assert after[1:] == before
    assert after[0] != before[0]
    assert crypto.is_one_of(before[0], after)
    assert not crypto.is_one_of("", after)
    assert not crypto.is_one_of(before[0][:8], after)


@pytest.mark.django_db
def test_browsers_keep_their_orders_and_their_open_reports(client, settings):
    order = scenes.paid_order(subjects=1)
    placed_in(client, order)
    unlock(client, scenes.key_of(order))
    rotate(settings)
    page = client.get(order.get_absolute_url()).content.decode()
    assert scenes.EMAIL.split("@")[0] in page
    assert order.number in client.get("/en/orders/").content.decode()
    assert client.get("/en/report/order/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert order.number not in client.get("/en/orders/").content.decode()


@pytest.mark.django_db
def test_what_is_compared_with_rows_is_the_same_as_before(settings):
    limit = RateLimit("test-rotation", limit=1, minutes=5)
    cart = make_cart((make_goods(), 1))
    order = place(cart)
    stamp = order.address_stamp
    assert limit.take("mei@example.com")
    rotate(settings)
    assert not limit.take("mei@example.com")
    assert order.has_address_as_seen(stamp)
    typed = submission(cart)
    assert place_order(order.draft_id, typed, make_quote(cart, typed.region, "")) == order
    assert order_access.stamp(pay(order)) != stamp
