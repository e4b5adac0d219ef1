"""Every page, everybody, own and foreign: what is declared in ``access_table`` is what happens.

No page shows to anybody what is not theirs to read; in the admin nobody, not even a superuser, finds an
answer, a report or an order key.
"""

import logging
import re

import pytest
from django.db import connection
from django.test import Client

from checkout.orders import cancellations, corrections
from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import services as attempts
from payments.gateways.base import GatewayError
from shop.tests.harness.access import table
from shop.tests.harness.access import world as world_of
from shop.tests.harness.effort import IS_FULL

pytestmark = pytest.mark.django_db

DOORS = list(world_of.doors())
LINKS = {"checkout:open_link", "checkout:privacy_link"}  # signed ones: see their own tests
# In the admin one visitor stands for all and one consultant for the others, except in `make prove`.
ALIKE = set() if IS_FULL else {"buyer", "unlocked", "other", "colleague", "told"}


@pytest.fixture(autouse=True)
def surroundings(settings, tmp_path, monkeypatch):
    def fail(code):
        raise GatewayError("TIMEOUT")

    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(attempts, "get_gateway", fail)
    logging.disable(logging.CRITICAL)  # thousands of refusals
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def world():
    return world_of.make()


def test_every_page_stands_in_the_table():
    missing = {name for name, _ in DOORS if table.declared(name, "get", "nobody") is None}
    assert missing == set(), "declare in access_table.py who gets there"
    names = {name for name, _ in DOORS}
    pages = {*table.PAGES, *(f"admin:{name}" for name in table.ADMIN)}
    pages |= {f"admin:{model}_changelist" for model in table.MODELS}
    assert pages - names == set(), "pages that are no more"


def test_who_gets_where(world, record_property):
    """In one world for all: each request is taken back."""
    for role in world_of.ROLES:
        wrong, cells = differences(world, role)
        record_property("figure", f"access of {role}: {cells} cells, {len(wrong)} differences")
        assert wrong == [], role


def differences(world, role):
    wrong, cells = [], 0
    for name, pattern in DOORS:
        if name not in table.PAGES and role in ALIKE:
            continue
        path = world_of.path_of(world, name, pattern)
        for method in ("get", "post"):
            expected = table.declared(name, method, role)
            if method == "post" and is_told_by_its_get(name, role, expected) and not IS_FULL:
                continue
            cells += 1
            answer = world_of.ask(world, role, name, path, method)
            if not fits(answer.outcome, expected, method):
                wrong.append(f"{name} {method}: {answer.outcome}, declared: {expected}")
            for what in answer.seen:
                is_copy = name == "checkout:privacy_link" and role in world_of.BUYERS  # with the mail
                if role not in world.secrets[what][1] and not is_copy:
                    wrong.append(f"{name} {method} shows {what}")
                if name.startswith("admin:") and what != "the buyer":
                    wrong.append(f"{name} {method} shows {what} in the admin")
    return wrong, cells


def is_told_by_its_get(name: str, role: str, expected: str | None) -> bool:
    """Whether a POST asks what the GET has asked: what a merchant may do the superuser does as well, and
    pages that the admin makes for each model ask for the same permission; only changes ask for another.
    """
    if role == "merchant" and expected == "let in":
        return True
    model, _, action = name.removeprefix("admin:").rpartition("_")
    return (
        model in table.MODELS
        and action in {"changelist", "add", "delete", "history"}
        and expected in {"403", "302 admin:login"}
    )


def fits(outcome: str, expected: str | None, method: str) -> bool:
    """In the admin the table only says who is let in; there, too, looking changes nothing."""
    if expected == "let in":
        is_quiet = method == "post" or not outcome.endswith("writes")
        return outcome.split()[0] in {"200", "302", "405"} and "admin:login" not in outcome and is_quiet
    if expected == "403":
        return outcome in {"403", "404", "405"}
    return outcome == expected


