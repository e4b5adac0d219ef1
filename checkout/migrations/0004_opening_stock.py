"""Give stock that came in before receipts were written an opening receipt, so that the books add up."""

from django.db import migrations
from django.db.models import Case, F, IntegerField, Sum, When
from django.utils import timezone


def open_books(apps, schema_editor):
    """What the columns say and the rows do not. Where they agree nothing is written."""
    Variant = apps.get_model("catalog", "Variant")
    StockReceipt = apps.get_model("catalog", "StockReceipt")
    StockMovement = apps.get_model("checkout", "StockMovement")
    sign = Case(When(kind="sell", then=-1), When(kind="return", then=1), default=0, output_field=IntegerField())
    moved = dict(
        StockMovement.objects.order_by().values_list("variant_id").annotate(total=Sum(F("quantity") * sign))
    )
    received = dict(StockReceipt.objects.order_by().values_list("variant_id").annotate(total=Sum("quantity")))
    missing = {
        pk: on_hand - moved.get(pk, 0) - received.get(pk, 0)
        for pk, on_hand in Variant.objects.order_by().values_list("pk", "on_hand")
    }
    StockReceipt.objects.bulk_create(
        StockReceipt(
            variant_id=pk,
            kind="receive" if quantity > 0 else "correct",
            quantity=quantity,
            at=timezone.now(),
            note="opening balance",
        )
        for pk, quantity in missing.items()
        if quantity
    )


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_stock_receipts"),
        ("checkout", "0003_movements_belong_to_orders"),
    ]

    operations = [migrations.RunPython(open_books, migrations.RunPython.noop, elidable=True)]
