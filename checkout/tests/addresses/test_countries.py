"""Countries by their right names, each once, in the order that readers of either language expect."""

import re

import pytest
from django.utils.translation import override

from checkout.addresses import countries, formats
from checkout.addresses.forms import ShippingForm
from checkout.tests.scenes import make_cart, make_goods, place

CALLED = {  # what Hong Kong calls them, and what labels print abroad
    "GL": ("格陵蘭", "Greenland"),
    "IS": ("冰島", "Iceland"),
    "MQ": ("馬丁尼克", "Martinique"),
    "MR": ("毛里塔尼亞", "Mauritania"),
    "AI": ("安奎拉", "Anguilla"),
    "AO": ("安哥拉", "Angola"),
    "IT": ("意大利", "Italy"),
    "NZ": ("新西蘭", "New Zealand"),
    "SA": ("沙特阿拉伯", "Saudi Arabia"),
    "GG": ("根西島", "Guernsey"),
    "CC": ("科科斯（基林）群島", "Cocos (Keeling) Islands"),
    "CD": ("剛果（金夏沙）", "Democratic Republic of the Congo"),
    "CG": ("剛果（布拉薩）", "Republic of the Congo"),
    "AG": ("安提瓜和巴布達", "Antigua and Barbuda"),
    "LC": ("聖盧西亞", "Saint Lucia"),
    "US": ("美國", "United States of America"),
    "XK": ("科索沃", "Kosovo"),
    "HK": ("香港", "Hong Kong"),
    "MO": ("澳門", "Macau"),
    "TW": ("台灣", "Taiwan"),
    "CN": ("中國內地", "Mainland China"),
}
KOSOVO = {
    "region": "XK",
    "recipient": "Arta Krasniqi",
    "phone": "+383 44 123 456",
    "line1": "Rruga Nëna Terezë 12",
    "city": "Prishtina",
    "postcode": "10000",
}


@pytest.mark.parametrize(("language", "index"), [("zh-hant", 0), ("en", 1)])
def test_every_country_has_one_right_name_of_its_own(language, index):
    with override(language):
        choices = formats.region_choices()
        assert {code: formats.region_name(code) for code in CALLED} == {
            code: names[index] for code, names in CALLED.items()
        }
    assert {code for code, _ in choices} == countries.CODES
    assert len(choices) == len({name for _, name in choices}) == len(countries.CODES) == 250
    foreign = r"[!-~]" if language == "zh-hant" else r"[\u3400-\u9fff]|[&’]|\bSt\."
    assert [name for _, name in choices if re.search(foreign, name)] == []


def test_our_own_regions_come_first_and_the_others_by_strokes_or_by_letter():
    with override("zh-hant"):
        chinese = [name for _, name in formats.region_choices()]
    with override("en"):
        english = [name for _, name in formats.region_choices()]
    assert chinese[:4] == ["香港", "澳門", "台灣", "中國內地"]
    assert english[:4] == ["Hong Kong", "Macau", "Taiwan", "Mainland China"]
    # Strokes of the first character: 3, 4, 5, 6, 8, 10, 12, 14, 20.
    some = ["土耳其", "日本", "加拿大", "印尼", "法國", "泰國", "菲律賓", "蒙古", "蘇丹"]
    assert [name for name in chinese if name in some] == some
    assert [name for name in chinese if -1 in countries.strokes(name)] == []  # a new character needs a place
    assert english[4:7] == ["Afghanistan", "Åland Islands", "Albania"]


@pytest.mark.django_db
def test_a_parcel_can_go_to_kosovo():
    cart = make_cart((make_goods(), 1))
    form = ShippingForm(KOSOVO, cart=cart)
    assert form.is_valid(), form.errors.as_text()
    delivery = form.delivery()
    assert formats.label(recipient="Arta Krasniqi", region="XK", address=delivery["address"]) == [
        "Arta Krasniqi",
        "Rruga Nëna Terezë 12",
        "10000 PRISHTINA",
        "KOSOVO",
    ]
    wrong = ShippingForm(KOSOVO | {"postcode": "1000"}, cart=cart)
    assert "postcode" in wrong.errors


def test_a_label_names_the_right_country_in_either_script():
    for region, (chinese, english) in CALLED.items():
        if region not in {"HK", "MO", "TW", "CN"}:
            han = formats.label(recipient="陳美儀", region=region, address={"line1": "大街1號"})
            latin = formats.label(recipient="Mei Chan", region=region, address={"line1": "1 Main Road"})
            assert (han[0], latin[-1]) == (chinese, english.upper())


@pytest.mark.django_db
def test_staff_filter_orders_by_the_names_of_countries(merchant):
    place(make_cart((make_goods(), 1)))
    place(
        make_cart((make_goods("TEA-901"), 1)),
        region="GL",
        address={"line1": "1 Aqqusinersuaq", "city": "Nuuk"},
    )
    page = merchant.get("/zh-hant/admin/checkout/order/").content.decode()
    named = dict(re.findall(r'href="\?region=(\w+)"[^>]*>([^<]*)<', page))
    assert named == {"HK": "香港", "GL": "格陵蘭"}
