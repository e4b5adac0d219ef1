import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("checkout", "0018_corrected_parcels"),
        ("payments", "0005_on_phone"),
    ]

    operations = [
        migrations.CreateModel(
            name="ToldParcel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tracker", models.CharField(blank=True, max_length=100)),
                ("stamp", models.CharField(max_length=16)),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="told_parcels",
                        to="payments.payment",
                    ),
                ),
                (
                    "shipment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="told",
                        to="checkout.shipment",
                    ),
                ),
            ],
        ),
    ]
