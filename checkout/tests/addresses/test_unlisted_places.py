"""Nobody is stuck because a list is old or does not fit."""

import pytest
from django.utils.translation import override

from checkout.addresses.forms import UNLISTED, ShippingForm
from checkout.models import Order
from checkout.orders.forms import CorrectionForms
from checkout.tests.addresses.scenes import form_of
from checkout.tests.scenes import TYPED, URL, add, make_cart, make_goods, pay, place

pytestmark = pytest.mark.django_db
INDONESIA = {**TYPED, "region": "ID", "area": UNLISTED, "city": "Sorong", "line1": "Jl. Ahmad Yani 1"}
CHINA = {**TYPED, "region": "CN", "area": "廣東省", "line1": "虎門鎮太沙路1號", "postcode": "523900"}


@pytest.fixture
def shipping():
    cart = make_cart((make_goods("TEA-909"), 1))
    return lambda **typed: ShippingForm(typed, cart=cart)


def test_a_place_that_the_list_lacks_is_typed_and_printed(shipping):
    asked = shipping(**INDONESIA)
    assert not asked.is_valid()
    assert asked.fields["area"].widget.input_type == "text"
    typed = INDONESIA | dict(asked.carried) | {"area": "Papua Barat Daya"}
    given = shipping(**typed)
    assert given.is_valid(), given.errors
    assert given.delivery()["address"]["area"] == "Papua Barat Daya"
    assert any("Papua Barat Daya" in line for line in given.preview)


def test_an_emptied_field_leads_back_to_the_list_and_a_listed_name_is_recognised(shipping):
    carried = dict(shipping(**INDONESIA).carried)
    again = shipping(**INDONESIA | carried | {"area": ""})
    assert UNLISTED in dict(again.fields["area"].choices)
    found = shipping(**INDONESIA | carried | {"area": "Bali"})
    assert found.is_valid(), found.errors
    assert found.delivery()["address"]["area"] == "Bali"


def test_a_typed_place_is_shown_by_its_name_and_known_by_it(shipping):
    """A district tells its area also where that is typed; nobody reads the key of a list."""
    with override("zh-hant"):
        form = shipping(region="HK")
        form.suit({**TYPED, "area": UNLISTED, "line1": "彌敦道1號"})
        assert form.initial["area"] == "九龍"
        city = {**CHINA, "area": "", "city": "", "postcode": "100000", "typed_area": "1"}
        assert shipping(**city | {"area": "北京市"}).is_valid(), "a municipality is its own city"


def test_what_is_not_in_the_list_is_refused_as_long_as_nobody_said_so(shipping):
    assert "area" in shipping(**INDONESIA | {"area": "Nowhere"}).errors


def test_a_city_without_districts_needs_none(shipping):
    for area, city in (
        ("廣東省", "東莞市"),
        ("廣東省", "中山市"),
        ("湖北省", "仙桃市"),
        ("海南省", "儋州市"),
    ):
        form = shipping(**CHINA | {"area": area, "city": city, "district": ""})
        assert form.is_valid(), form.errors
        assert form.delivery()["address"]["city"] == city


def test_each_list_says_that_the_place_may_be_typed(shipping):
    for region in ("HK", "MO", "TW", "CN", "US", "KR", "ID"):
        form = shipping(region=region)
        lists = [field for field in form.fields.values() if hasattr(field, "places")]
        assert lists, region
        assert all(UNLISTED in dict(field.choices) for field in lists), region


def test_a_corrected_order_keeps_its_typed_place(client):
    add(client, make_goods())
    order = pay(
        place(
            make_cart((make_goods("TEA-901"), 1)),
            region="ID",
            address={"area": "Papua Barat Daya", "city": "Sorong", "line1": "Jl. Ahmad Yani 1"},
        )
    )
    shown = CorrectionForms(Order.objects.get(pk=order.pk)).shipping
    assert shown["area"].value() == "Papua Barat Daya"
    assert shown.fields["area"].widget.input_type == "text"


def test_on_the_page_the_choice_draws_a_field_to_type_into(client):
    add(client, make_goods())
    page = client.post(URL, INDONESIA | {"action": "quote"}).content.decode()
    fields = form_of(page)
    assert fields["area"] == ""
    assert fields["typed_area"] == "1"
    assert '<select name="area"' not in page
