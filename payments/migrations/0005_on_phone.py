from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0004_approval_declined"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="on_phone",
            field=models.BooleanField(default=False, editable=False, verbose_name="begun on a telephone"),
        ),
    ]
