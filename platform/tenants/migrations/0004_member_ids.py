"""Members get ids like everything else: unguessable, and in the order in which they joined."""

from functools import partial
from typing import Any

from django.db import migrations, models

import tenants.time_zones
from wire.ids import new_id


def give_ids(apps: Any, schema_editor: Any) -> None:
    """Replace the numbers, which nothing refers to."""
    memberships = apps.get_model("tenants", "Membership").objects
    for number in memberships.order_by("created_at").values_list("pk", flat=True):
        memberships.filter(pk=number).update(id=new_id("mem"))


class Migration(migrations.Migration):
    """Members' ids, and time zones that exist."""

    dependencies = [("tenants", "0003_audit_chain")]

    operations = [
        migrations.AlterField(
            "membership",
            "id",
            models.CharField(
                default=partial(new_id, *("mem",)), editable=False, max_length=40, primary_key=True, serialize=False
            ),
        ),
        migrations.RunPython(give_ids),
        migrations.AlterField(
            "tenant",
            "time_zone",
            models.CharField(
                default="UTC",
                help_text="In which its days begin.",
                max_length=60,
                validators=[tenants.time_zones.is_time_zone],
                verbose_name="time zone",
            ),
        ),
    ]
