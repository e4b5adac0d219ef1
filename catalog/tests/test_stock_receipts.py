"""What comes in and goes out besides orders: each change is a row, and the rows add up to the shelf."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, Sum
from django.urls import reverse

from catalog.models import Product, StockReceipt, Variant
from catalog.seeding import seed

from .scenes import errors_of, save
from .shelf import goods, only_variant

pytestmark = pytest.mark.django_db


def receipts(variant):
    return [
        (receipt.kind, receipt.quantity, receipt.by, receipt.note)
        for receipt in variant.receipts.order_by("pk")
    ]


def test_a_seeded_shelf_has_its_opening_balance_once():
    for _ in range(2):
        seed()
    for variant in Variant.objects.annotate(received=Sum("receipts__quantity")):
        assert variant.on_hand == (variant.received or 0), variant
    assert StockReceipt.objects.count() == Variant.objects.filter(on_hand__gt=0).count()


def test_a_difference_typed_by_the_merchant_is_a_row_with_name_and_reason(merchant):
    variant = only_variant(goods(stock=5))
    save(
        merchant,
        variant.product,
        **{"variants-0-stock_change": "20", "variants-0-stock_note": "delivery 118"},
    )
    save(merchant, variant.product, **{"variants-0-stock_change": "-3", "variants-0-stock_note": "broken"})
    save(merchant, variant.product, **{"variants-0-price": "12.00"})
    assert receipts(variant) == [
        ("receive", 5, "", ""),
        ("receive", 20, "admin", "delivery 118"),
        ("correct", -3, "admin", "broken"),
    ]
    variant.refresh_from_db()
    assert variant.on_hand == 22


def test_a_new_variant_begins_with_a_row(merchant):
    product = goods(stock=5)
    fields = {
        "variants-TOTAL_FORMS": "2",
        "variants-1-sku": "NEW",
        "variants-1-price": "3.00",
        "variants-1-weight_g": "1",
        "variants-1-position": "2",
        "variants-1-tracks_stock": "on",
        "variants-1-stock_change": "7",
        "variants-1-product": str(product.pk),
    }
    assert save(merchant, product, **fields).status_code == 302
    assert receipts(Variant.objects.get(sku="NEW")) == [("receive", 7, "admin", "")]


def test_a_refused_correction_leaves_no_row(merchant):
    variant = only_variant(goods(stock=5))
    Variant.objects.update(reserved=3)
    answer = save(merchant, variant.product, **{"variants-0-stock_change": "-3"})
    assert "More is reserved for open orders than would be left." in errors_of(answer)
    assert receipts(variant) == [("receive", 5, "", "")]


@pytest.mark.failure("F58")
def test_the_database_itself_refuses_a_shelf_below_what_is_reserved():
    variant = only_variant(goods(stock=5))
    Variant.objects.update(reserved=3)
    with pytest.raises(IntegrityError, match="reserved_within_on_hand"), transaction.atomic():
        Variant.objects.filter(pk=variant.pk).update(on_hand=F("on_hand") - 3)


@pytest.mark.parametrize(("kind", "quantity"), [("receive", 0), ("receive", -1), ("correct", 0)])
def test_a_row_that_moves_nothing_or_the_wrong_way_is_refused(kind, quantity):
    variant = only_variant(goods())
    with pytest.raises(IntegrityError, match="receipt_moves_something"), transaction.atomic():
        StockReceipt.objects.create(variant=variant, kind=kind, quantity=quantity, at="2026-11-23T00:00:00Z")


def test_what_was_never_ordered_can_still_be_deleted_with_its_rows(merchant):
    product = goods(stock=5)
    url = reverse("admin:catalog_product_delete", args=[product.pk])
    assert merchant.post(url, {"post": "yes"}).status_code == 302
    assert not Product.objects.filter(pk=product.pk).exists()
    assert not StockReceipt.objects.exists()


def test_rows_are_to_look_at(merchant):
    receipt = only_variant(goods(stock=5)).receipts.get()
    page = merchant.get(reverse("admin:catalog_stockreceipt_changelist"))
    assert receipt.variant.sku in page.content.decode()
    assert merchant.get(reverse("admin:catalog_stockreceipt_add")).status_code == 403
    url = reverse("admin:catalog_stockreceipt_change", args=[receipt.pk])
    assert 'name="_save"' not in merchant.get(url).content.decode()
    assert merchant.post(url, {"quantity": "9"}).status_code == 403
    assert (
        merchant.post(reverse("admin:catalog_stockreceipt_delete", args=[receipt.pk]), {"post": "yes"})
    ).status_code == 403
