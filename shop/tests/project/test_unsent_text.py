"""What was typed comes back wherever the right to send it has ended, on the next page that takes text too.

The pages are found by walking the site map, and what they send is read off them: a form with room for a text
that somebody adds is tried here without a word.
"""

import copy
import dataclasses
import datetime as dt
import html
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from django import forms
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F
from django.test import Client, override_settings
from django.urls import reverse

from catalog.models import IntakeQuestion, Product, Variant
from checkout.models import CancellationRequest, Draft, Intake, Order, OrderLine
from checkout.shipping import fulfilment
from checkout.tests.scenes import add, make_service, post
from consulting.models import Case
from consulting.tests import scenes
from shop import clock
from shop.tests.harness.access import world as world_of
from shop.tests.harness.buyer import forms_in
from shop.tests.typed_values.test_every_form import admin_forms, own_forms
from shop.web import once

pytestmark = pytest.mark.django_db

DOORS = dict(world_of.doors())
ROLES = ["buyer", "unlocked", "late", "assigned", "superuser"]
TYPED = "第一行 <b>\n\n  第二行 & canary-typed-5521"
OURS = {"Origin": "http://testserver"}


@dataclass(frozen=True)
class Page:
    """A page with room for a text, and what whoever may send it would send."""

    name: str
    role: str
    path: str
    body: dict[str, str]
    texts: list[str]


@dataclass(frozen=True)
class Stand:
    """What all tests begin with, and the folder of its files."""

    world: world_of.World
    pages: list[Page]
    media: Path


@pytest.fixture(scope="module")
def stand(django_db_setup, django_db_blocker, tmp_path_factory):
    """Made once, in a transaction around those of the tests: it takes ten seconds.

    Django would close the connection after each test.
    """
    media = tmp_path_factory.mktemp("media")
    logging.disable(logging.CRITICAL)
    with (
        django_db_blocker.unblock(),
        transaction.atomic(),
        override_settings(MEDIA_ROOT=media),
        mock.patch.object(connection, "close"),
    ):
        made = world_of.make()
        intake = Intake.objects.get(line__order=made.late, subject=1)
        ask(intake.line.variant.product, intake)
        made.browsers["late"] = Client(raise_request_exception=False)
        scenes.unlock(made.browsers["late"], scenes.key_of(made.late))
        service = make_service("SV-CART")
        ask(service.product)
        add(made.browsers["buyer"], service)
        add(made.browsers["buyer"], made.order.lines.get(kind="goods").variant)
        yield Stand(made, list(pages_of(made)), media)
        transaction.set_rollback(True)
    logging.disable(logging.NOTSET)


@pytest.fixture
def world(stand, settings, db):
    settings.MEDIA_ROOT = stand.media
    order, late = (type(row).objects.get(pk=row.pk) for row in (stand.world.order, stand.world.late))
    browsers = {name: copy_of(browser) for name, browser in stand.world.browsers.items()}
    return dataclasses.replace(stand.world, order=order, late=late, browsers=browsers)


@pytest.fixture
def pages(stand) -> list[Page]:
    return stand.pages


def ask(product: Product, intake: Intake | None = None) -> None:
    """A question for a long answer; of the intake it is missing."""
    names = {"label_zh_hant": "說說看", "label_en": "Tell us"}
    kind = IntakeQuestion.Kind.LONG_TEXT
    IntakeQuestion.objects.create(
        product=product, key="story", kind=kind, is_required=True, position=9, **names
    )
    if intake:
        missing = {"key": "story", "kind": kind, "value": None, "is_missing": True, **names}
        intake.answers.append({**missing, "keep_days": None, "shown_zh_hant": "", "shown_en": ""})
        intake.save()


def pages_of(world: world_of.World) -> Iterator[Page]:
    for role in ROLES:
        for name, pattern in DOORS.items():
            if role == "superuser" and not name.startswith("admin:"):
                continue
            path = world_of.path_of(world, name, pattern)
            shown = world.browsers[role].get(path)
            if not shown.streaming:
                for form in forms_in(shown.content.decode()):
                    if form.texts:
                        body = form.fields | dict(form.buttons[-1:]) | dict.fromkeys(form.unanswered, "Mei")
                        body |= dict.fromkeys(form.texts, TYPED)
                        yield Page(name, role, path, body, form.texts)


