from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0007_what_is_kept_of_refused_notices"),
    ]

    operations = [
        migrations.AddField(
            model_name="refundline",
            name="withdrawn",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
    ]
