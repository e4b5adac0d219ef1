"""The delivery part of the checkout page: its fields follow the region, and nothing typed is lost."""

from itertools import product

import pytest

from checkout.addresses import formats
from checkout.addresses.forms import ShippingForm
from checkout.models import Order
from checkout.tests.scenes import TYPED, URL, add, make_cart, make_goods, post

from .scenes import form_of, redraw

pytestmark = pytest.mark.django_db

GB = {"region": "GB", "shape": "GB", "city": "London", "line1": "10 Downing Street", "postcode": "SW1A 2AA"}


# --- fields follow the region ---


@pytest.mark.parametrize(
    ("region", "asked", "not_asked"),
    [
        ("HK", {"area", "city", "line1", "line2"}, {"postcode", "district", "locker"}),
        ("MO", {"city", "line1", "line2"}, {"area", "postcode", "district"}),
        ("TW", {"area", "city", "line1", "line2", "postcode"}, {"district"}),
        ("CN", {"area", "city", "district", "line1", "line2", "postcode"}, {"locker"}),
        ("GB", {"city", "line1", "line2", "postcode"}, {"area", "district"}),
        ("US", {"area", "city", "line1", "line2", "postcode"}, {"district"}),
        ("JP", {"area", "line1", "line2", "postcode"}, {"city", "district"}),
    ],
)
def test_another_region_draws_its_own_fields(client, region, asked, not_asked):
    add(client, make_goods())
    shown = redraw(client, TYPED, region=region)
    assert asked <= shown.keys()
    assert not not_asked & shown.keys()
    assert (shown["email"], shown["recipient"], shown["phone"]) == (
        "mei@example.com",
        "Mei Chan",
        "+852 9123 4567",
    )


def test_nothing_typed_is_lost_on_the_way_to_another_region_and_back(client):
    add(client, make_goods())
    written = {**form_of(client.get(URL).content.decode()), **TYPED, **GB}
    taiwan = redraw(client, redraw(client, written), region="TW")
    assert taiwan["city"] == ""
    assert taiwan["postcode"] == ""
    assert taiwan["line1"] == GB["line1"]
    chosen = {**taiwan, "area": "Taipei City", "city": "Taipei City/Da'an District", "recipient": "大文"}
    britain = redraw(client, chosen, region="GB")
    assert {name: britain[name] for name in GB} == GB
    assert britain["recipient"] == "大文"
    again = redraw(client, britain, region="TW")
    assert (again["area"], again["city"]) == ("Taipei City", "Taipei City/Da'an District")


def test_the_fields_of_another_region_are_not_taken_for_this_one_s(client):
    """Who changes the region and presses "Continue" without a script is asked for what the region needs."""
    add(client, make_goods())
    typed = {**TYPED, "shape": "HK", "region": "GB"}
    page = post(client, **typed).content.decode()
    assert "Please enter the district or city." in page
    assert not Order.objects.exists()
    assert form_of(page)["city"] == ""
    assert form_of(page)["line1"] == TYPED["line1"]


def test_a_taiwanese_district_offers_its_postcode_and_a_stale_one_goes(client):
    add(client, make_goods())
    typed = {**TYPED, "region": "TW", "area": "臺北市", "city": "大安區"}
    shown = redraw(client, typed)
    assert shown["postcode"] == "106"
    assert redraw(client, shown, city="信義區")["postcode"] == "110"
    assert redraw(client, shown, postcode="106214")["postcode"] == "106214"
    assert redraw(client, shown, area="高雄市")["city"] == ""


def test_a_postcode_of_another_district_is_told(client):
    add(client, make_goods())
    page = post(client, region="TW", area="臺北市", city="大安區", postcode="110").content.decode()
    assert "Postcodes of the chosen district begin with 106." in page
    assert not Order.objects.exists()


def test_a_municipality_needs_no_city_and_a_province_does():
    cart = make_cart((make_goods(), 1))
    typed = {"region": "CN", "district": "黃浦區", "line1": "南京東路1號", "postcode": "200001"}
    person = {"recipient": "大文", "phone": "138 0013 8000"}
    assert ShippingForm({**person, **typed, "area": "上海市"}, cart=cart).is_valid()
    assert list(ShippingForm({**person, **typed, "area": "浙江省"}, cart=cart).errors) == ["city"]


def test_the_checkout_begins_with_the_region_looked_at_in_the_cart(client):
    add(client, make_goods())
    client.get("/en/shipping-estimate/", {"region": "TW"})
    assert form_of(client.get(URL).content.decode())["region"] == "TW"


# --- phones, names, boxes, floors ---


