"""What the merchant can do to the catalogue, and what the forms do not let happen."""

import pytest
from django.db.models import F
from django.urls import reverse

from catalog.models import IntakeQuestion, Product, Variant
from catalog.seeding import seed

from .scenes import change_url, errors_of, fields_of, not_refused, save
from .shelf import goods, only_variant, service

pytestmark = pytest.mark.django_db


def test_saving_unchanged_changes_nothing(merchant):
    seed()
    tables = (Product, Variant, IntakeQuestion)
    for product in (Product.objects.get(code=code) for code in ("HOM-001", "SV1", "STU-004", "BOO-001")):
        before = [list(table.objects.order_by("pk").values()) for table in tables]
        response = save(merchant, product)
        assert response.status_code == 302, errors_of(response)
        assert [list(table.objects.order_by("pk").values()) for table in tables] == before


def test_a_new_price_leaves_the_stock_alone_that_moved_meanwhile(merchant):
    variant = only_variant(goods(stock=5))
    url = change_url(variant.product)
    fields = fields_of(merchant, url)
    Variant.objects.update(on_hand=F("on_hand") - 1, reserved=2)  # a sale while the merchant was typing
    response = merchant.post(url, {**fields, "variants-0-price": "11.00"})
    assert response.status_code == 302
    variant.refresh_from_db()
    assert (str(variant.price), variant.on_hand, variant.reserved) == ("11.00", 4, 2)


def test_stock_is_changed_by_a_difference(merchant):
    variant = only_variant(goods(stock=5))
    url = change_url(variant.product)
    fields = fields_of(merchant, url)
    Variant.objects.update(on_hand=3)
    merchant.post(url, {**fields, "variants-0-stock_change": "20"})
    variant.refresh_from_db()
    assert variant.on_hand == 23


@pytest.mark.failure("F58")
def test_what_is_reserved_cannot_be_taken_away(merchant):
    variant = only_variant(goods(stock=5))
    Variant.objects.update(reserved=3)
    response = save(merchant, variant.product, **{"variants-0-stock_change": "-3"})
    assert "More is reserved for open orders than would be left." in errors_of(response)
    assert save(merchant, variant.product, **{"variants-0-stock_change": "-2"}).status_code == 302
    variant.refresh_from_db()
    assert (variant.on_hand, variant.reserved) == (3, 3)


def test_reserved_and_on_hand_cannot_be_typed(merchant):
    variant = only_variant(goods(stock=5))
    save(
        merchant,
        variant.product,
        **{"variants-0-reserved": "4", "variants-0-on_hand": "99", "variants-0-price": "9"},
    )
    variant.refresh_from_db()
    assert (variant.on_hand, variant.reserved) == (5, 0)


def test_a_new_variant_starts_with_what_is_added(merchant):
    product = goods(stock=5)
    fields = {
        "variants-TOTAL_FORMS": "2",
        "variants-1-sku": "NEW",
        "variants-1-price": "3.00",
        "variants-1-weight_g": "1",
        "variants-1-position": "2",
        "variants-1-tracks_stock": "on",
        "variants-1-is_active": "on",
        "variants-1-stock_change": "7",
        "variants-1-product": str(product.pk),
    }
    response = save(merchant, product, **fields)
    assert response.status_code == 302, errors_of(response)
    assert Variant.objects.get(sku="NEW").on_hand == 7


def test_what_would_break_the_shop_is_refused(merchant):
    cases = [
        ({"variants-0-price": "0"}, "greater than or equal to 0.01"),
        ({"variants-0-was_price": "5.00"}, "The price before the sale must be higher than the price."),
        ({"variants-0-stock_change": "-99"}, "More is reserved for open orders than would be left."),
        ({"art": "img/products/nowhere.svg"}, "There is no such file under static/."),
        ({"art": "../../etc/passwd"}, "There is no such file under static/."),
        ({"art": "img"}, "There is no such file under static/."),
        ({"excluded_zones": ["moon"]}, "Select a valid choice."),
        ({"max_per_order": "0"}, "Please enter 1 or more."),
        ({"kind": "service"}, "A consulting service needs its terms"),
    ]
    assert not_refused(merchant, goods(price="10.00", stock=5), cases) == []


def test_goods_are_not_sent_where_the_merchant_ticks(merchant):
    product = goods()
    save(merchant, product, excluded_zones=["cn", "overseas"])
    product.refresh_from_db()
    assert product.excluded_zones == ["cn", "overseas"]


def test_a_service_keeps_its_terms(merchant):
    product = service()
    assert "A consulting service needs its terms" in errors_of(
        save(merchant, product, **{"service_terms-0-DELETE": "on"})
    )


def test_choices_are_written_one_a_line(merchant):
    seed()
    product = Product.objects.get(code="SV4")
    assert "move | 入伙 | Moving in" in merchant.get(change_url(product)).content.decode()
    save(merchant, product, **{"questions-0-choices": "a | 甲 | First\n\nb | 乙 | Second\n"})
    assert product.questions.first().choices == [
        {"value": "a", "zh_hant": "甲", "en": "First"},
        {"value": "b", "zh_hant": "乙", "en": "Second"},
    ]


def test_a_question_that_cannot_be_asked_is_refused(merchant):
    cases = [
        ({"questions-0-choices": "only one part"}, "One choice a line"),
        ({"questions-0-choices": ""}, "Please list the answers to choose from."),
        ({"questions-0-pattern": "[a-"}, "This is not a regular expression"),
    ]
    seed()
    product = Product.objects.get(code="SV4")
    product.questions.exclude(pk=product.questions.first().pk).delete()  # a short page
    assert not_refused(merchant, product, cases) == []


def test_the_list_answers_the_merchants_questions(merchant):
    answers = {
        "stock=out": {"INC-006"},
        "stock=low": {"STU-004", "BOO-004", "HOM-001", "HOM-003"},
        "translation=missing_en": {"BOO-003"},
        "translation=missing_zh": set(),
        "q=HOM-001-S": {"HOM-001"},
        "q=葫蘆": {"HOM-001"},
    }
    seed()
    url = reverse("admin:catalog_product_changelist")
    listed = {query: merchant.get(f"{url}?{query}").context["cl"].result_list for query in answers}
    assert {query: {product.code for product in products} for query, products in listed.items()} == answers


def test_the_list_asks_the_database_little(merchant, django_assert_max_num_queries):
    seed()
    with django_assert_max_num_queries(10):
        page = merchant.get(reverse("admin:catalog_product_changelist")).content.decode()
    assert "HK$258.00 – HK$558.00" in page


def test_the_other_pages_of_the_admin_open(merchant):
    seed()
    for name in ("catalog_product_add", "catalog_category_changelist", "catalog_category_add"):
        assert merchant.get(reverse(f"admin:{name}")).status_code == 200