def copy_of(browser: Client) -> Client:
    browser = copy.copy(browser)
    browser.cookies = copy.deepcopy(browser.cookies)
    return browser


def sent(browser: Client, path: str, body: dict[str, str], **more):
    return copy_of(browser).post(path, body, **more)


def fields_on(answer) -> dict[str, str]:
    """What the last form of the page would send."""
    return forms_in(answer.content.decode())[-1].fields


def typed_in(page: Page) -> dict[str, str]:
    """Without what belongs to the page itself."""
    own = {"csrfmiddlewaretoken", once.FIELD}
    return {name: value for name, value in page.body.items() if name not in own}


def text_areas():
    """Of every form of the house, as it is written down."""
    for form, fields in [*own_forms(), *admin_forms()]:
        for name, field in fields.items():
            if isinstance(field.widget, forms.Textarea) and not form.startswith("payments.sandbox"):
                yield form, name


def test_the_walk_finds_every_room_for_a_text_and_each_view_lets_it_come_back(pages):
    shown = {re.split("-", name)[-1] for page in pages for name in page.texts}
    unseen = [f"{form}.{name}" for form, name in text_areas() if name not in shown]
    assert unseen == [], "have the world show a page with this field"
    forgotten = {
        page.name
        for page in pages
        if not (page.name.startswith("admin:") or hasattr(DOORS[page.name].callback, "takes_text"))
    }
    assert forgotten == set(), "let these views take texts: shop/web/unsent.py"
    assert {page.name for page in pages} >= {
        "checkout:begin", "checkout:details", "consulting:details", "consulting:case",
        "admin:catalog_product_change", "admin:checkout_order_correct",
    }  # fmt: skip


def test_what_was_typed_comes_back_from_whoever_was_signed_out_or_locked_out(world, pages):
    for page in pages:
        with connection.execute_wrapper(changes := world_of.Changes()):
            answer = world.browsers["nobody"].post(page.path, typed_in(page))
        assert answer.status_code == 403, page.name
        assert typed_in(page).items() <= fields_on(answer).items(), page.name
        assert f'action="{page.path}"' in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert 'class="languages"' not in answer.content.decode(), "one click, and it would be lost"
        assert not changes.found, "it is stored nowhere"


# What may have happened between opening a page and sending it.


def shipped():
    for order in Order.objects.filter(status=Order.Status.PAID):
        left = {line.pk: quantity for line, quantity in fulfilment.left_to_ship(order).items()}
        if left:
            fulfilment.ship(
                order.pk, carrier="sf", tracking_number="SF1234567890", quantities=left, actor="x"
            )


def asked_to_cancel():
    for order in Order.objects.filter(cancellations=None):
        CancellationRequest.objects.create(order=order, reason="", asked_at=clock.now())


def all_answered():
    for intake in Intake.objects.all():
        intake.answers = [{**answer, "value": "x", "is_missing": False} for answer in intake.answers]
        intake.is_complete = True
        intake.save()


def ordered_and_paid():
    """The cart, from another tab."""
    Order.objects.filter(status=Order.Status.PAID).update(draft=Draft.objects.last())


def hours_passed():
    Order.objects.update(paid_at=F("paid_at") - dt.timedelta(hours=2))


def given_back():
    Order.objects.update(refunded_total=F("total"))
    OrderLine.objects.update(refunded_total=10**6)


def bought_up():
    Variant.objects.update(is_active=False)


def given_to_nobody():
    Case.objects.update(consultant=None)


def withdrawn():
    Case.objects.update(state=Case.State.WITHDRAWN, withdrawn_because="x")


def rights_taken():
    for user in User.objects.all():
        user.groups.clear()
    User.objects.update(is_superuser=False)


def request_answered():
    CancellationRequest.objects.update(state=CancellationRequest.State.DECLINED)


def changed_on_orders(**values):
    return lambda: Order.objects.update(**values)


