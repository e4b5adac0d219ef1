"""Whatever strangers send to any address, the database keeps little of it: a new address is met here too.

Each address that takes a POST gets all it can hold, from somebody with nothing and from somebody with a full
cart: every field that its page shows, and many that no page has.
"""

import copy
import datetime as dt
import json
import logging
import uuid
from urllib.parse import urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils.timezone import now

from cart import recovery
from checkout.forms import kept_fields
from checkout.placement import drafts
from checkout.tests.scenes import TYPED, add, make_goods, make_service
from payments.attempts import services as attempts
from payments.attempts import sms_code_views
from payments.gateways.base import GatewayError
from shop.tests.harness.access import table
from shop.tests.harness.access import world as world_of
from shop.tests.harness.effort import IS_FULL
from shop.tests.harness.hostile import forms_of
from shop.web import middleware
from shop.web.rate_limit import RateLimit

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
OF_UNKNOWN_FIELDS = 4 * 1024  # bytes of all tables together: a session, hits of limits, a search
OF_ALL_FIELDS = 2 * kept_fields.MOST_BYTES  # sealed and written as text
WITHOUT_LIMITS = OF_UNKNOWN_FIELDS + 2 * drafts.ORDINARY


@pytest.fixture(autouse=True)
def surroundings(settings, tmp_path, monkeypatch):
    def fail(code):
        raise GatewayError("TIMEOUT")

    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(attempts, "get_gateway", fail)
    monkeypatch.setattr(sms_code_views, "get_gateway", fail, raising=False)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def strangers():
    """Browsers without anything, and with goods and a service in the cart."""
    full = Client(raise_request_exception=False)
    add(full, make_goods("TEA-77"))
    add(full, make_service("SV-77"), 2)
    full.get("/en/checkout/")
    nobody = {"nobody": Client(raise_request_exception=False)} if IS_FULL else {}
    return nobody | {"a full cart": full}


def addresses():
    """(name, path) of every page of visitors that a POST may reach."""
    world = world_of.make()
    for name, pattern in world_of.doors():
        if name in table.PAGES and table.declared(name, "post", "nobody") != "405":
            yield name, world_of.path_of(world, name, pattern)
    yield "admin:login", "/en/admin/login/"


def stored_bytes() -> int:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        sums = (f'SELECT coalesce(sum(octet_length(t::text)), 0) FROM "{name}" t' for name in tables)
        cursor.execute(f"SELECT sum(coalesce) FROM ({' UNION ALL '.join(sums)}) s")
        return int(cursor.fetchone()[0])


def stored_rows() -> dict[str, int]:
    with connection.cursor() as cursor:
        names = [
            name for name in connection.introspection.table_names(cursor) if not name.startswith("shop_audit")
        ]
        counts = (f"SELECT '{name}', count(*) FROM \"{name}\"" for name in names)
        cursor.execute(" UNION ALL ".join(counts))
        return dict(cursor.fetchall())


def unknown_fields() -> dict[str, str]:
    return {f"x{number}": "y" * 9_000 for number in range(100)}


def fields_of(browser, path, text="長" * 1_000) -> dict[str, str]:
    """All fields of the page's forms, each with a text; what leads to another branch stays as it is."""
    page = browser.get(path)
    forms = forms_of(page.content.decode()) if page.status_code == 200 and not page.streaming else []
    fields = {}
    for form in forms:
        for name, value in form.fields:
            is_choice = name in {"action", "quote", "seen", "method", "kind", "revision", "variant", "region"}
            fields[name] = value.decode() if is_choice else text
    return fields


def notices():
    """A notification that looks like PayPal's as closely as a stranger can make it."""
    headers = {
        "PayPal-Auth-Algo": "SHA256withRSA",
        "PayPal-Cert-Url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
        "PayPal-Transmission-Id": str(uuid.uuid4()),
        "PayPal-Transmission-Sig": "A" * 344,
        "PayPal-Transmission-Time": now().astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **{f"PayPal-X{number}": "x" * 8_000 for number in range(50)},
    }
    body = {
        "id": f"WH-{uuid.uuid4()}",
        "event_type": "PAYMENT.CAPTURE.COMPLETED",
        "resource": {"x": "y" * 60_000},
    }
    return json.dumps(body).encode(), headers


