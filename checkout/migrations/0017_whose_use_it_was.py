"""A use of a promo code keeps the address that it was made with."""

from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def copy_addresses(apps, schema_editor):
    order = apps.get_model("checkout", "Order").objects.filter(pk=OuterRef("order_id"))
    apps.get_model("checkout", "Redemption").objects.update(email=Subquery(order.values("email")[:1]))


class Migration(migrations.Migration):
    dependencies = [("checkout", "0016_typed_values")]

    operations = [
        migrations.AddField(
            model_name="redemption",
            name="email",
            field=models.EmailField(blank=True, default="", max_length=254),
            preserve_default=False,
        ),
        migrations.RunPython(copy_addresses, migrations.RunPython.noop, elidable=True),
    ]