EVENTS = {
    "nothing": lambda: None,
    "unpaid": changed_on_orders(status=Order.Status.PENDING),
    "disputed": changed_on_orders(is_disputed=True),
    "erased": changed_on_orders(erased_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    "another mailbox": changed_on_orders(email="other@example.com"),
    **{event.__name__: event for event in (
        shipped, asked_to_cancel, all_answered, ordered_and_paid, hours_passed, given_back, bought_up,
        given_to_nobody, withdrawn, rights_taken, request_answered,
    )},
}  # fmt: skip


def test_what_was_typed_is_taken_or_shown_whatever_has_happened_meanwhile(world, pages):
    lost, taken = [], set()
    for page in pages:
        elsewhere = re.sub(r"/\d+/", "/999999/", page.path.replace(world.order.token, "x" * 32))
        tries = dict.fromkeys(EVENTS, page.path) | {"gone": elsewhere}
        for event, path in tries.items():
            changes = world_of.Changes()
            with transaction.atomic(), connection.execute_wrapper(changes):
                EVENTS.get(event, EVENTS["nothing"])()
                changes.found = False
                answer = sent(world.browsers[page.role], path, page.body)
                transaction.set_rollback(True)
            if html.escape(TYPED) in answer.content.decode():
                continue
            if answer.status_code == 302 and changes.found:
                taken.add(page.name)
            else:
                lost.append(f"{page.name} by {page.role}, {event}: {answer.status_code}")
    assert lost == []
    assert taken >= {"consulting:case", "consulting:messages", "checkout:correct", "checkout:details"}


def test_what_came_back_is_sent_as_it_was_typed(world, pages):
    for name in ("consulting:case", "consulting:messages", "admin:catalog_category_change"):
        page = next(page for page in pages if page.name == name)
        kept = fields_on(world.browsers["nobody"].post(page.path, page.body))
        assert world.browsers[page.role].post(page.path, kept).status_code == 302, name
        if name != "consulting:messages":
            assert html.escape(TYPED) in world.browsers[page.role].get(page.path).content.decode()


def test_a_stale_token_gives_back_what_was_typed_on_our_own_pages_alone(world, pages):
    browser = Client(enforce_csrf_checks=True)
    for page in pages:
        ours = browser.post(page.path, page.body, headers=OURS)
        assert ours.status_code == 403
        assert typed_in(page).items() <= fields_on(ours).items(), page.name
        assert "csrfmiddlewaretoken" in fields_on(ours)
        for origin in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
            theirs = browser.post(page.path, page.body, headers=origin)
            assert theirs.status_code == 403
            assert "canary-typed-5521" not in theirs.content.decode()


def test_what_comes_too_late_is_shown_in_the_words_of_its_form(world, pages):
    page = next(page for page in pages if page.name == "checkout:correct")
    hours_passed()
    shown = world.browsers["buyer"].post(page.path, page.body).content.decode()
    for label, words in (("電子郵件", "Mei.Chan@shop.example"), ("地區", "香港"), ("區域", "九龍")):
        assert re.search(rf"{label}</label>\s*<textarea[^>]*>\n{words}</textarea>", shown), label
    assert "Yau Tsim Mong" not in shown


def test_what_is_no_text_never_comes_back(world):
    body = {"order_key": world.key, "password": world.key, "username": TYPED}
    strict, merchant = Client(enforce_csrf_checks=True), world.browsers["merchant"]
    for browser, name in (
        (strict, "consulting:unlock"),
        (strict, "admin:login"),
        (strict, "admin:auth_user_add"),
        (strict, "admin:password_change"),
        (merchant, "consulting:open_with_key"),
    ):
        answer = browser.post(reverse(name), body, headers=OURS)
        assert answer.status_code == 403
        assert world.key not in answer.content.decode()
        assert "reload" not in answer.content.decode()


def test_the_same_sent_twice_is_no_text_that_came_too_late(world, pages):
    """A second click leads to the result of the first."""
    for name in ("checkout:details", "checkout:request_cancellation", "checkout:correct"):
        page = next(page for page in pages if page.name == name)
        results = [sent(world.browsers[page.role], page.path, page.body) for _ in range(2)]
        assert [result.status_code for result in results] == [302, 302], name
    assert Intake.objects.get(line__order=world.late, subject=1).is_complete


def test_a_cart_that_has_become_an_order_tells_whoever_typed_something_else(world):
    for typed in ({}, {"delivery_note": TYPED}):
        browser = Client()
        add(browser, world.order.lines.get(kind="goods").variant)
        assert post(browser).status_code == 302
        order = Order.objects.latest("pk")
        scenes.pay(order)
        before = {name: values[0] for name, values in order.draft.data.items()}
        answer = browser.post("/en/checkout/", before | typed)
        if typed:
            assert html.escape(TYPED) in answer.content.decode()
            assert order.get_absolute_url() in answer.content.decode()
        else:
            assert answer.url == order.get_absolute_url()
