"""What PayPal hears of the delivery address, region by region, and that it takes it."""

import pytest

from payments.sandbox import store
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
