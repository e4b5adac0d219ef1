"""When a page fails, neither its answer nor the log holds what was sent or what lies sealed.

Each view that takes answers, keys, e-mail addresses or report text is made to fail at the worst moment: once
its form was read. Django's own report of the error, which mails and monitors show, is looked at as well.
"""

import copy
import io
import logging
import sys
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.signals import got_request_exception
from django.db import transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from django.views.debug import SafeExceptionReporterFilter, get_exception_reporter_class
from django.views.decorators.debug import sensitive_variables

from checkout.intake import answers, uploads
from checkout.orders import cancellations, corrections, lookup
from checkout.orders import views as order_views
from checkout.placement import answer_copy, drafts
from checkout.privacy import export
from checkout.tests.scenes import make_service
from consulting import case_messages, report_encryption
from consulting.client import overview
from consulting.keys import lifecycle
from consulting.keys import services as keys
from consulting.reports import archive, attachments, context, services
from payments.attempts import services as payments
from shop.monitoring.logging import MaskingFormatter
from shop.tests.harness.access import world as access_world

pytestmark = pytest.mark.django_db
CANARY = "canary-typed-8842"


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return access_world.make()


@contextmanager
def logged():
    """What the shop's own handler writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(MaskingFormatter())
    logging.getLogger().addHandler(handler)
    try:
        yield stream
    finally:
        logging.getLogger().removeHandler(handler)


def fill_a_cart(browser):
    browser.post("/en/cart/add/", {"variant": make_service("SV-ERR").pk, "quantity": 1})


# name of the page -> who comes, what fails, what is sent (None: a GET)
FAILURES = {
    "checkout:begin": ("nobody", (drafts, "save"), {"email": f"{CANARY}@example.com", "v1-1-name": CANARY}),
    "checkout:begin ": (
        "nobody",
        (answer_copy, "copy"),
        {"action": "reuse:v1-1", "email": f"{CANARY}@example.com", "v1-1-name": CANARY},
    ),
    "checkout:order": ("buyer", (order_views, "order_context"), {"email": f"{CANARY}@example.com"}),
    "checkout:correct": ("buyer", (corrections, "correct"), {**access_world.TYPED, "recipient": CANARY}),
    "checkout:details": ("buyer", (answers, "add_answers"), {"i-name": CANARY}),
    "checkout:request_cancellation": (
        "buyer",
        (cancellations, "request_cancellation"),
        {"reason": CANARY},
    ),
    "checkout:find": ("nobody", (lookup, "request_link"), {"email": f"{CANARY}@example.com"}),
    "payments:pay": ("buyer", (payments, "pay"), {"method": "paypal", "revision": "1", "note": CANARY}),
    "consulting:unlock": (
        "nobody",
        (keys, "unlock"),
        {"order_key": "KEY", "email": f"{CANARY}@example.com"},
    ),
    "consulting:report": ("unlocked", (context, "render_markdown"), None),
    "consulting:index": ("unlocked", (overview, "case_summaries"), None),
    "consulting:open_with_key": ("colleague", (keys, "open_with_key"), {"order_key": "KEY"}),
    "consulting:case": (
        "assigned",
        (services, "save_draft"),
        {"title": CANARY, "body": CANARY, "note": CANARY, "language": "en", "seen": "1.1"},
    ),
    "consulting:case ": ("assigned", (services, "open_answers"), None),
    "consulting:version": ("assigned", (context, "render_markdown"), None),
    "consulting:publish": ("assigned", (report_encryption, "admitted_as_consultant"), None),
    "consulting:file": ("assigned", (uploads, "download"), None),
    "consulting:withdraw": ("assigned", (services, "withdraw"), {"reason": CANARY}),
    "consulting:case_messages": ("assigned", (case_messages, "write_to_client"), {"text": CANARY}),
    "consulting:messages": ("unlocked", (case_messages, "write_to_consultant"), {"text": CANARY}),
    "consulting:changes": ("unlocked", (context, "compare"), None),
    "consulting:file_of_report": ("unlocked", (attachments, "download"), None),
    "consulting:download": ("unlocked", (archive, "pack"), None),
    "consulting:lost_key": (
        "nobody",
        (lifecycle, "request_key"),
        {"number": "NUMBER", "email": f"{CANARY}@example.com"},
    ),
    "checkout:privacy_link": ("buyer", (export, "bundle"), {"post": "yes"}),
}


def test_a_failing_page_tells_nothing(world):
    """In one world for all: what each page did is taken back."""
    assert [problem for page in FAILURES for problem in leaks_of(world, page)] == []


def leaks_of(world, page):
    role, (module, function), sent = FAILURES[page]
    name = page.strip()
    browser, failed = copy.copy(world.browsers[role]), []
    browser.cookies = copy.deepcopy(browser.cookies)
    known = {"KEY": world.key, "NUMBER": world.order.number}
    body = {field: known.get(text, text) for field, text in (sent or {}).items()}

    @sensitive_variables()  # as what it stands in for
    def fail(*args, **kwargs):
        failed.append(True)
        raise RuntimeError("something broke")

    reports = []

    def report(request, **_):
        """As a mail to the operators or a monitor would have it."""
        reporter = get_exception_reporter_class(request)(request, *sys.exc_info())
        reports.extend([reporter.get_traceback_html(), reporter.get_traceback_text()])

    with transaction.atomic(), pytest.MonkeyPatch.context() as patch, logged() as log:
        if name == "checkout:begin":
            fill_a_cart(browser)
        path = access_world.path_of(world, name, dict(access_world.doors())[name])
        patch.setattr(module, function, fail)
        got_request_exception.connect(report)
        answer = browser.post(path, body) if sent is not None else browser.get(path)
        got_request_exception.disconnect(report)
        transaction.set_rollback(True)
    if not failed or answer.status_code != 500 or "something broke" not in log.getvalue():
        return [f"{page}: it never failed, or not as it should: {answer.status_code}"]
    words = [CANARY, world.key, world.key.replace("-", "")]
    words += [word for kind, (some, _) in world.secrets.items() if kind != "the buyer" for word in some]
    places = {"page": answer.content.decode(), "log": log.getvalue(), "HTML": reports[0], "text": reports[1]}
    return [f"{page}: {place}: {word}" for place, text in places.items() for word in words if word in text]


def test_the_report_that_is_looked_at_would_show_what_is_not_marked(settings):
    """Else the test above would prove nothing."""
    assert settings.DEFAULT_EXCEPTION_REPORTER_FILTER.endswith(SafeExceptionReporterFilter.__name__)
    request = RequestFactory().post("/", {"field": CANARY})
    try:
        raise RuntimeError
    except RuntimeError:
        report = get_exception_reporter_class(request)(request, *sys.exc_info())
    assert CANARY in report.get_traceback_text()
    assert CANARY in report.get_traceback_html()


# --- sessions ---


def session_of(browser, cookie="session"):
    return browser.cookies[cookie].value


def with_session(key, cookie="session"):
    browser = Client()
    browser.cookies[cookie] = key
    return browser


def test_unlocking_gives_the_session_another_name_and_the_old_one_opens_nothing(world):
    browser = world.browsers["buyer"]
    fill_a_cart(browser)
    before = session_of(browser)
    browser.post(reverse("consulting:unlock"), {"order_key": world.key})
    assert session_of(browser) != before
    assert browser.get(reverse("consulting:index")).status_code == 200
    planted = with_session(before)
    assert planted.get(reverse("consulting:index")).status_code == 302
    assert not dict(planted.session), "not even the cart"


def test_signing_in_gives_the_session_another_name(world, client):
    fill_a_cart(client)
    shoppers = session_of(client)
    planted = SessionStore()
    planted["planted"] = True
    planted.save()
    client.cookies[settings.STAFF_COOKIE_NAME] = before = planted.session_key
    user = access_world.User.objects.get(username="assigned")
    user.set_password("a long enough password")
    user.save()
    login = {"username": "assigned", "password": "a long enough password"}
    assert client.post("/en/admin/login/", login).status_code == 302
    staff = settings.STAFF_COOKIE_NAME
    signed_in = session_of(client, staff)
    assert signed_in not in {before, shoppers}
    assert with_session(before, staff).get("/en/consultant/").status_code == 302
    assert client.get("/en/consultant/").status_code == 200
    client.post("/en/admin/logout/")
    assert with_session(signed_in, staff).get("/en/consultant/").status_code == 302, "nor after signing out"
    assert session_of(client) == shoppers, "the cart is another matter"


def test_paying_leaves_nothing_in_the_session_that_opens_anything(world):
    """What opens an order is a signed cookie of its own: who planted the session has gained nothing."""
    browser = world.browsers["buyer"]
    fill_a_cart(browser)
    planted = with_session(session_of(browser))
    for path in (
        world.order.get_absolute_url(),
        f"/en/pay/{world.unpaid.token}/",
        "/en/orders/",
        "/en/report/",
    ):
        page = planted.get(path).content.decode()
        words = [word for some, _ in world.secrets.values() for word in some]
        assert [word for word in words if word in page] == [], path
