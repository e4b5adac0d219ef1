"""The bundled lists of places are complete, and every country of the world can be written to."""

import re

import pytest
from django.utils.translation import override

from checkout.addresses import areas as places
from checkout.addresses import countries, formats
from checkout.addresses.forms import ShippingForm
from checkout.tests.scenes import make_cart, make_goods

CJK = re.compile(r"[\u3400-\u9fff]+")
KNOWN = {  # (district, county): code, told by the post
    ("中正區", "臺北市"): "100",
    ("大安區", "臺北市"): "106",
    ("大安區", "臺中市"): "439",
    ("仁愛區", "基隆市"): "200",
    ("板橋區", "新北市"): "220",
    ("新莊區", "新北市"): "242",
    ("竹北市", "新竹縣"): "302",
    ("香山區", "新竹市"): "300",
    ("中壢區", "桃園市"): "320",
    ("頭份市", "苗栗縣"): "351",
    ("員林市", "彰化縣"): "510",
    ("埔里鎮", "南投縣"): "545",
    ("阿里山鄉", "嘉義縣"): "605",
    ("西區", "嘉義市"): "600",
    ("斗六市", "雲林縣"): "640",
    ("安平區", "臺南市"): "708",
    ("鳳山區", "高雄市"): "830",
    ("恆春鎮", "屏東縣"): "946",
    ("蘭嶼鄉", "臺東縣"): "952",
    ("花蓮市", "花蓮縣"): "970",
    ("羅東鎮", "宜蘭縣"): "265",
    ("馬公市", "澎湖縣"): "880",
    ("烏坵鄉", "金門縣"): "896",
    ("東引鄉", "連江縣"): "212",
}


@pytest.mark.parametrize(
    ("region", "areas", "districts"), [("HK", 3, 18), ("MO", 4, 8), ("TW", 22, 368), ("CN", 31, 0)]
)
def test_the_list_of_a_region_is_complete_in_both_scripts(region, areas, districts):
    listed = places.areas(region)
    inside = [district for area in listed for district in area.inside]
    assert (len(listed), len(inside)) == (areas, districts)
    for place in [*listed, *inside]:
        assert CJK.fullmatch(place.han), place
        assert not CJK.search(place.latin + place.key), place
    keys = [place.key for place in [*listed, *inside]]
    assert len(set(keys)) == len(keys)


def test_a_taiwanese_district_has_its_postcode():
    codes = {place: formats.district_postcode("TW", place[1], place[0]) for place in KNOWN}
    assert codes == KNOWN


def test_taiwanese_postcodes_are_three_digits_and_shared_only_within_hsinchu_and_chiayi():
    owners: dict[str, set[str]] = {}
    for county in places.areas("TW"):
        for district in county.inside:
            assert re.fullmatch(r"[1-9]\d\d", district.postcode)
            owners.setdefault(district.postcode, set()).add(f"{county.han}{district.han}")
    shared = {code: len(districts) for code, districts in owners.items() if len(districts) > 1}
    assert shared == {"300": 3, "600": 2}


@pytest.mark.parametrize("text", ["台北市", "臺北市", "Taipei City", "taipei  city"])
def test_a_place_is_found_by_each_of_its_names(text):
    place = places.find(places.areas("TW"), text)
    assert place is not None
    assert place.key == "Taipei City"


def test_a_district_of_a_unique_name_tells_its_area_and_one_of_many_does_not():
    area, district = places.locate("HK", "", "Sha Tin")
    assert area is not None
    assert area.latin == "New Territories"
    assert district is not None
    assert places.locate("TW", "", "中山區") == (None, None)  # Taipei and Keelung have one each
    assert places.locate("HK", "Kowloon", "Sha Tin")[1] is None


@pytest.mark.parametrize(
    ("region", "part", "english", "chinese"),
    [
        ("US", "area", "State", "州"),
        ("CA", "area", "Province", "省份"),
        ("JP", "area", "Prefecture", "都道府縣"),
        ("GB", "city", "Town or city", "城鎮"),
        ("US", "postcode", "ZIP code", "郵政編碼(ZIP)"),
        ("HK", "city", "District", "分區"),
        ("MO", "city", "Parish", "堂區"),
        ("TW", "area", "County or city", "縣市"),
        ("FR", "postcode", "Postcode", "郵政編碼"),
    ],
)
def test_a_part_is_called_as_in_its_country(region, part, english, chinese):
    assert str(formats.label_of(region, part)) == english
    with override("zh-hant"):
        assert str(formats.label_of(region, part)) == chinese


def test_every_country_has_a_form_that_takes_its_own_addresses(db):
    cart = make_cart((make_goods(), 1))
    for code in sorted(countries.CODES):
        typed = {"region": code, "recipient": "Mei Chan", "phone": "+852 9123 4567"}
        empty = ShippingForm({"region": code}, cart=cart)
        assert empty.as_div()
        for part in (*formats.rules_for(code).parts, "line1"):
            known = places.areas(code) if part == "area" else ()
            typed[part] = known[0].key if known else "1 Main Road"
        groups = formats.districts(code, typed.get("area", ""))
        if groups:
            typed["city"] = next(iter(groups.values()))[0].key if next(iter(groups.values())) else "Shenzhen"
        typed["postcode"] = (
            formats.district_postcode(code, typed.get("area", ""), typed["city"])
            if (code == "TW")
            else "".join(formats.rules_for(code).postcode_examples[:1])
        )
        form = ShippingForm(typed, cart=cart)
        assert form.is_valid(), f"{code}: {form.errors.as_text()}"
        delivery = form.delivery()
        label = formats.label(recipient="Mei Chan", region=code, address=delivery["address"])
        for text in delivery["address"].values():
            assert text.upper() in "\n".join(label).upper(), f"{code}: {text} is not in {label}"


@pytest.mark.parametrize(
    ("region", "postcode"),
    [("GB", "12345"), ("US", "9410"), ("JP", "1000"), ("CN", "51000"), ("TW", "10"), ("CA", "K1A 0B")],
)
def test_a_postcode_of_another_shape_is_told_at_its_field(db, region, postcode):
    form = ShippingForm({"region": region, "postcode": postcode}, cart=make_cart((make_goods(), 1)))
    [message] = form.errors["postcode"]
    example = formats.rules_for(region).postcode_examples[0]
    assert message.startswith(f"“{postcode}” is no postcode of this region: {formats.region_name(region)}.")
    assert example in message
