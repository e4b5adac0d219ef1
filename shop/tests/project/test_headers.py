"""What every answer tells browsers: pages, files, refusals and errors, by whomever they are made."""

import re
from http.cookies import SimpleCookie

import pytest
from django.test import Client
from django.urls import reverse

from shop.keyring import fingerprints
from shop.tests.harness import observatory
from shop.tests.harness.access import world as world_of
from shop.tests.harness.effort import IS_FULL
from shop.web import once

pytestmark = pytest.mark.django_db

LEAST = 130
# A text without its encoding would be guessed at.
WHAT_IT_IS = re.compile(r'text/[a-z]+; charset="?utf-8"?|(application|image)/[a-z+.-]+')
IN_FRONT_OF_THE_KEY = {"consulting:unlock", "consulting:lost_key", "consulting:key_sent"}
ROLES = ("nobody", "buyer", "unlocked", "assigned", "superuser") if IS_FULL else ("unlocked", "superuser")


@pytest.fixture(autouse=True)
def as_in_production(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.LANGUAGE_COOKIE_SECURE = True


def judged(response) -> tuple[int, list[str]]:
    page = "" if response.streaming else response.content.decode(errors="replace")
    return observatory.score(dict(response.items()), response.cookies, page)


def is_without_its_way_out(response, name: str) -> bool:
    """Whether a page behind a sign-in, or behind the order key, has no button that ends that."""
    match, page = response.resolver_match, response.content.decode()
    view = getattr(match.func, "__module__", "")
    if once.is_staff_page(match) or view.startswith("consulting.workspace."):
        return f'action="{reverse("admin:logout")}"' not in page
    is_behind_key = view.startswith("consulting.client.") and name not in IN_FRONT_OF_THE_KEY
    return is_behind_key and f'action="{reverse("consulting:lock")}"' not in page


def test_every_page_type_scores_as_promised():
    world = world_of.make()
    poor, unnamed, shut_in, seen = {}, {}, [], 0
    for role in ROLES:
        browser = world.browsers[role]
        for name, pattern in world_of.doors():
            response = browser.get(world_of.path_of(world, name, pattern), secure=True)
            seen += 1
            points, why = judged(response)
            if points < LEAST:
                poor[f"{role} {name} {response.status_code}"] = (points, why)
            kind = response.get("Content-Type", "")
            if not WHAT_IT_IS.fullmatch(kind) and (response.streaming or response.content):
                unnamed[f"{role} {name}"] = kind
            if response.status_code == 200 and kind.startswith("text/html"):
                shut_in += [f"{role} {name}"] if is_without_its_way_out(response, name) else []
    assert seen > 100 * len(ROLES)
    assert poor == {}
    assert unnamed == {}
    assert shut_in == []


def test_refusals_and_errors_have_the_same_headers(settings, monkeypatch):
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    answers = {
        "not there": browser.get("/en/nothing/", secure=True),
        "no token": browser.post("/en/cart/add/", secure=True),
        "foreign host": browser.get("/en/", secure=True, headers={"host": "elsewhere.example"}),
        "wrong method": Client().delete("/en/", secure=True),
    }
    monkeypatch.setattr(fingerprints, "is_refused", lambda: True)
    answers["no secrets"] = browser.get("/en/", secure=True)
    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert statuses == {
        "not there": 404,
        "no token": 403,
        "foreign host": 400,
        "wrong method": 405,
        "no secrets": 503,
    }
    low = {name: judged(answer) for name, answer in answers.items() if judged(answer)[0] < LEAST}
    assert low == {}


def test_static_files_are_guarded_like_pages(settings):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    for file in ("css/shop.css", "img/favicon.svg", "js/enhance.js"):
        response = Client().get(f"/static/{file}", secure=True)
        response.close()
        assert (response.status_code, *judged(response)) == (
            200,
            130,
            ["+10 default-src 'none'", "+5 referrer", "+5 frame-ancestors", "+10 corp"],
        ), file
        assert "camera=()" in response["Permissions-Policy"]


def test_a_page_with_a_token_of_its_visitors_is_kept_by_no_shared_cache():
    """Any page that sets a cookie: a cache that stores everything would give all of them one token."""
    world = world_of.make()
    shared = []
    for name, pattern in world_of.doors():
        response = Client().get(world_of.path_of(world, name, pattern))
        if response.cookies and not re.search(r"private|no-store", response.get("Cache-Control", "")):
            shared.append(name)
    assert shared == []


def test_the_scores_are_those_of_the_rules():
    """The judge itself: each fault costs."""
    good = {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; frame-ancestors 'none'",
        "Strict-Transport-Security": "max-age=31536000",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    assert observatory.score(good, SimpleCookie())[0] == 130
    for name, cost in {
        "Content-Security-Policy": 75,
        "Strict-Transport-Security": 50,
        "Referrer-Policy": 5,
        "X-Content-Type-Options": 5,
        "Cross-Origin-Resource-Policy": 10,
    }.items():
        worse = {key: value for key, value in good.items() if key != name}
        assert 130 - observatory.score(worse, SimpleCookie())[0] == cost, name
    assert observatory.score(good, SimpleCookie("session=1"))[0] == 60
    assert observatory.score(good, SimpleCookie(), '<script src="//elsewhere.example/x.js">')[0] == 50
