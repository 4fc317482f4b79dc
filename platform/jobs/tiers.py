"""In which order does a tenant get what it waits for? By tier, then what would be late, then as it was asked."""

from collections.abc import Set
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, F, IntegerField, OrderBy, Q, Value, When
from django.utils import timezone

from jobs.models import Tier

# Flex that has waited for so long counts as standard.
RANKS = {Tier.INTERACTIVE: 0, Tier.STANDARD: 1, Tier.FLEX: 2}
NEVER = datetime.max.replace(tzinfo=UTC)


def aged_before() -> datetime:
    """Return since when a flex job must have waited to count as a standard one."""
    return timezone.now() - timedelta(seconds=settings.FLEX_WAIT_SECONDS)


def rank_of(tier: str, created_at: datetime) -> int:
    """Return how many tiers go before a job of this one, asked for then."""
    rank = RANKS[Tier(tier)]
    return RANKS[Tier.STANDARD] if tier == Tier.FLEX and created_at < aged_before() else rank


def rank() -> Case:
    """Return `rank_of` as the database says it."""
    return Case(
        When(tier=Tier.INTERACTIVE, then=Value(RANKS[Tier.INTERACTIVE])),
        When(Q(tier=Tier.FLEX) & Q(created_at__gte=aged_before()), then=Value(RANKS[Tier.FLEX])),
        default=Value(RANKS[Tier.STANDARD]),
        output_field=IntegerField(),
    )


def late_before(waiting_ms: float, tenants: int) -> datetime:
    """Return by when a tenant's job must be wanted to be late if it came last of all that the tenant waits for, while
    so many tenants have something waiting."""
    return timezone.now() + timedelta(seconds=waiting_ms / 1000 * tenants)


def order(late_before: datetime, resident: Set[str] = frozenset()) -> list[Any]:
    """Return by what one tenant's waiting jobs are sorted: by how many workers died, by tier, then those that could not
    be last, then by weights, then as asked."""
    late = Case(When(finish_by__lt=late_before, then=F("finish_by")))
    absent = Case(When(affinity__in=sorted(resident), then=Value(0)), default=Value(1))
    return ["crashes", rank(), OrderBy(late, nulls_last=True), *([absent] if resident else []), "pk"]


def order_of(
    crashes: int, rank: int, finish_by: datetime | None, *, late_before: datetime
) -> tuple[int, int, datetime]:
    """Return what `order` looks at before weights and the order of asking, for one job."""
    return crashes, rank, finish_by if finish_by and finish_by < late_before else NEVER
