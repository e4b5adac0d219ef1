from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('checkout', '0021_whence_uploads_come'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='refunded_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
