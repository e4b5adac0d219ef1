"""Small shelves for tests: one product with just what a test is about."""

from decimal import Decimal
from itertools import count

from catalog import stock_receipts
from catalog.models import Category, Product, ServiceTerms, Variant

numbers = count(1)


def goods(*, price="10.00", stock=10, variants=1, **fields):
    """Goods with that many variants of equal price and stock."""
    product = _product(Product.Kind.GOODS, **fields)
    for place in range(1, variants + 1):
        names = {"name_zh_hant": f"款{place}", "name_en": f"Kind {place}"} if variants > 1 else {}
        Variant.objects.create(
            product=product,
            sku=f"{product.code}-{place}",
            price=Decimal(price),
            on_hand=stock,
            weight_g=100,
            position=place,
            **names,
        )
    stock_receipts.book(product.variants.all())
    return product


def service(*, price="500.00", max_subjects=3, **fields):
    product = _product(Product.Kind.SERVICE, ships=False, **fields)
    ServiceTerms.objects.create(
        product=product,
        working_days=7,
        unit_zh_hant="人",
        unit_en="person",
        max_subjects=max_subjects,
        capacity_per_week=5,
        included_zh_hant="一份報告",
        included_en="One report",
    )
    Variant.objects.create(product=product, sku=product.code, price=Decimal(price), tracks_stock=False)
    return product


def only_variant(product):
    return product.variants.get()


def _product(kind, **fields):
    number = next(numbers)
    category, _ = Category.objects.get_or_create(
        slug="tea", defaults={"name_zh_hant": "茶與茶器", "name_en": "Tea & teaware"}
    )
    defaults = {
        "code": f"X-{number}",
        "slug": f"x-{number}",
        "name_zh_hant": f"物件{number}",
        "name_en": f"Thing {number}",
        "text_zh_hant": "一句話。",
        "text_en": "One sentence.",
        "art": "img/products/TEA-001.svg",
        "category": category,
    }
    return Product.objects.create(kind=kind, **(defaults | fields))
