"""In which order does a tenant get what it waits for? By tier, then what would be late, then as it was asked."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, IntegerField, Q, Value, When
from django.utils import timezone

from jobs.models import Tier

# Flex that has waited for so long counts as standard.
RANKS = {Tier.INTERACTIVE: 0, Tier.STANDARD: 1, Tier.FLEX: 2}


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
