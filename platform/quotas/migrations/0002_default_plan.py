"""Make the plan of tenants that have none of their own, so generous that nobody meets a limit by playing."""

from typing import Any

from django.db import migrations

LIMITS = {
    "images_per_day": 100_000,
    "queued_jobs": 500,
    "storage_bytes": 200_000_000_000,
    "loras": 1000,
    "requests_per_minute": 6000,
}


def make_default_plan(apps: Any, schema_editor: Any) -> None:
    """Insert it, unless there is one."""
    plans = apps.get_model("quotas", "Plan").objects
    if not plans.filter(is_default=True).exists():
        plans.create(name="Default", is_default=True, **LIMITS)


class Migration(migrations.Migration):
    """One row."""

    dependencies = [("quotas", "0001_initial")]
    operations = [migrations.RunPython(make_default_plan, migrations.RunPython.noop)]