@pytest.mark.parametrize(
    ("region", "typed", "kept"),
    [
        ("HK", "9123 4567", "+85291234567"),
        ("HK", "+852 9123-4567", "+85291234567"),
        ("MO", "６６１２ ３４５６", "+85366123456"),
        ("MO", "00 853 6612 3456", "+85366123456"),
        ("TW", "0912-345-678", "+886912345678"),
        ("TW", "+886 (0)2 2737 7992", "+886227377992"),
        ("CN", "138 0013 8000", "+8613800138000"),
        ("CN", "＋86 010 6559 2000", "+861065592000"),
        ("GB", "\u202a+852 9123 4567\u202c", "+85291234567"),  # as copied from a phone's contacts
    ],
)
def test_a_phone_number_is_understood_as_people_of_the_region_write_it(region, typed, kept):
    form = ShippingForm({"region": region, "phone": typed}, cart=make_cart((make_goods(), 1)))
    assert form.is_bound
    assert "phone" not in form.errors
    assert str(form.cleaned_data["phone"]) == kept


@pytest.mark.parametrize(
    "name", ["李", "𠮷田 𨋢", "阿依努爾・買買提", "O’Brien", "Ng", "名" * 100, "محمد علي"]
)
def test_a_name_is_taken_as_it_is(client, name):
    add(client, make_goods())
    post(client, recipient=name)
    order = Order.objects.get()
    assert order.recipient == name
    assert name in client.get(order.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    "line",
    ["P.O. Box 1234", "PO BOX 55, Central", "GPO Box 12", "郵政信箱123號", "九龍中央郵局郵政信箱 72345號"],
)
def test_a_courier_takes_no_po_box_and_the_post_does(line):
    cart = make_cart((make_goods(), 1))
    form = ShippingForm({**TYPED, "line1": line}, cart=cart)
    assert "A courier cannot deliver to a PO box." in form.errors["line1"].as_text()
    abroad = ShippingForm({**TYPED, **GB, "line1": line, "phone": "020 7946 0018"}, cart=cart)
    assert abroad.is_valid(), abroad.errors.as_text()


@pytest.mark.parametrize("line", ["1 Box Street", "信箱大廈1樓", "Boxer Road 4"])
def test_a_street_that_only_sounds_like_a_box_is_a_street(line):
    assert "line1" not in ShippingForm({**TYPED, "line1": line}, cart=make_cart((make_goods(), 1))).errors


@pytest.mark.parametrize(
    ("line1", "line2", "is_missing"),
    [
        ("1 Nathan Road", "", True),
        ("彌敦道1號", "", True),
        ("1 Nathan Road", "Flat A", False),
        ("1 Nathan Road", "12/F", False),
        ("彌敦道1號12樓A室", "", False),
        ("G/F, 8 Lockhart Road", "", False),
    ],
)
def test_a_missing_floor_is_hinted_at_and_blocks_nothing(client, line1, line2, is_missing):
    add(client, make_goods())
    hint = "There is no floor or flat in this address."
    response = client.post(URL, {**TYPED, "line1": line1, "line2": line2, "action": "quote"})
    assert (hint in response.content.decode()) is is_missing
    paying = post(client, line1=line1, line2=line2)
    assert paying.status_code == 302
    assert (hint in client.get(paying.url).content.decode()) is is_missing


def test_an_address_of_an_old_order_still_prints():
    old = {"area": "Kowloon", "city": "Mong Kok", "line1": "1 Nathan Road", "line2": "3/F", "postcode": ""}
    label = formats.label(recipient="Mei Chan", region="HK", address=old)
    assert label == ["Mei Chan", "3/F", "1 Nathan Road", "Mong Kok, Kowloon", "Hong Kong"]
    assert formats.label(recipient="", region="XX", address={}) == ["XX"]


def test_a_label_leaves_out_nothing_that_an_order_keeps():
    """Orders from before each region had its own fields may hold any part."""
    left_out = []
    for region, line1 in product(
        ["HK", "MO", "TW", "CN", "GB", "US", "JP", "SG"], ["1 Main Road", "大街1號"]
    ):
        old = {"area": "Area", "city": "City", "line1": line1, "line2": "Floor", "postcode": "12345"}
        label = "\n".join(formats.label(recipient="Mei", region=region, address=old)).lower()
        left_out += [(region, text) for text in old.values() if text.lower() not in label]
    assert left_out == []


@pytest.mark.parametrize("region", ["TW", "CN", "US"])
def test_digits_of_another_script_are_no_postcode(region):
    form = ShippingForm({"region": region, "postcode": "١٢٣٤٥٦"}, cart=make_cart((make_goods(), 1)))
    assert "postcode" in form.errors
