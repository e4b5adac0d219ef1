from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0003_tries_by_all")]

    operations = [
        migrations.CreateModel(
            name="SentForm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=64, unique=True)),
                ("result", models.CharField(blank=True, max_length=500)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="given_up_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="given up at"),
        ),
        migrations.AddField(
            model_name="outboxmessage",
            name="concerns",
            field=models.CharField(blank=True, db_index=True, default="", max_length=20, verbose_name="order"),
            preserve_default=False,
        ),
    ]
