"""The demo catalogue is complete, and seeding it again leaves a merchant's changes alone."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.forms import model_to_dict

from catalog.models import Category, IntakeQuestion, Product, ServiceTerms, Variant

pytestmark = pytest.mark.django_db
TABLES = (Category, Product, Variant, ServiceTerms, IntakeQuestion)


@pytest.fixture(autouse=True)
def seeded():
    seed()


def seed():
    out = StringIO()
    call_command("seed_catalog", stdout=out)
    return out.getvalue()


def rows():
    return [(table.__name__, model_to_dict(row)) for table in TABLES for row in table.objects.order_by("pk")]


def test_there_are_eight_categories_thirty_six_goods_and_six_services():
    kinds = Product.objects.values_list("kind", flat=True)
    assert Category.objects.count() == 8
    assert [list(kinds).count(kind) for kind in ("goods", "service")] == [36, 6]


def test_seeding_again_changes_nothing():
    before = rows()
    assert seed().count("\n") == 1
    assert rows() == before


def test_a_merchants_price_and_name_survive_seeding():
    Variant.objects.filter(sku="TEA-001").update(price=Decimal("99.00"))
    Product.objects.filter(code="SV2").update(name_en="Yearly report")
    seed()
    assert Variant.objects.get(sku="TEA-001").price == Decimal("99.00")
    assert Product.objects.get(code="SV2").name_en == "Yearly report"


def test_what_was_deleted_comes_back():
    Product.objects.get(code="GIF-003").delete()
    seed()
    assert Variant.objects.get(product__code="GIF-003").on_hand == 16


def test_everything_is_named_in_both_languages():
    for thing in (*Product.objects.all(), *Category.objects.all()):
        assert thing.name_zh_hant
        assert thing.name_en
    for product in Product.objects.exclude(code="BOO-003"):
        assert product.text_zh_hant
        assert product.text_en
        assert product.art_title_zh_hant
        assert product.art_title_en


@pytest.mark.parametrize(
    ("sku", "price", "on_hand"),
    [
        ("TEA-006", "219.00", 18),
        ("HOM-001-S", "258.00", 4),
        ("HOM-001-L", "558.00", 2),
        ("STU-004", "680.00", 1),
        ("INC-006", "88.00", 0),
        ("SV1", "2880.00", 0),
        ("SV6", "1980.00", 0),
    ],
)
def test_prices_and_stock_are_those_of_the_price_list(sku, price, on_hand):
    variant = Variant.objects.get(sku=sku)
    assert (variant.price, variant.on_hand) == (Decimal(price), on_hand)


def test_every_service_has_terms_questions_and_no_stock():
    for service in Product.objects.filter(kind=Product.Kind.SERVICE):
        assert service.terms is not None
        assert service.terms.included_zh_hant.count("\n") == service.terms.included_en.count("\n")
        assert service.questions.filter(is_required=True).exists()
        assert not service.ships
        assert not service.variants.get().tracks_stock


def test_every_choice_question_has_choices_and_every_row_would_pass_the_admin():
    for question in IntakeQuestion.objects.all():
        assert bool(question.choices) == (question.kind in ("choice", "multi")), question.key
    for table in TABLES:
        for row in table.objects.all():
            row.full_clean()
