"""To what of the shelf can an API key be limited? To what its maker may use (`KEY_LIMITS` in the settings)."""

from collections.abc import Sequence

from loras.finding import usable_loras
from loras.models import Checkpoint
from tenants.callers import Caller

MOST = 500  # in a list to choose from


def checkpoints(caller: Caller, ids: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Return ids and names of the checkpoints, refiners among them; of these ids alone if there are any."""
    usable = Checkpoint.objects.usable_by(caller)
    found = usable if ids is None else usable.filter(pk__in=ids)
    return list(found.order_by("name").values_list("pk", "name")[:MOST])


def loras(caller: Caller, ids: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Return ids and names of the LoRAs; of these ids alone if there are any."""
    usable = usable_loras(caller)
    found = usable if ids is None else usable.filter(pk__in=ids)
    return list(found.order_by("name").values_list("pk", "name")[:MOST])
