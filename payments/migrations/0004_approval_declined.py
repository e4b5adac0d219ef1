from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def mark_declined(apps: Apps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What waits for a newer approval today must not be captured upon the one that was declined."""
    waiting = apps.get_model("payments", "Payment").objects.filter(method="paypal", status="awaiting")
    issues = ["INSTRUMENT_DECLINED", "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING"]
    waiting.filter(problem__in=issues).update(approval_declined_at=models.F("started_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0003_one_dispute_about_several_payments"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="approval_declined_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="approval declined at"),
        ),
        migrations.RunPython(mark_declined, migrations.RunPython.noop),
    ]