def test_the_table_is_told_when_a_page_opens_to_others(world, monkeypatch):
    """The matrix itself: a view that asks nobody is noticed, and so is one that shows too much."""
    from consulting import access

    monkeypatch.setattr(access, "may_read", lambda user, case: True)
    answers = {
        name: world_of.ask(world, "colleague", name, world_of.path_of(world, name, pattern), "get")
        for name, pattern in DOORS
        if name in {"consulting:case", "consulting:version"}
    }
    assert answers["consulting:case"].seen == ["the answers"]
    assert answers["consulting:version"].seen == ["the report"]
    assert answers["consulting:version"].outcome != table.declared("consulting:version", "get", "colleague")


def test_no_post_gets_in_without_the_token_of_its_form(world):
    """Also to the admin. Whoever is not let in at all may be told that first."""
    for role in ("unlocked", "assigned", "superuser"):
        browser = Client(enforce_csrf_checks=True)
        browser.cookies = world.browsers[role].cookies
        for name, pattern in DOORS:
            expected = table.declared(name, "post", role)
            if name in table.WITHOUT_TOKEN or expected in {"405", "302 admin:login"}:
                continue
            with connection.execute_wrapper(changes := world_of.Changes()):
                answer = browser.post(
                    world_of.path_of(world, name, pattern), world_of.body_of(world, name, role)
                )
            assert answer.status_code in {403, 405}, f"{name} by {role}: {answer.status_code}"
            assert not changes.found, name


def test_only_the_gateways_come_without_a_token():
    exempt = {name for name, pattern in DOORS if getattr(pattern.callback, "csrf_exempt", False)}
    assert exempt == set(table.WITHOUT_TOKEN)


def test_a_wrong_token_is_no_order(world):
    tokens = [world.order.token, world.unpaid.token, world.late.token]
    browser, wrong = world.browsers["buyer"], []
    for name, pattern in DOORS:
        if "token" not in pattern.pattern.regex.groupindex or name in LINKS:
            continue
        right, body = world_of.path_of(world, name, pattern), world_of.body_of(world, name, "buyer")
        for token in ("x" * 32, "", "short", "../../etc/passwd", "%00" * 10):
            path = re.sub("|".join(tokens), token, right)
            for method in ("get", "post"):
                status = getattr(browser, method)(path, body).status_code
                if status not in {404, 405}:
                    wrong.append(f"{method} {path}: {status}")
    assert wrong == []


OPENED = {
    f"consulting:{name}" for name in ("report", "report_version", "changes", "file_of_report", "download")
}


def test_a_head_request_does_what_a_get_does(world):
    for name, pattern in DOORS:
        if name in table.PAGES:
            answer = world_of.ask(world, "unlocked", name, world_of.path_of(world, name, pattern), "head")
            declared = table.declared(name, "get", "unlocked")
            if name in OPENED:
                assert declared == "200 writes"
                declared = "200"  # headers open nothing, so there is nothing to tell
            assert answer.outcome == declared, name


def test_an_order_in_another_state_leads_to_its_page_and_stays_as_it_is(world):
    browser, order, unpaid = world.browsers["buyer"], world.order, world.unpaid
    assert browser.post(f"/en/order/{order.token}/cancel/").url == order.get_absolute_url()
    asked = browser.post(f"/en/order/{unpaid.token}/request-cancellation/", {"reason": ""})
    assert asked.url == unpaid.get_absolute_url()
    corrected = browser.post(f"/en/order/{unpaid.token}/correct/", world_of.TYPED)
    assert (corrected.status_code, unpaid.get_absolute_url() in corrected.content.decode()) == (403, True)
    for one in (order, unpaid):
        status = one.status
        one.refresh_from_db()
        assert one.status == status
    assert corrections.correctable_until(unpaid) is None
    assert cancellations.offer_of(place(make_cart((make_goods("TEA-Z"), 1)))).lines == ()
