"""Doors that nobody opened on purpose: methods, listings, headers of a stranger, markup made by scripts."""

import re

import pytest
from django.test import Client
from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.errors import ParseException

from shop.tests.project.test_structure import BASE
from shop.web.client_address import client_address

# checkout.js parses pages of ours (DOMParser), in which nothing runs.
MAKES_MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|setHTML"
    r"|\beval\(|new Function|postMessage|addEventListener\(\"message\"|(?:local|session)Storage|indexedDB"
)


def read(request: bytes):
    """As the web server reads it."""
    return next(RequestParser(Config(), iter([request]), ("127.0.0.1", 0)))


@pytest.mark.parametrize("path", ["/en/", "/en/cart/", "/en/admin/", "/healthz", "/pay/notify/paypal/"])
def test_a_request_is_never_sent_back_as_it_came(db, path):
    answer = Client().generic("TRACE", path, headers={"cookie": "canary=1", "x-canary": "canary"})
    assert answer.status_code in {302, 403, 405}
    assert b"canary" not in answer.content


@pytest.mark.parametrize("folder", ["/static/", "/static/css/", "/static/js/", "/media/", "/.git/", "/.env"])
def test_no_folder_is_listed_and_nothing_beside_the_pages_is_served(db, settings, folder):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    assert Client().get(folder).status_code == 404
    assert Client().get(f"{folder}../manage.py").status_code == 404


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: xchunked",
        b"Content-Length: +5",
    ],
)
def test_a_request_whose_end_two_servers_could_see_in_two_places_is_refused(framing):
    with pytest.raises(ParseException):
        read(b"POST /en/ HTTP/1.1\r\nHost: shop\r\n" + framing + b"\r\n\r\n0\r\n\r\n")


def test_no_other_spelling_of_the_proxys_headers_passes():
    """With underscores a header would become the same variable as the proxy's own."""
    request = read(
        b"GET / HTTP/1.1\r\nHost: shop\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
    )
    assert [value for name, value in request.headers if "FORWARDED" in name] == ["1.2.3.4"]


@pytest.mark.parametrize(
    ("peer", "said", "believed"),
    [
        ("203.0.113.9", "6.6.6.6", "203.0.113.9"),  # no proxy of ours
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),  # the proxy wrote the last one only
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_a_client_cannot_choose_its_address(rf, settings, peer, said, believed):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert client_address(rf.get("/", REMOTE_ADDR=peer, headers={"x-forwarded-for": said})) == believed


def test_no_script_makes_markup_of_text_or_keeps_anything():
    scripts = sorted((BASE / "static" / "js").glob("*.js"))
    assert len(scripts) >= 7
    found = {path.name: MAKES_MARKUP.findall(path.read_text()) for path in scripts}
    assert {name: signs for name, signs in found.items() if signs} == {}
