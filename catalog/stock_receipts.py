"""Stock that changes outside orders: every change of ``on_hand`` here has a row that says why."""

from collections.abc import Iterable

from django.db.models import F

from shop import clock

from .models import StockReceipt, Variant

Kind = StockReceipt.Kind


def book(variants: Iterable[Variant], *, by: str = "", note: str = "") -> None:
    """Write down what new variants begin with. Part of the transaction that makes them."""
    StockReceipt.objects.bulk_create(
        _receipt(variant.pk, variant.on_hand, by, note) for variant in variants if variant.on_hand
    )


def change(variant: Variant, quantity: int, *, by: str, note: str = "") -> None:
    """Add to the shelf, or take away. The caller's transaction holds the variant's lock."""
    Variant.objects.filter(pk=variant.pk).update(on_hand=F("on_hand") + quantity)
    _receipt(variant.pk, quantity, by, note).save()


def put_right(variant: Variant, quantity: int, *, by: str, note: str) -> None:
    """Correct the books alone: the shelf was counted, and ``on_hand`` says what is there."""
    StockReceipt.objects.create(
        variant=variant, kind=Kind.CORRECT, quantity=quantity, at=clock.now(), by=by, note=note
    )


def _receipt(variant_id: int, quantity: int, by: str, note: str) -> StockReceipt:
    kind = Kind.RECEIVE if quantity > 0 else Kind.CORRECT
    return StockReceipt(variant_id=variant_id, kind=kind, quantity=quantity, at=clock.now(), by=by, note=note)
