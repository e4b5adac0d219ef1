"""A quote travels through the page as signed text, and an order remembers its digest.

Pages that were made before a deploy are sent after it: what was signed as the literals below must be read,
and digested to the same values.
"""

import datetime as dt
from decimal import Decimal

import pytest
from django.core import signing

from checkout.quote import SALT, Quote, QuoteLine, read_signed
from checkout.services import IntakeAnswers, Submission

KEY = "a key of the test" * 3
SIGNED = (
    ".eJxtkstOwzAQRX8FzTqNbAeFkl0lkJBYgtggZLmO21pN7OBHpKrqvzNugbiPjRf3TMZnJt5Dp43y0HzuYRROCxO4bqF5KMBvIzTw_ryYPRIC"
    "BRjRqxQoH-6CEphEowMfnJYpp_W8PNZ9R2yiww4aVkCwQXRIq6o-UacG6wJvo-LWIMCo1V7aaMKxrKwJHIpzmfmfzNvHDRdpjY9dEEFjw0sp"
    "NieXVnSymvClFiOsnlE2o-RcEOW-Clhb23p-NZtXbsR7JzL19xs9DNqsp49S-l9XU1bep0RG55SRqAkvr0-pRLne81E5rzOxk_IqmvYmwvFH"
    "IXdXjOYmvQobi9uFzfY39ny5y2YnqVw47IUjrZztc8YyhqvRXQ6rbGnZmtK_TXK2t1zaVp2eF51CPJedSvfA4QdBAsi9:1xXqxD:oSoqGXAlm"
    "a_pMB9b50csl3wlCAbyV0S_mGwv8zVUEiE"
)
PLAIN = {
    "lines": [
        {
            "variant_id": 8,
            "sku": "SV-900",
            "name": "Test consultation",
            "unit_price": "1280.00",
            "quantity": 1,
            "total": "1280.00",
            "report_due_on": "2026-12-10",
            "discount": "0",
        }
    ],
    "goods_total": "0",
    "services_total": "1280.00",
    "shipping_total": "0",
    "total": "1280.00",
    "currency": "HKD",
    "terms_version": "a",
    "refund_version": "b",
    "privacy_version": "c",
    "shipping_method": "",
    "ships_by": "",
    "arrives_from": "",
    "arrives_until": "",
    "discount_total": "0",
    "promo_code": "",
    "promo_problem": "A sentence.",
}
SUBMISSION = Submission(
    email="mei@example.com",
    language="en",
    recipient="Mei Chan",
    phone="+85291234567",
    region="HK",
    address={"area": "Kowloon", "line1": "1 Nathan Road"},
    intakes=(IntakeAnswers(8, 1, [{"key": "name", "value": "X"}]),),
)


@pytest.fixture(autouse=True)
def known_key(settings):
    settings.SECRET_KEY = KEY


def goods_and_service() -> Quote:
    return Quote(
        lines=(
            QuoteLine(
                7, "TEA-900", "Test tea", Decimal("168.00"), 2, Decimal("336.00"), None, Decimal("33.60")
            ),
            QuoteLine(
                8,
                "SV-900",
                "Test consultation",
                Decimal("1280.00"),
                1,
                Decimal("1280.00"),
                dt.date(2026, 12, 10),
            ),
        ),
        goods_total=Decimal("336.00"),
        services_total=Decimal("1280.00"),
        shipping_total=Decimal(30),
        total=Decimal("1612.40"),
        currency="HKD",
        terms_version="2026-10",
        refund_version="2026-10",
        privacy_version="2026-11",
        shipping_method="hk",
        ships_by=dt.date(2026, 12, 1),
        arrives_from=dt.date(2026, 12, 2),
        arrives_until=dt.date(2026, 12, 3),
        discount_total=Decimal("33.60"),
        promo_code="TEA10",
    )


def test_a_page_made_before_the_deploy_is_read():
    assert read_signed(SIGNED) == goods_and_service()


def test_a_quote_without_parcel_and_discount_that_was_signed_before_the_deploy_is_read():
    quote = read_signed(signing.dumps(PLAIN, salt=SALT, compress=True))
    assert quote is not None
    assert (quote.delivery, quote.discount_total, quote.shipping_total) == (None, 0, 0)
    assert [line.report_due_on for line in quote.lines] == [dt.date(2026, 12, 10)]
    assert quote.total == Decimal("1280.00")


def test_what_is_signed_now_is_what_was_signed_before():
    assert signing.loads(read_signed(SIGNED).signed(), salt=SALT) == signing.loads(SIGNED, salt=SALT)
    signed = signing.dumps(PLAIN, salt=SALT, compress=True)
    assert signing.loads(read_signed(signed).signed(), salt=SALT) == PLAIN


def test_digests_are_those_of_orders_that_are_already_placed():
    quote, plain = goods_and_service(), read_signed(signing.dumps(PLAIN, salt=SALT, compress=True))
    assert [quote.digest, plain.digest] == [
        "d9cbd5224dee5b08b57300faf2eae22d54a5bbbb538d2339f87db426edb542cd",
        "92374cb20e9305326a27e920fdb46bdd19e9e29923465673b38fb23d4bc7ba8f",
    ]
    assert [SUBMISSION.digest(quote), SUBMISSION.digest(plain)] == [
        "54e7f41c9d9a8676c921d163c987fa6ffe638024bc5ef2b6d4dd43b6121eda44",
        "cfd378b528b0d7a040036dc3389437d6fc7d750c327154153b6382c4153d2855",
    ]


@pytest.mark.parametrize(
    "damage", [{"total": "x"}, {"ships_by": "tomorrow"}, {"total": None}, {"lines": 1}, {"more": "1"}]
)
def test_what_makes_no_quote_is_none(damage):
    assert read_signed(signing.dumps({**PLAIN, **damage}, salt=SALT)) is None
