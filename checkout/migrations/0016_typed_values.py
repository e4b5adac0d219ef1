"""The extension of a telephone number; e-mail addresses in the form in which they are compared."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import migrations, models

from shop.typed_values.email_addresses import normalise


def normalise_addresses(apps, schema_editor):
    """Only what becomes another valid address is written; nothing else of the row is touched."""
    orders = apps.get_model("checkout", "Order").objects
    for pk, email in orders.exclude(email="").values_list("pk", "email").iterator():
        normal = normalise(email)
        if normal != email and len(normal) <= 254 and _is_valid(normal):
            orders.filter(pk=pk, email=email).update(email=normal)


def _is_valid(email):
    try:
        validate_email(email)
    except ValidationError:
        return False
    return True


class Migration(migrations.Migration):
    dependencies = [("checkout", "0015_ended_grants")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="phone_extension",
            field=models.CharField(blank=True, max_length=10, verbose_name="extension"),
        ),
        migrations.RunPython(normalise_addresses, migrations.RunPython.noop, elidable=True),
    ]
