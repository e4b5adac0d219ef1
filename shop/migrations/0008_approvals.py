
import shop.crypto
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shop', '0007_second_factors'),
    ]

    operations = [
        migrations.CreateModel(
            name='ApprovalRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=80, unique=True)),
                ('kind', models.CharField(max_length=20, verbose_name='what')),
                ('order_number', models.CharField(max_length=20, verbose_name='order')),
                ('payload', shop.crypto.EncryptedJSONField(default=dict)),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('approved', 'approved'), ('declined', 'declined'), ('taken_back', 'taken back'), ('void', 'not possible any more'), ('expired', 'expired')], default='waiting', max_length=12, verbose_name='state')),
                ('asked_by', models.CharField(max_length=150, verbose_name='asked by')),
                ('asked_at', models.DateTimeField(verbose_name='asked at')),
                ('expires_at', models.DateTimeField(verbose_name='until')),
                ('decided_by', models.CharField(blank=True, max_length=150, verbose_name='decided by')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='reason')),
            ],
            options={
                'verbose_name': 'approval',
                'verbose_name_plural': 'approvals',
                'ordering': ['-asked_at'],
                'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['expires_at'], name='approvals_that_wait')],
            },
        ),
    ]
