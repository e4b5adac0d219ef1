"""The delivery part of the checkout page: its fields follow region and method, nothing typed is lost, and
hostile input is told at its field."""

import re
from decimal import Decimal
from urllib.parse import quote_from_bytes, urlencode

import pytest

from checkout.addresses import formats
from checkout.addresses.forms import ShippingForm
from checkout.models import Order
from checkout.quote import differences, make_quote
from checkout.tests.scenes import TYPED, URL, add, make_cart, make_goods, post, quote_of

pytestmark = pytest.mark.django_db

GB = {"region": "GB", "shape": "GB", "city": "London", "line1": "10 Downing Street", "postcode": "SW1A 2AA"}


def form_of(page: str) -> dict[str, str]:
    """What the checkout form would send: its fields with what stands in them."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        told = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if told.get("type") in {"radio", "checkbox"} and " checked" not in tag:
            continue
        if "name" in told:
            found[told["name"]] = told.get("value", "on" if told.get("type") == "checkbox" else "")
    for name, options in re.findall(r'<select name="(\w+)"(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        found[name] = chosen.group(1) if chosen else ""
    for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL):
        found[name] = text
    return {name: text.replace("&#x27;", "'") for name, text in found.items()}


def redraw(client, typed: dict[str, str], **changes: str) -> dict[str, str]:
    """Press "Update address fields and shipping fee": the fields of the page that comes back."""
    response = client.post(URL, {**typed, **changes, "action": "quote"})
    assert response.status_code == 200
    assert not Order.objects.exists()
    return form_of(response.content.decode())


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
        "9123 4567",
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
    assert form.cleaned_data["phone"] == kept


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


@pytest.mark.parametrize("region", ["HK", "MO", "TW", "CN", "GB", "US", "JP", "SG"])
@pytest.mark.parametrize("line1", ["1 Main Road", "大街1號"])
def test_a_label_leaves_out_nothing_that_an_order_keeps(region, line1):
    """Orders from before each region had its own fields may hold any part."""
    old = {"area": "Area", "city": "City", "line1": line1, "line2": "Floor", "postcode": "12345"}
    label = "\n".join(formats.label(recipient="Mei", region=region, address=old)).lower()
    for text in old.values():
        assert text.lower() in label


@pytest.mark.parametrize("region", ["TW", "CN", "US"])
def test_digits_of_another_script_are_no_postcode(region):
    form = ShippingForm({"region": region, "postcode": "١٢٣٤٥٦"}, cart=make_cart((make_goods(), 1)))
    assert "postcode" in form.errors


# --- methods ---


def test_every_method_of_the_region_is_offered_with_price_and_days(client):
    add(client, make_goods())
    page = client.get(URL).content.decode()
    for shown in (
        "Courier in Hong Kong",
        "HK$30.00",
        "SF locker in Hong Kong",
        "HK$20.00",
        "1–2 working days",
    ):
        assert shown in page
    assert form_of(page)["method"] == "hk"


def test_a_locker_asks_for_its_code_instead_of_a_street(client):
    add(client, make_goods())
    shown = redraw(client, TYPED, method="hk-locker")
    assert shown["line1"] == TYPED["line1"]  # out of sight, not lost
    assert "city" not in shown
    page = client.post(URL, {**shown, "quote": quote_of(client.get(URL))}).content.decode()
    assert "Please enter the code of the locker." in page
    client.post(URL, {**form_of(page), "locker": "ｈ852ｆｇ83ｐ"})
    order = Order.objects.get()
    assert (order.shipping_method, order.shipping_total) == ("hk-locker", Decimal("20.00"))
    assert order.address == {"locker": "H852FG83P"}
    assert order.phone == "+85291234567"
    assert "SF locker H852FG83P" in client.get(f"/en/pay/{order.token}/").content.decode()


@pytest.mark.parametrize("code", ["X", "852", "H853AA12", "H852-AA", "1 Nathan Road", "H852" + "A" * 30])
def test_what_is_no_code_of_a_locker_is_told(client, code):
    add(client, make_goods())
    page = post(client, method="hk-locker", locker=code).content.decode()
    assert 'id="id_locker_error"' in page
    assert not Order.objects.exists()


def test_another_method_and_its_fee_are_told_before_anything_is_ordered(client):
    add(client, make_goods())
    page = post(client, method="hk-locker", locker="H852FG83P").content.decode()
    assert "The delivery method has changed from Courier in Hong Kong to SF locker in Hong Kong." in page
    assert "The shipping fee has changed from HK$30.00 to HK$20.00." in page
    assert not Order.objects.exists()


def test_the_method_is_part_of_what_was_seen():
    cart = make_cart((make_goods(price="700.00"), 1))
    courier, locker = make_quote(cart, "HK", "hk"), make_quote(cart, "HK", "hk-locker")
    assert courier.digest != locker.digest
    assert make_quote(cart, "HK").digest == courier.digest
    assert len(differences(courier, locker)) == 3  # method, fee, total


def test_a_method_of_another_region_is_replaced_by_one_of_the_chosen(client):
    add(client, make_goods())
    page = post(client, region="MO", city="大堂區", method="hk-locker").content.decode()
    assert "method" not in form_of(page)  # there is only one
    assert "The delivery method has changed from Courier in Hong Kong to Courier to Macau." in page


def test_an_unknown_method_is_told(client):
    add(client, make_goods())
    page = post(client, method="drone").content.decode()
    assert "Please choose one of the delivery methods." in page
    assert 'href="#id_method_0"' in page
    assert not Order.objects.exists()


def test_a_parcel_may_be_too_heavy_for_a_locker(client):
    stone = make_goods(on_hand=99)
    stone.weight_g = 2500
    stone.save()
    add(client, stone, 2)
    page = client.get(URL).content.decode()
    assert "not possible: the parcel is heavier than 5 kg" in page
    page = post(client, method="hk-locker", locker="H852FG83P").content.decode()
    assert "This parcel is too heavy for a locker." in page
    assert not Order.objects.exists()


def test_what_must_not_go_into_a_locker_is_named(client):
    add(client, make_goods(excluded_zones=["hk-locker"]))
    assert "not possible for: Test tea" in " ".join(client.get(URL).content.decode().split())
    page = post(client, method="hk-locker", locker="H852FG83P").content.decode()
    assert "These cannot be sent this way: Test tea." in page
    assert post(client, method="hk").status_code == 302


@pytest.mark.parametrize(
    ("region", "method", "weight", "value", "fee"),
    [
        ("HK", "hk", 100, "599.99", 30),
        ("HK", "hk", 100, "600", 0),
        ("HK", "hk-locker", 100, "600", 20),
        ("MO", "mo", 1880, "100", 50),
        ("MO", "mo", 1881, "100", 60),
        ("TW", "tw", 880, "100", 85),
        ("TW", "tw", 1881, "100", 145),
        ("CN", "cn", 2880, "100", 125),
        ("GB", "overseas", 380, "100", 180),
        ("GB", "overseas", 381, "100", 225),
    ],
)
def test_the_tariff(region, method, weight, value, fee):
    goods = make_goods(price=value)
    goods.weight_g = weight
    goods.save()
    quote = make_quote(make_cart((goods, 1)), region, method)
    assert (quote.shipping_method, quote.shipping_total) == (method, fee)


# --- hostile input ---

NASTY = {
    "null": "a\x00b",
    "control": "a\x07b\x1b[31m",
    "surrogate": "a\ud800b",
    "unreadable": "a\ufffdb",
    "emoji": "Flat 🏠",
    "10 kB": "x" * 10_000,
    "10 kB of Han": "字" * 10_000,
}
LINES = ["recipient", "line1", "line2", "city", "district", "area", "postcode", "locker"]


@pytest.mark.parametrize("kind", NASTY)
@pytest.mark.parametrize("region", ["HK", "CN", "GB", "locker"])
def test_what_cannot_be_printed_is_told_at_its_field(kind, region):
    where = {"region": "HK", "method": "hk-locker"} if region == "locker" else {"region": region}
    cart = make_cart((make_goods(), 1))
    shown = [name for name in LINES if name in ShippingForm(where, cart=cart).fields]
    for name in shown:
        form = ShippingForm({**where, name: NASTY[kind]}, cart=cart)
        assert form.errors[name], name
        form.suit({**where, name: NASTY[kind], "line1": NASTY[kind]})
        "\n".join(form.preview).encode()  # printable all the same


def test_free_text_takes_emoji_and_many_lines_and_refuses_what_cannot_be_read():
    cart = make_cart((make_goods(), 1))
    text = "生日快樂 🎂\r\nמזל טוב"
    form = ShippingForm({**TYPED, "is_gift": "on", "card_text": text, "delivery_note": text}, cart=cart)
    assert form.is_valid(), form.errors.as_text()
    assert form.cleaned_data["card_text"] == text.replace("\r\n", "\n")
    for nasty in ("null", "control", "surrogate", "10 kB"):
        errors = ShippingForm({"card_text": NASTY[nasty], "delivery_note": NASTY[nasty]}, cart=cart).errors
        assert {"card_text", "delivery_note"} <= set(errors)


def test_a_line_end_counts_once_as_in_the_browser():
    cart = make_cart((make_goods(), 1))
    longest = "\r\n".join(["x"] * 100) + "x"  # 200 characters where a line end is one
    assert ShippingForm({**TYPED, "is_gift": "on", "card_text": longest}, cart=cart).is_valid()


def test_marks_of_writing_direction_and_line_ends_do_not_reach_the_label():
    form = ShippingForm({**TYPED, "recipient": "Mei\u202e\r\n Chan\u200b"}, cart=make_cart((make_goods(), 1)))
    assert form.is_valid()
    assert form.cleaned_data["recipient"] == "Mei Chan"


@pytest.mark.parametrize(
    "raw",
    [
        b"recipient=%ED%A0%80",  # half a surrogate pair
        b"recipient=%00&line1=%00",
        b"recipient=%E2%80%AE&recipient=b&region=HK&region=XX&method=hk&method=",
        b"region=" + quote_from_bytes("𠮷".encode()).encode() + b"&shape=%00&kept_HK_area=" + b"x" * 9000,
        b"region=GB&shape=HK&area=x&kept_GB_city=" + quote_from_bytes(b"<script>").encode(),
        b"region=TW&area=" + b"%E5" * 50 + b"&city=[]&postcode=%D9%A1%D9%A0%D9%A6",
        b"is_gift=maybe&card_text=" + b"%F0%9F%8E%82" * 300,
        b"phone=" + b"9" * 10_000,
        b"phone=%2B" + b"%EF%BC%91" * 40,
    ],
)
@pytest.mark.parametrize("action", [b"", b"&action=quote"])
def test_no_request_breaks_the_page(client, raw, action):
    add(client, make_goods())
    body = urlencode({"quote": quote_of(client.get(URL))}).encode() + b"&" + raw + action
    response = client.post(URL, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 200
    assert not Order.objects.exists()
    assert client.get(URL).status_code == 200
    assert "<script>" not in response.content.decode().replace('<script type="module"', "")


def test_no_text_at_all_names_every_field_that_is_missing(client):
    add(client, make_goods())
    page = client.post(URL, {"region": "HK"}).content.decode()
    for name in ("email", "recipient", "phone", "area", "city", "line1"):
        assert f'href="#id_{name}"' in page
