"""What we tell PayPal: exact sums or none, PayPal's locales, addresses, lengths and decimals."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.gateways.base import Address, Item, Misconfigured
from payments.gateways.paypal.messages import create_body, refund_body, truncate


@pytest.fixture
def unit(make_purchase):
    return lambda **changes: create_body(make_purchase(**changes))["purchase_units"][0]


@pytest.fixture
def address(unit):
    return lambda *parts: unit(address=Address("Mei", *parts))["shipping"]["address"]


def experience(body):
    return body["payment_source"]["paypal"]["experience_context"]


def item(price="10.00", quantity=1, name="茶", sku="TEA", ships=True):
    return Item(name, Decimal(price), quantity, sku, ships=ships)


def test_lines_that_add_up_are_itemised_exactly(unit):
    body = unit()

    assert body["amount"] == {
        "currency_code": "HKD",
        "value": "1234.50",
        "breakdown": {
            "item_total": {"currency_code": "HKD", "value": "1184.50"},
            "shipping": {"currency_code": "HKD", "value": "50.00"},
        },
    }
    assert [line["quantity"] for line in body["items"]] == ["2", "1"]
    assert [line["unit_amount"]["value"] for line in body["items"]] == ["480.00", "224.50"]
    assert [line["category"] for line in body["items"]] == ["PHYSICAL_GOODS", "DIGITAL_GOODS"]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("1234.49")},
        {"amount": Decimal("1000.00")},
        {"shipping": Decimal("50.01")},
        {"items": ()},
        {"items": (item("1284.50"), item("-100.00")), "shipping": Decimal("50.00")},
        {"items": (item("1234.50", 0), item("1184.50"))},
        {"items": (item("592.2500001", 2),), "amount": Decimal("1234.50")},
        {"items": (item("0.000"), item("1184.500"), item("0.001", 0))},
    ],
)
def test_lines_that_do_not_add_up_are_dropped_and_the_value_stays(unit, changes):
    body = unit(**changes)

    assert "items" not in body
    assert body["amount"] == {
        "currency_code": "HKD",
        "value": str(changes.get("amount", Decimal("1234.50"))),
    }


@given(
    lines=st.lists(
        st.tuples(st.integers(0, 10**7), st.integers(1, 99)).map(
            lambda pair: item(str(Decimal(pair[0]) / 100), pair[1])
        ),
        min_size=1,
        max_size=8,
    ),
    shipping=st.integers(0, 10**5),
    part=st.integers(0, 100),
    error=st.sampled_from([0, 0, 0, 1, -1]),
)
def test_the_strings_sent_always_agree(lines, shipping, part, error):
    import datetime as dt

    from payments.gateways.base import Purchase

    shipping = Decimal(shipping) / 100
    goods = sum(line.unit_price * line.quantity for line in lines)
    discount = (goods * part / 100).quantize(Decimal("0.01"))
    total = goods - discount + shipping + Decimal(error) / 100
    moment = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    urls = ("https://shop.example/return", "https://shop.example/cancel", "")
    sums = {"shipping": shipping, "discount": discount}
    purchase = Purchase(
        "R", "N", total, "HKD", "en", moment, moment, *urls, "k", "c", items=tuple(lines), **sums
    )

    body = create_body(purchase)["purchase_units"][0]

    assert Decimal(body["amount"]["value"]) == total
    assert ("items" in body) == (error == 0)
    if "items" in body:
        breakdown = {name: Decimal(part["value"]) for name, part in body["amount"]["breakdown"].items()}
        listed = sum(Decimal(line["unit_amount"]["value"]) * int(line["quantity"]) for line in body["items"])
        assert listed == breakdown["item_total"]
        assert breakdown.pop("discount", 0) == discount
        assert sum(breakdown.values()) - discount == total


def test_both_references_are_ours(unit, make_purchase):
    body = unit(reference="ABCDEFGH12")

    assert body["custom_id"] == body["invoice_id"] == "ABCDEFGH12"
    assert body["description"] == "雲硯閣 A7K3-92QM"


@pytest.mark.parametrize(
    ("language", "locale", "brand"),
    [("zh-hant", "zh-HK", "雲硯閣"), ("en", "en-US", "Cloud Inkstone"), ("fr", None, "Cloud Inkstone")],
)
def test_the_page_speaks_the_buyers_language(make_purchase, language, locale, brand):
    body = experience(create_body(make_purchase(language=language)))

    assert body.get("locale") == locale
    assert body["brand_name"] == brand


def test_the_buyer_pays_on_paypals_page_and_cannot_change_the_address(make_purchase):
    purchase = make_purchase()
    body = experience(create_body(purchase))

    assert body["user_action"] == "PAY_NOW"
    assert body["landing_page"] == "NO_PREFERENCE"
    assert body["payment_method_preference"] == "IMMEDIATE_PAYMENT_REQUIRED"  # no bank that takes days
    assert body["shipping_preference"] == "SET_PROVIDED_ADDRESS"
    assert (body["return_url"], body["cancel_url"]) == (purchase.return_url, purchase.cancel_url)


def test_a_purchase_of_services_has_no_address(make_purchase):
    body = create_body(make_purchase(address=None))

    assert experience(body)["shipping_preference"] == "NO_SHIPPING"
    assert "shipping" not in body["purchase_units"][0]


@pytest.mark.parametrize(
    ("area", "body"),
    [
        ("九龍", "KOWLOON"),
        ("Kowloon ", "KOWLOON"),
        ("新界", "NEW TERRITORIES"),
        ("N.T.", "NEW TERRITORIES"),
        ("new  territories", "NEW TERRITORIES"),
        ("香港島", "HONG KONG ISLAND"),
        ("Hong Kong Island", "HONG KONG ISLAND"),
        ("港島", "HONG KONG ISLAND"),
        ("Hong Kong", "HONG KONG ISLAND"),
        ("離島", "離島"),
        ("Central", "Central"),
        ("Islands District", "Islands District"),
    ],
)
def test_hong_kong_has_three_areas_and_no_postcode(address, area, body):
    assert address("HK", area, "油尖旺區", "彌敦道100號", "", "999077") == {
        "address_line_1": "彌敦道100號",
        "admin_area_2": "油尖旺區",
        "admin_area_1": body,
        "country_code": "HK",
    }


def test_macau_has_a_city_without_being_told(address):
    assert address("MO", "", "", "新馬路1號", "", "") == {
        "address_line_1": "新馬路1號",
        "admin_area_2": "Macau",
        "country_code": "MO",
    }


def test_mainland_china_goes_by_paypals_own_code(address):
    body = address("CN", "廣東省", "深圳市", "深南大道1號", "", "518000")

    assert body["country_code"] == "C2"
    assert body["postal_code"] == "518000"


def test_what_paypal_calls_china_is_a_setting(address, settings):
    settings.PAYPAL_CHINA_CODE = "CN"

    assert address("CN", "廣東省", "深圳市", "深南大道1號", "", "518000")["country_code"] == "CN"
    assert address("HK", "Kowloon", "Mong Kok", "1 Nathan Road", "", "")["country_code"] == "HK"


def test_empty_parts_are_left_out_and_line_breaks_do_not_pass(address):
    body = address("TW", "台北市", "大安區", "信義路\r\n1號\x00", "", "106")

    assert body["address_line_1"] == "信義路 1號"
    assert "address_line_2" not in body


@pytest.mark.parametrize("text", ["端硯" * 100, "a" * 300, "👨‍👩‍👧" * 60, "𠮷" * 90, "x\ud800y" * 60])
def test_names_are_cut_on_whole_characters_within_the_bytes(unit, text):
    name = unit(items=(item("1184.50", name=text),))["items"][0]["name"]

    assert 100 < len(name.encode()) <= 127
    assert text.replace("\ud800", " ").startswith(name) or text.replace("\ud800", "").startswith(name)


def test_a_line_without_name_or_number_still_has_one(unit):
    line = unit(items=(item("1184.50", name=" \n", sku=""),))["items"][0]

    assert line["name"] == "-"
    assert "sku" not in line


def test_cutting_keeps_what_fits():
    assert truncate("  硯 \t 台 ", 127) == "硯 台"
    assert truncate("硯台", 5) == "硯"


@pytest.mark.failure("F60")
@pytest.mark.parametrize("currency", ["JPY", "TWD", "HUF"])
def test_currencies_without_decimals_are_sent_whole(unit, currency):
    body = unit(
        currency=currency, amount=Decimal("1200.00"), shipping=Decimal("0.00"), items=(item("600", 2),)
    )

    assert body["amount"]["value"] == "1200"
    assert body["items"][0]["unit_amount"]["value"] == "600"


@pytest.mark.parametrize(
    ("currency", "amount", "code"),
    [
        ("JPY", "1200.50", "DECIMAL_PRECISION"),
        ("HKD", "1200.505", "DECIMAL_PRECISION"),
        ("MOP", "1200.00", "INVALID_CURRENCY_CODE"),
        ("KRW", "1200", "INVALID_CURRENCY_CODE"),
    ],
)
def test_what_paypal_cannot_take_is_our_fault_before_any_call(unit, currency, amount, code):
    with pytest.raises(Misconfigured, match=code):
        unit(currency=currency, amount=Decimal(amount))


def test_a_refund_names_its_amount_and_our_key():
    assert refund_body(Decimal("34.5"), "HKD", "ab12") == {
        "amount": {"currency_code": "HKD", "value": "34.50"},
        "custom_id": "ab12",
    }


def test_marks_that_turn_the_direction_of_writing_do_not_pass():
    assert truncate("HK$1\u202e00.1$KH\u2066x", 127) == "HK$1 00.1$KH x"
