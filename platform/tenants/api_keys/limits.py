"""To which checkpoints and LoRAs can a key be limited? To those that its maker may use.

The platform knows neither: settings name who tells what there is (`KEY_LIMITS`), by dotted name.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from django.conf import settings
from django.utils.module_loading import import_string

from tenants.callers import Caller
from wire.errors import ApiError

Kind = Literal["checkpoints", "loras"]
KINDS: tuple[Kind, ...] = ("checkpoints", "loras")
NOT_FOUND: dict[Kind, str] = {"checkpoints": "model_not_found", "loras": "lora_not_found"}
MOST = 100  # entries of one key's list

# What there is for a caller, as (id, name): all of it by name, or of these ids alone.
Offers = Callable[[Caller, Sequence[str] | None], list[tuple[str, str]]]


def offered(kind: Kind, caller: Caller, ids: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Return the ids and names of what the caller may use, by name; of these ids alone if there are any."""
    offers: Offers = import_string(settings.KEY_LIMITS[kind])
    return offers(caller, ids)


def check_limit(kind: Kind, caller: Caller, ids: Sequence[str] | None) -> None:
    """Raise ApiError unless the caller may give a key this list; None is no limit."""
    if ids is None:
        check_within(kind, caller, None)
        return
    known = {known_id for known_id, _ in offered(kind, caller, ids)}
    for place, each in enumerate(ids):
        if each not in known:
            message = f"There is nothing under that id. See GET /api/v1/{kind}."
            raise ApiError(404, NOT_FOUND[kind], message, param=f"{kind}[{place}]")


def check_within(kind: Kind, caller: Caller, ids: Sequence[str] | None) -> None:
    """Raise ApiError where this list, or none, allows what the caller's own key does not."""
    own = getattr(caller, kind)
    if own is not None and (ids is None or not set(ids) <= set(own)):
        message = f"The key you came with is limited to some {kind}, and so is every key that it makes: name them."
        raise ApiError(403, "model_not_allowed", message, param=kind)
