"""How is a tenant told that a limit is in its way? By name and value, when it clears, and what would pass."""

import math
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.template.defaultfilters import filesizeformat

from quotas.periods import Period
from wire.errors import ApiError

LARGEST = "GET /api/v1/usage/storage"
OPERATOR = "Ask the operator of this server for more"


@dataclass(frozen=True)
class Excess:
    """What was asked for beyond a limit, in the limit's own unit."""

    name: str
    limit: float
    used: float
    requested: float

    @property
    def left(self) -> float:
        """Return how much would pass now."""
        return max(0, self.limit - self.used)

    @property
    def facts(self) -> dict[str, Any]:
        """Return what programs are told; what is whole, as a whole number."""
        return {name: _whole(value) for name, value in asdict(self).items()}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def used_up(excess: Excess, plan: str, period: Period, now: datetime) -> ApiError:
    """Return the refusal of what is more than is left of a day or a month, in images or GPU-seconds."""
    in_images = excess.name.startswith("images")
    noun, verb = ("images", "asks for") if in_images else ("GPU-seconds", "may take")
    message = (
        f"Your limit is {rounded_down(excess.limit)} {noun} a {period.kind} (plan {plan}): "
        f"{rounded_up(excess.used)} are used or reserved, and this {verb} {rounded_up(excess.requested)}. "
        f"{_way_out(excess, in_images, period)}."
    )
    return ApiError(
        429,
        "insufficient_quota",
        message,
        limit=excess.facts | {"resets_at": f"{period.ends_at:%Y-%m-%dT%H:%M:%SZ}"},
        x_should_retry="false",
        retry_after=str(max(1, math.ceil((period.ends_at - now).total_seconds()))),
    )


def _way_out(excess: Excess, in_images: bool, period: Period) -> str:
    """Return the smallest change with which the request would pass."""
    fits_alone = excess.requested <= excess.limit
    left = rounded_down(excess.left)
    less = f"{left} {'image' if left == '1' else 'images'} instead of {rounded_up(excess.requested)}"
    if not in_images:
        less = f"what takes {left} at most, with fewer images, steps or pixels"
    if excess.limit == 0:
        return OPERATOR
    if left != "0":
        return f"Ask for {less}, or again after {period.end}" if fits_alone else f"Ask for {less}"
    return f"Ask again after {period.end}" + ("" if fits_alone else f", for {rounded_down(excess.limit)} at most")


def queue_full(excess: Excess, plan: str, retry_after: str) -> ApiError:
    """Return the refusal of more jobs than may wait; it clears as soon as some have started."""
    jobs = "1 job of yours" if excess.limit == 1 else f"{excess.limit:,} jobs of yours"
    way = f"Ask for {excess.left:,} instead of {excess.requested:,}, or again" if excess.left else "Ask again"
    message = (
        f"{jobs} may wait at a time (plan {plan}): {excess.used:,} do, and this asks for {excess.requested:,} more. "
        f"{way} when some have started."
    )
    return ApiError(429, "queue_full", message, limit=excess.facts | {"resets_at": None}, retry_after=retry_after)


def storage_full(excess: Excess, plan: str) -> ApiError:
    """Return the refusal of more files than a tenant may keep; it clears when some are deleted."""
    beyond = excess.used + excess.requested - excess.limit
    message = (
        f"You may keep {in_bytes(excess.limit)} here (plan {plan}) and have {in_bytes(excess.used)}. "
        f"Delete {beyond:,} {'byte' if beyond == 1 else 'bytes'} or more first: {LARGEST} lists the largest files."
    )
    return ApiError(403, "storage_quota_exceeded", message, limit=excess.facts | {"resets_at": None})


def no_place(excess: Excess, plan: str) -> ApiError:
    """Return the refusal of one LoRA more than a tenant may have; it clears when one is removed."""
    message = (
        f"You may have {excess.limit:,} LoRAs of your own (plan {plan}) and have {excess.used:,}. "
        "Remove one first, or give this file as the next version of one."
    )
    return ApiError(403, "lora_quota_exceeded", message, limit=excess.facts | {"resets_at": None})


def in_bytes(amount: float) -> str:
    """Return a size for people."""
    return str(filesizeformat(amount)).replace("\xa0", " ")


def rounded_up(amount: float) -> str:
    """Return an amount for people, to a tenth; never less than it is."""
    return _in_tenths(math.ceil(amount * 10))


def rounded_down(amount: float) -> str:
    """Return an amount for people, to a tenth; never more than it is."""
    return _in_tenths(math.floor(amount * 10))


def _in_tenths(tenths: int) -> str:
    whole, tenth = divmod(tenths, 10)
    return f"{whole:,}" + (f".{tenth}" if tenth else "")
