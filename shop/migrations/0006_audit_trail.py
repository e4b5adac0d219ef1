from django.db import migrations, models

REFUSED = "the audit trail is only added to"
KEYS = {"shop_auditentry": "id", "shop_auditlink": "number"}
FORGOTTEN = {
    "shop_auditentry": "EXISTS (SELECT 1 FROM shop_auditcutoff WHERE OLD.at < before)",
    "shop_auditlink": "EXISTS (SELECT 1 FROM shop_auditcutoff)",
}


def refuse_changes(apps, schema_editor):
    """By triggers: an UPDATE, and a DELETE without a cut-off, whoever sends it."""
    statements = POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE
    for table, is_forgotten in FORGOTTEN.items():
        for statement in statements:
            facts = {"table": table, "key": KEYS[table], "is_forgotten": is_forgotten, "refused": REFUSED}
            schema_editor.execute(statement.format(**facts))


def let_go(apps, schema_editor):
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for table in FORGOTTEN:
        for name in ("keep", "keep_all") if is_postgresql else ("keep_update", "keep_delete", "keep_replace"):
            on = f" ON {table}" if is_postgresql else ""
            schema_editor.execute(f"DROP TRIGGER {table}_{name}{on}")
        if is_postgresql:
            schema_editor.execute(f"DROP FUNCTION {table}_keep()")


POSTGRESQL = [
    """CREATE FUNCTION {table}_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF {is_forgotten} THEN RETURN OLD; END IF;
        END IF;
        RAISE EXCEPTION '{refused}';
    END $$""",
    """CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_keep()""",
    """CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_keep()""",
]
SQLITE = [
    """CREATE TRIGGER {table}_keep_update BEFORE UPDATE ON {table}
    BEGIN SELECT RAISE(ABORT, '{refused}'); END""",
    """CREATE TRIGGER {table}_keep_delete BEFORE DELETE ON {table} WHEN NOT {is_forgotten}
    BEGIN SELECT RAISE(ABORT, '{refused}'); END""",
    """CREATE TRIGGER {table}_keep_replace BEFORE INSERT ON {table}
    WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})
    BEGIN SELECT RAISE(ABORT, '{refused}'); END""",
]


class Migration(migrations.Migration):
    dependencies = [
        ('shop', '0005_shares_and_leases'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditCutoff',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('before', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AuditLink',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('entry_id', models.BigIntegerField(unique=True)),
                ('digest', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('actor', models.CharField(blank=True, max_length=150, verbose_name='who')),
                ('session', models.CharField(blank=True, max_length=16, verbose_name='session')),
                ('network', models.CharField(blank=True, max_length=45, verbose_name='network address')),
                ('request_id', models.CharField(blank=True, max_length=12, verbose_name='request')),
                ('deed', models.CharField(choices=[('look', 'looked at a page'), ('list', 'looked at a list'), ('search', 'searched a list'), ('sent', 'sent a form'), ('denied', 'was refused'), ('sign_in', 'signed in'), ('sign_in_failed', 'sign-in failed'), ('sign_out', 'signed out'), ('account', 'account changed'), ('permissions', 'groups or permissions changed'), ('refund', 'asked for a refund'), ('key', 'order key sent, replaced or revoked'), ('mailbox', 'order given to another mailbox'), ('retry', 'message sent to be delivered again'), ('gateway', 'gateway asked'), ('export', 'data taken out'), ('requested', 'asked a colleague to approve'), ('approved', 'approved'), ('declined', 'declined')], max_length=20, verbose_name='deed')),
                ('page', models.CharField(blank=True, max_length=100, verbose_name='page')),
                ('subject', models.CharField(blank=True, max_length=60, verbose_name='kind of object')),
                ('subject_id', models.CharField(blank=True, max_length=40, verbose_name='object')),
                ('order_number', models.CharField(blank=True, max_length=20, verbose_name='order')),
                ('status', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='answer')),
                ('detail', models.CharField(blank=True, max_length=300, verbose_name='details')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit trail',
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['at'], name='audit_by_time'), models.Index(fields=['actor', 'at'], name='audit_by_person'), models.Index(fields=['order_number', 'at'], name='audit_by_order'), models.Index(fields=['deed', 'at'], name='audit_by_deed')],
            },
        ),
        migrations.RunPython(refuse_changes, let_go),
    ]
