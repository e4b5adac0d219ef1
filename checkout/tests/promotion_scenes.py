"""Promo codes, carts that hold one, and how often one is used."""

from checkout.models import Promotion

from .scenes import make_cart

Kind, Scope = Promotion.Kind, Promotion.Scope


def make_promotion(code="TEST10", *, products=(), **fields):
    values = {"name_zh_hant": "測試優惠", "name_en": "Test offer", "kind": Kind.PERCENT} | fields
    if values["kind"] == Kind.PERCENT:
        values.setdefault("percent", 10)
    promotion = Promotion(code=code, **values)
    promotion.full_clean()
    promotion.save()
    promotion.products.set([variant.product for variant in products])
    return promotion


def coded(code, *things):
    cart = make_cart(*things)
    cart.promo_code = code
    return cart


def used(promotion):
    return promotion.redemptions.filter(released_at=None).count()
