"""The shop's own pages: the promise in eleven steps, contact everywhere, errors that help."""

import datetime as dt
import re
from urllib.parse import urlencode

import pytest
from django.test import Client, RequestFactory
from django.utils.translation import override

from shop import clock
from shop.web import error_pages
from shop.web.rate_limit import RateLimit

pytestmark = pytest.mark.django_db

LANGUAGES = ["en", "zh-hant"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["help", "contact", "terms", "privacy"])
def test_every_page_has_one_heading_and_the_contact(client, language, name):
    page = client.get(f"/{language}/{name}/").content.decode()
    assert page.count("<h1>") == 1
    assert "mailto:service@shop.example" in page


STEPS = {
    "en": (
        "Browse the Website|Add to Shopping Cart|View Shopping Cart|Checkout|Shipping Information|"
        "Payment Method|PayPal|Confirm Order Details|Order Confirmation|Confirmation Email|Order Processing"
    ),
    "zh-hant": (
        "在網站瀏覽商品|添加至購物車|查看購物車|結算|填寫配送信息|選擇支付方式|"
        "登錄PayPal|確認訂單信息|訂單確認|確認電子郵件|訂單處理"
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_help_page_tells_the_process_in_eleven_steps_that_lead_to_live_pages(client, language):
    page = client.get(f"/{language}/help/").content.decode()
    steps = re.findall(r"<li>\s*<h2>(.*?)</h2>.*?<a class=\"go\" href=\"(.*?)\"", page, re.DOTALL)
    assert [heading for heading, _url in steps] == STEPS[language].split("|")
    for _heading, url in steps:
        assert client.get(url, follow=True).status_code == 200


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ["UnionPay credit card", "card number, expiration date and CVC", "create a new PayPal account"],
        ),
        (
            "zh-hant",
            [
                "可選擇PayPal或銀聯信用卡支付",
                "卡號、過期日期和CVC",
                "創建新的PayPal賬戶",
                "物流地址",
                "訂單密鑰",
            ],
        ),
    ],
)
def test_the_help_page_keeps_the_words_of_the_process(client, language, words):
    page = client.get(f"/{language}/help/").content.decode()
    assert [word for word in words if word not in page] == []


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("en-GB,en;q=0.9", "/en/"),
        ("zh-HK", "/zh-hant/"),
        ("zh-MO", "/zh-hant/"),
        ("zh-Hant-HK", "/zh-hant/"),
        ("zh-CN", "/zh-hant/"),
        ("en-HK,zh-HK;q=0.9", "/en/"),
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


def test_the_chosen_language_wins_over_the_browsers(client):
    client.cookies["django_language"] = "en"
    assert client.get("/", headers={"Accept-Language": "zh-TW"}).url == "/en/"


def test_a_cookie_that_means_nothing_is_overlooked(client):
    client.cookies["django_language"] = "../../etc"
    assert client.get("/", headers={"Accept-Language": "en"}).url == "/en/"


def test_the_language_links_never_leave_the_shop(client):
    for path in ("/en//elsewhere.example/", "//elsewhere.example/en/"):
        page = client.get(path).content.decode()
        assert 'href="//' not in page
        assert "elsewhere.example" not in page


def test_the_language_links_keep_what_was_asked(client):
    page = client.get("/en/terms/?from=%22%3E%3Cb%3E").content.decode()
    assert 'href="/zh-hant/terms/?from=%22%3E%3Cb%3E"' in page
    assert "<b>" not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_is_not_there_says_so_and_names_the_contact(client, language):
    response = client.get(f"/{language}/nothing/here/")
    assert response.status_code == 404
    assert f"/{language}/contact/" in response.content.decode()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", [400, 403, 404, 429, 503])
def test_every_error_page_names_the_contact_and_leads_home(rf, language, status):
    request = rf.post("/nowhere/")
    with override(language):
        if status == 503:
            response = error_pages.unavailable(request)
        elif status == 429:
            response = error_pages.too_many(request, RateLimit("test", limit=1, minutes=15))
        else:
            response = error_pages.error_page(request, status)
    page = response.content.decode()
    assert response.status_code == status
    assert f"/{language}/contact/" in page
    assert "mailto:service@shop.example" in page
    assert 'href="/en/"' in page
    assert 'href="/zh-hant/"' in page


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "We can take 1 MB of text, 10,000 fields and 100 files at once."),
        ("zh-hant", "每次最多可送出1 MB文字、10,000個欄位和100個檔案。"),
    ],
)
def test_more_than_can_be_taken_at_once_is_told_with_how_much_can(client, language, sentence):
    much, many = "中" * 120_000, {f"field-{number}": "1" for number in range(10_001)}
    for typed in ({"code": much}, many):
        response = client.post(
            f"/{language}/cart/promo/", urlencode(typed), "application/x-www-form-urlencoded"
        )
        assert response.status_code == 413
        assert sentence in response.content.decode()


def test_a_form_that_was_open_for_too_long_is_told_so():
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/en/report/", {"order_key": "x"})
    assert response.status_code == 403
    assert "service@shop.example" in response.content.decode()


def test_the_page_for_our_own_failure_needs_no_database(django_db_blocker):
    with django_db_blocker.block():
        response = error_pages.server_error(RequestFactory().get("/en/"))
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
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_robots_are_told_what_is_for_buyers_only(client):
    response = client.get("/robots.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    lines = response.text.splitlines()
    assert lines[0] == "User-agent: *"
    for language in LANGUAGES:
        assert {f"Disallow: /{language}/cart/", f"Disallow: /{language}/admin/"} <= set(lines)
    assert not any(line in {"Disallow: /", "Disallow: /en/"} for line in lines)


def test_whoever_finds_a_hole_learns_whom_to_tell(client, settings):
    """RFC 9116, 2.5: Contact and Expires are needed; the date lies less than a year ahead."""
    settings.SECURITY_EMAIL = "security@shop.example"
    response = client.get("/.well-known/security.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in response.text.splitlines())
    assert fields["Contact"] == "mailto:security@shop.example"
    assert fields["Canonical"] == f"{settings.SITE_URL}/.well-known/security.txt"
    ahead = dt.datetime.fromisoformat(fields["Expires"]) - clock.now()
    assert dt.timedelta(days=30) < ahead < dt.timedelta(days=365)
