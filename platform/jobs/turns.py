"""Whose turn is it? Of the tenants that have something waiting and may start it, the one that was served least.

Flex lets everything else go first, until it has waited for long. What is resident goes before other weights among
tenants that were served about as much.
"""

from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from jobs.backlog import FLEX, Standing, standings
from jobs.models import Job, Status
from jobs.tiers import late_before, order

# A tenant whose weights are there may go first although it was served so much more: GPU-milliseconds by its weight.
SLACK_MS = 10_000.0


@dataclass(frozen=True)
class Claimant:
    """Who asks for a job: a worker, how many jobs of which tenants it holds, and which weights it would rather use."""

    worker: str
    held: Counter[str]
    resident: Set[str]

    @property
    def is_full(self) -> bool:
        """Return whether a further job comes on top of those that it usually holds."""
        return self.held.total() >= settings.JOBS_AT_ONCE


@dataclass(frozen=True)
class Turn:
    """A tenant that may start a job now, and those who would go first, could they use their turn."""

    standing: Standing
    idle: tuple[str, ...]
    late_before: datetime

    @property
    def tenant_id(self) -> str:
        """Return whose turn it is."""
        return self.standing.tenant_id


def turns(model: type[Job], claimant: Claimant) -> Iterator[Turn]:
    """Yield whose turn it is, and then who is next if it comes to nothing. Four queries, however many wait."""
    waiting = [standing for standing in standings(model).values() if standing.lines]
    tenants = len({other.tenant_id for other in waiting} | set(claimant.held))
    part = max(1, settings.JOBS_AT_ONCE // max(1, tenants))
    able = [standing for standing in waiting if _may_start(standing, claimant, part)]
    for standing in _in_order(able, claimant.resident):
        idle = tuple(other.tenant_id for other in waiting if _is_idle(other, beside=standing))
        yield Turn(standing, idle, late_before(standing.waiting_ms(), len(waiting)))


def _may_start(standing: Standing, claimant: Claimant, part: int) -> bool:
    """Return whether the tenant may have one more job here. A worker that holds as many as it should takes more of
    those alone of whom it holds less than their part, and nothing that is patient."""
    if not standing.may_run_more:
        return False
    return not claimant.is_full or (standing.rank < FLEX and claimant.held[standing.tenant_id] < part)


def _in_order(able: list[Standing], resident: Set[str]) -> list[Standing]:
    """Sort tenants: the patient last, then those that were served least, except for weights that are there."""
    able = sorted(able, key=lambda each: (each.rank == FLEX, each.served, each.tenant_id))
    if not able or not resident:
        return able
    first = able[0]

    def goes_first(each: Standing) -> bool:
        near = each.served <= first.served + SLACK_MS and (each.rank == FLEX) == (first.rank == FLEX)
        return near and any(line.affinity in resident for line in each.lines if line.rank == each.rank)

    return sorted(able, key=lambda each: not goes_first(each))


def _is_idle(other: Standing, *, beside: Standing) -> bool:
    """Return whether a tenant was served less and cannot use that now: it is at its limit, or patient."""
    if other.served >= beside.served:
        return False
    return not other.may_run_more or (other.rank == FLEX and beside.rank < FLEX)


def next_of(model: type[Job], turn: Turn, resident: Set[str]) -> Job | None:
    """Lock and return the job that goes first of this tenant's, None when others hold all of them."""
    own = model.objects.for_tenant(turn.tenant_id).filter(status=Status.QUEUED, crashes=0)
    return own.order_by(*order(turn.late_before, resident)).select_for_update(skip_locked=True).first()
