"""The demo's promo codes: only what is missing is made, for a merchant may have changed the others since."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction

from catalog.models import Product
from checkout.models import Promotion

TEAS = ["TEA-001", "TEA-002", "TEA-003", "TEA-004"]

# (values, codes of what it applies to)
PROMOTIONS: list[tuple[dict[str, Any], list[str]]] = [
    (
        {
            "code": "WELCOME10",
            "name_zh_hant": "首次訂購商品九折",
            "name_en": "10 % off products of your first order",
            "kind": Promotion.Kind.PERCENT,
            "percent": 10,
            "scope": Promotion.Scope.GOODS,
            "first_order_only": True,
        },
        [],
    ),
    (
        {
            "code": "TEA3",
            "name_zh_hant": "茶葉滿三件八五折",
            "name_en": "15 % off three teas or more",
            "kind": Promotion.Kind.PERCENT,
            "percent": 15,
            "scope": Promotion.Scope.NAMED,
            "minimum_quantity": 3,
        },
        TEAS,
    ),
    (
        {
            "code": "SV-EARLY",
            "name_zh_hant": "2027年流年規劃早訂優惠",
            "name_en": "Early order of the 2027 outlook",
            "kind": Promotion.Kind.AMOUNT,
            "amount": Decimal(200),
            "scope": Promotion.Scope.NAMED,
            "valid_until": dt.date(2026, 12, 31),
        },
        ["SV2"],
    ),
]


@transaction.atomic
def create_missing() -> int:
    """Create the promotions that are missing; returns their number."""
    created = 0
    for values, codes in PROMOTIONS:
        promotion, is_new = Promotion.objects.get_or_create(code=values["code"], defaults=values)
        if is_new:
            promotion.products.set(Product.objects.filter(code__in=codes))
            created += 1
    return created
