"""What the merchant can do to the catalogue, and what the forms do not let happen."""

import pytest
from django.db.models import F
from django.urls import reverse

from catalog.models import Category, IntakeQuestion, Product, Variant
from catalog.seeding import seed
from shop import clock

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


def test_a_product_may_have_more_fields_than_a_stranger_would_ever_send(merchant):
    product = service()
    IntakeQuestion.objects.bulk_create(
        IntakeQuestion(
            product=product, key=f"q{number}", kind="text", position=number, label_zh_hant="問", label_en="Q"
        )
        for number in range(80)
    )
    assert len(fields_of(merchant, change_url(product))) > 1000
    response = save(merchant, product, name_en="A long form")
    assert response.status_code == 302, errors_of(response)
    product.refresh_from_db()
    assert (product.name_en, product.questions.count()) == ("A long form", 80)


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


def test_a_page_that_was_open_for_long_overwrites_nobody(merchant):
    product = goods(price="168.00")
    url = change_url(product)
    fields = fields_of(merchant, url) | {"seen_row": merchant.get(url).context["seen_row"]}
    Variant.objects.update(on_hand=F("on_hand") - 1, reserved=1)  # a sale is no change of the page
    assert merchant.post(url, {**fields, "text_en": "First words"}).status_code == 302
    fields = fields_of(merchant, url) | {"seen_row": merchant.get(url).context["seen_row"]}
    save(merchant, product, **{"variants-0-price": "188.00"})  # a colleague, or another tab
    stale = merchant.post(url, {**fields, "text_en": "Words of an hour"})
    assert "was saved by admin since you opened it" in errors_of(stale)
    assert "Price" in errors_of(stale)  # what the colleague changed
    assert "Words of an hour" in stale.content.decode()
    assert str(only_variant(product).price) == "188.00"
    again = {**fields, "text_en": "Words of an hour", "seen_row": stale.context["seen_row"]}
    assert merchant.post(url, again).status_code == 302
    assert str(only_variant(product).price) == "168.00"  # by decision now


def test_a_list_that_was_open_for_long_moves_what_was_typed_alone(merchant):
    seed()
    url = reverse("admin:catalog_category_changelist")
    forms = merchant.get(url).context["cl"].formset
    fields = {f"initial-{form.add_prefix('position')}": form["position"].value() for form in forms}
    fields |= {form.add_prefix(name): form[name].value() for form in forms for name in ("id", "position")}
    fields |= {bound.html_name: bound.value() for bound in forms.management_form}
    first, second = (form.instance for form in list(forms)[:2])
    Category.objects.filter(pk=first.pk).update(position=99)  # a colleague
    second_name = list(forms)[1].add_prefix("position")
    assert merchant.post(url, {**fields, second_name: "7", "_save": "Save"}).status_code == 302
    assert [Category.objects.get(pk=each.pk).position for each in (first, second)] == [99, 7]


def test_codes_are_kept_in_one_spelling(merchant):
    """Labels and suppliers' lists write them in capitals; TEA–001 and ｔｅａ-001 are no others."""
    goods(code="TEA-002")
    product = goods(code="TEA-001")
    for typed in ("tea-003", "ＴＥＡ－００３", " TEA–003 "):
        save(merchant, product, **{"variants-0-sku": typed, "code": typed})
        product.refresh_from_db()
        assert (product.code, only_variant(product).sku) == ("TEA-003", "TEA-003")
    response = save(merchant, product, **{"variants-0-sku": "tea–002-1"})
    assert "already exists" in errors_of(response)


def test_the_name_in_the_address_is_read_or_told_with_an_example(merchant):
    product = goods()
    for typed in ("Wuyi Rougui Oolong", "/en/product/wuyi-rougui-oolong/", "wuyi–rougui　oolong-"):
        assert save(merchant, product, slug=typed).status_code == 302
        product.refresh_from_db()
        assert product.slug == "wuyi-rougui-oolong"
    response = save(merchant, product, slug="武夷岩茶")
    assert "“武夷岩茶” cannot stand in an address" in errors_of(response)
    assert "for example wuyi-rougui-oolong" in errors_of(response)


def test_what_the_table_refuses_is_told_at_its_field(merchant):
    product = goods()
    response = save(merchant, product, **{"variants-0-price": "168", "variants-0-was_price": "100"})
    assert [list(inline.formset.errors[0]) for inline in response.context["inline_admin_formsets"][:1]] == [
        ["was_price"]
    ]
    page = merchant.post(
        reverse("admin:catalog_absence_add"), {"starts_on": "2026-12-20", "ends_on": "2026-12-10"}
    )
    assert list(page.context["adminform"].form.errors) == ["ends_on"]


def test_a_weight_may_have_its_unit(merchant):
    product = goods()
    save(merchant, product, **{"variants-0-weight_g": "500 g"})
    assert only_variant(product).weight_g == 500
    response = save(merchant, product, **{"variants-0-weight_g": "0.5kg"})
    assert "“0.5kg” is no whole number" in errors_of(response)


def test_goods_are_not_promised_for_a_wrong_year(merchant):
    product = goods()
    response = save(merchant, product, available_from=f"{clock.today().year + 20}-12-01")
    assert "is more than a year away. Please check the year." in errors_of(response)
    assert save(merchant, product, available_from="2020-12-01").status_code == 302


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
