"""The order on paper: everything a receipt needs, nothing else, and nothing to strangers."""

import pytest
from django.test import Client

from checkout.tests.scenes import make_cart, make_goods, make_service, pay, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    return pay(place(make_cart((make_goods(), 2), (make_service(), 1))))


def receipt(order, language="en", *, known=True):
    browser = Client()
    if known:
        browser.post(order.get_absolute_url(), {"email": "mei@example.com"})
    return browser.get(f"/{language}/order/{order.token}/?print=1").content.decode()


@pytest.mark.parametrize(
    ("language", "words"), [("en", ["Receipt", "Total amount"]), ("zh-hant", ["收據", "總金額"])]
)
def test_a_receipt_names_shop_order_lines_totals_and_buyer(order, language, words):
    page = receipt(order, language)
    name = "測試茶" if language == "zh-hant" else "Test tea"
    shown = [
        "雲硯閣", "Cloud Inkstone", "service@shop.example", order.number, name, "HK$168.00", "HK$336.00",
        "HK$30.00", "HK$1,646.00", "Mei Chan", "1 Nathan Road", "mei@example.com", *words,
    ]  # fmt: skip
    assert [text for text in shown if text not in page] == []


def test_a_receipt_has_no_navigation_no_key_and_no_form(order):
    page = receipt(order)
    for tag in ("<nav", "<form", "<header", "<footer"):
        assert tag not in page
    key = order.keys.get().last_group
    assert key not in page


def test_a_stranger_prints_no_personal_data(order):
    page = receipt(order, known=False)
    assert order.number in page
    for secret in ("Mei Chan", "mei@example.com", "1 Nathan Road", "+85291234567"):
        assert secret not in page


def test_an_unpaid_order_is_no_receipt():
    order = place(make_cart((make_goods("TEA-920"), 1)))
    page = receipt(order)
    assert "This is not a receipt" in page
    assert "<h1>Order</h1>" in page


def test_the_order_page_leads_to_the_receipt_without_a_script(order):
    assert '<a href="?print=1">Print</a>' in Client().get(order.get_absolute_url()).content.decode()
