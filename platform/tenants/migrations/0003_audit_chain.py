"""The audit becomes a chain, and the database itself refuses to change it."""

import django.db.models.deletion
from django.db import migrations, models

# On SQLite the tests empty tables by DELETE, and so may an operator who owns the file: only changes are refused there.
# On PostgreSQL they TRUNCATE, which no row's trigger sees.
POSTGRESQL = [
    """
    CREATE FUNCTION refuse_to_change_the_audit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'what the audit says is never changed or taken out'; END $$
    """,
    """
    CREATE TRIGGER audit_is_only_added_to BEFORE UPDATE OR DELETE ON tenants_auditevent
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_the_audit()
    """,
]
SQLITE = [
    """
    CREATE TRIGGER audit_is_only_added_to BEFORE UPDATE ON tenants_auditevent
    BEGIN SELECT RAISE(ABORT, 'what the audit says is never changed'); END
    """
]
UNDO = {
    "postgresql": [
        "DROP TRIGGER audit_is_only_added_to ON tenants_auditevent",
        "DROP FUNCTION refuse_to_change_the_audit",
    ],
    "sqlite": ["DROP TRIGGER audit_is_only_added_to"],
}


def refuse_changes(apps, schema_editor):
    """Let the database refuse."""
    for statement in {"postgresql": POSTGRESQL, "sqlite": SQLITE}[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def allow_changes(apps, schema_editor):
    """Let the database allow it again."""
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_tenancy")]

    operations = [
        migrations.CreateModel(
            name="AuditChain",
            fields=[
                (
                    "owner",
                    models.CharField(
                        help_text="A tenant's id; empty: without a tenant.",
                        max_length=40,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.PositiveBigIntegerField(default=0, help_text="How many rows there are.")),
                ("digest", models.CharField(blank=True, help_text="The last one's.", max_length=64)),
                (
                    "tenant",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="auditevent",
            name="number",
            field=models.PositiveBigIntegerField(default=0, help_text="Its place in the tenant's audit, from 1."),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="auditevent",
            constraint=models.UniqueConstraint(fields=("tenant", "number"), name="one_audit_event_per_place"),
        ),
        migrations.RunPython(refuse_changes, allow_changes),
    ]
