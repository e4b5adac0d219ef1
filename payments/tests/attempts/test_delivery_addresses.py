"""What PayPal hears of the delivery address, region by region, and that it takes it."""

import pytest

from checkout.addresses import areas as places
from checkout.addresses import countries, formats
from checkout.addresses.forms import ShippingForm
from checkout.tests.scenes import make_cart, make_goods
from payments.gateways.base import Address
from payments.gateways.paypal.messages import create_body
from payments.sandbox import store
from payments.sandbox.paypal.orders import check_address
from payments.tests.harness.refund_scenes import paid_order

pytestmark = pytest.mark.django_db

KOWLOON = {"area": "九龍", "city": "油尖旺區", "line1": "彌敦道1號"}
SHENZHEN = {
    "area": "廣東省",
    "city": "深圳市",
    "district": "南山區",
    "line1": "科技園路1號",
    "postcode": "518057",
}
SHANGHAI = {"area": "上海市", "district": "黃浦區", "line1": "南京東路1號", "postcode": "200001"}


def told(order) -> dict:
    return store.get("paypal-order", order.payments.get().gateway_id)["unit"]


@pytest.mark.parametrize(
    ("region", "address", "heard"),
    [
        (
            "HK",
            KOWLOON,
            {"admin_area_1": "KOWLOON", "admin_area_2": "油尖旺區", "address_line_1": "彌敦道1號"},
        ),
        ("MO", {"area": "氹仔", "city": "嘉模堂區", "line1": "地堡街12號"}, {"admin_area_2": "嘉模堂區"}),
        (
            "TW",
            {"area": "臺北市", "city": "大安區", "line1": "和平東路106號", "postcode": "106"},
            {"admin_area_1": "臺北市", "admin_area_2": "大安區", "postal_code": "106"},
        ),
        ("CN", SHENZHEN, {"admin_area_2": "深圳市", "address_line_1": "南山區 科技園路1號"}),
        ("CN", SHANGHAI, {"admin_area_2": "上海市", "address_line_1": "黃浦區 南京東路1號"}),
        (
            "US",
            {"area": "CA", "city": "San Francisco", "line1": "800 Clay Street", "postcode": "94108"},
            {"admin_area_1": "CA", "admin_area_2": "San Francisco", "postal_code": "94108"},
        ),
    ],
)
def test_paypal_hears_the_address_as_it_was_given(gateway, approve, region, address, heard):
    order = paid_order(approve, region=region, address=address, recipient="𠮷田・𨋢")
    shipping = told(order)["shipping"]
    assert shipping["name"] == {"full_name": "𠮷田・𨋢"}
    assert heard.items() <= shipping["address"].items()


def test_a_locker_is_no_address_for_paypal(gateway, approve):
    order = paid_order(approve, method="hk-locker", address={"locker": "H852FG83P"})
    assert order.shipping_method == "hk-locker"
    assert "shipping" not in told(order)


def test_paypal_takes_the_money_for_a_country_it_has_no_code_for(gateway, approve):
    """Kosovo: the sandbox refuses the code, as PayPal's list lacks it, so PayPal hears no address."""
    kosovo = {"city": "Prishtina", "line1": "Rruga Nëna Terezë 12", "postcode": "10000"}
    order = paid_order(approve, region="XK", address=kosovo)
    assert order.status == order.Status.PAID
    assert "shipping" not in told(order)


def least_address(region: str, cart) -> dict[str, str]:
    """What the form demands of the region, and nothing that it does not."""
    typed = {"region": region, "recipient": "Mei Chan", "phone": "+852 9123 4567"}
    for part in formats.rules_for(region).parts:
        if part == "postcode":
            typed[part] = "".join(formats.rules_for(region).postcode_examples[:1])
        elif part == "area" and places.areas(region):
            typed[part] = places.areas(region)[0].key
        elif part == "city" and (groups := formats.districts(region, typed.get("area", ""))):
            typed[part] = next(iter(groups.values()))[0].key
        else:
            typed[part] = "Main Road 1"
        if not formats.is_required(region, part, typed.get("area", "")):
            del typed[part]
    typed.setdefault("line1", "Main Road 1")
    if region == "TW":
        typed.pop("postcode", None)  # the district's own
    form = ShippingForm(typed, cart=cart)
    assert form.is_valid(), f"{region}: {form.errors.as_text()}"
    return form.delivery()["address"]


def test_whatever_the_form_lets_through_paypal_s_rules_let_through_in_every_region(make_purchase):
    cart = make_cart((make_goods(), 1))
    for region in sorted(countries.CODES):
        kept = least_address(region, cart)
        parts = {name: kept.get(name, "") for name in ("area", "city", "line1", "line2", "postcode")}
        body = create_body(make_purchase(address=Address("Mei Chan", region, **parts)))
        experience = body["payment_source"]["paypal"]["experience_context"]
        check_address({"unit": body["purchase_units"][0], "experience": experience})


@pytest.mark.parametrize(
    ("region", "address", "city"),
    [
        ("GI", {"postcode": "GX11 1AA"}, "Gibraltar"),
        ("SM", {"postcode": "47890"}, "San Marino"),
        ("SG", {"postcode": "546080"}, "Singapore"),
        ("AG", {}, "Antigua & Barbuda"),
        ("VG", {}, "British Virgin Islands"),
        ("AE", {"area": "Dubai"}, "Dubai"),
        ("IE", {"city": "Dublin"}, "Dublin"),
    ],
)
def test_a_city_is_named_to_paypal_where_the_form_asks_for_none(gateway, approve, region, address, city):
    order = paid_order(approve, region=region, address={"line1": "Main Road 1", **address})
    assert told(order)["shipping"]["address"]["admin_area_2"] == city
    assert told(order)["shipping"]["address"].get("postal_code", "") == address.get("postcode", "")
