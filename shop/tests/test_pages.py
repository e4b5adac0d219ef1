"""The shop's own pages: the promise in eleven steps, contact everywhere, errors that help."""

import re

import pytest
from django.test import RequestFactory

from shop import views

pytestmark = pytest.mark.django_db

LANGUAGES = ["en", "zh-hant"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["help", "contact", "terms", "privacy"])
def test_every_page_has_one_heading_and_the_contact(client, language, name):
    page = client.get(f"/{language}/{name}/").content.decode()
    assert page.count("<h1>") == 1
    assert "mailto:service@shop.example" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_help_page_tells_the_process_in_eleven_steps_that_lead_to_live_pages(client, language):
    page = client.get(f"/{language}/help/").content.decode()
    steps = re.findall(r"<li>\s*<h2>(.*?)</h2>.*?<a href=\"(.*?)\"", page, re.DOTALL)
    assert len(steps) == 11
    for _heading, url in steps:
        assert client.get(url, follow=True).status_code == 200


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("en-GB,en;q=0.9", "/en/"),
        ("zh-HK", "/zh-hant/"),
        ("zh-TW,zh;q=0.8", "/zh-hant/"),
        ("fr", "/zh-hant/"),
        ("", "/zh-hant/"),
    ],
)
def test_the_bare_address_sends_the_browser_to_its_language(client, accept, expected):
    assert client.get("/", headers={"Accept-Language": accept}).url == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_language_links_lead_to_the_same_page(client, language):
    page = client.get(f"/{language}/terms/").content.decode()
    for other in LANGUAGES:
        assert f'href="/{other}/terms/"' in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_is_not_there_says_so_and_names_the_contact(client, language):
    response = client.get(f"/{language}/nothing/here/")
    assert response.status_code == 404
    assert f"/{language}/contact/" in response.content.decode()


def test_the_page_for_our_own_failure_needs_no_database(django_db_blocker):
    with django_db_blocker.block():
        response = views.server_error(RequestFactory().get("/en/"))
    page = response.content.decode()
    assert response.status_code == 500
    assert "service@shop.example" in page
    assert "請勿重複付款" in page
    assert "do not pay again" in page


def test_personal_pages_are_stored_nowhere(client):
    client.post("/en/cart/add/", {"variant": 1, "quantity": 1})
    assert "no-store" in client.get("/en/cart/").headers["Cache-Control"]


def test_every_page_carries_its_guards(client):
    headers = client.get("/en/help/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