def send(browser, name, path, fields):
    browser = copy.copy(browser)
    browser.cookies = copy.deepcopy(browser.cookies)
    if name == "gateways:notify":
        body, headers = notices()
        return browser.generic("POST", path, body, "application/json", headers=headers)
    return browser.generic("POST", path, urlencode(fields).encode(), FORM)


def growth(browser, name, path, fields) -> int:
    """Bytes by which the tables grow. It is taken back."""
    with transaction.atomic():
        before = stored_bytes()
        send(browser, name, path, fields)
        grown = stored_bytes() - before
        transaction.set_rollback(True)
    return grown


def test_no_address_lets_a_stranger_store_much(strangers, record_property):
    large, seen = {}, 0
    for name, path in addresses():
        for who, browser in strangers.items():
            unknown = growth(browser, name, path, unknown_fields())
            known = growth(browser, name, path, {**fields_of(browser, path), "action": "keep"})
            seen += 1
            most = OF_ALL_FIELDS if name == "gateways:notify" else OF_UNKNOWN_FIELDS
            if unknown > most or known > OF_ALL_FIELDS:
                large[name, who] = (unknown, known)
    record_property("figure", f"{seen} pairs of address and stranger")
    assert large == {}
    assert seen > 20


def grown_by_refusal(browser, name, path, typed):
    """(name, table) -> rows, of the tables that grew by a post that was refused; None if it was not."""
    with transaction.atomic():
        before = stored_rows()
        answer = send(browser, name, path, typed)
        after = stored_rows()
        transaction.set_rollback(True)
    if answer.status_code != 429:
        return None
    return {(name, each): after[each] for each in after if after[each] > before[each]}


def test_what_a_limit_refuses_leaves_no_row_but_in_the_trail(strangers, monkeypatch):
    """Else a refusal is a way to fill the disk. The trail keeps so many wrong sign-ins an hour."""
    monkeypatch.setattr(RateLimit, "take", lambda limit, key: [])
    kept, refused = {}, set()
    for name, path in addresses():
        for browser in strangers.values():
            typed = fields_of(browser, path, "長") | {"action": "keep"}
            if (grown := grown_by_refusal(browser, name, path, typed)) is not None:
                refused.add(name)
                kept |= grown
    assert kept == {}
    assert len(refused) >= 3


def test_a_session_that_is_refused_leaves_no_row(strangers, monkeypatch):
    """Whoever has only the cookie that brings a cart back, from a network that has begun its sessions."""
    scope = middleware.NEW_SESSIONS.scope
    monkeypatch.setattr(RateLimit, "take", lambda limit, key: [] if limit.scope == scope else [0])
    full, lost = strangers["a full cart"], Client(raise_request_exception=False)
    lost.cookies[recovery.COOKIE] = full.cookies[recovery.COOKIE].value
    kept, refused = {}, set()
    for name, path in addresses():
        fields = fields_of(full, path, "5")
        for typed in (fields, fields | TYPED, fields | {"action": "keep"}):
            if (grown := grown_by_refusal(lost, name, path, typed)) is not None:
                refused.add(name)
                kept |= grown
    assert kept == {}
    assert {"checkout:begin", "cart:add", "checkout:promo"} <= refused


@pytest.mark.prove
def test_a_network_that_has_used_up_its_limits_stores_next_to_nothing(strangers, monkeypatch):
    """So whatever is large is under a limit: of a network, an hour's posts have a greatest size together."""
    monkeypatch.setattr(RateLimit, "take", lambda limit, key: [])
    large = {}
    for name, path in addresses():
        for who, browser in strangers.items():
            grown = growth(browser, name, path, fields_of(browser, path) | {"action": "keep"})
            if grown > WITHOUT_LIMITS:
                large[name, who] = grown
    assert large == {}
