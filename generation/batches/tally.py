"""How far is a batch? Its generations counted by their states, for many batches with one query."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Max

from generation.models import Batch, GenerationJob
from jobs.models import TERMINAL, Status


@dataclass
class Tally:
    """What has become of a batch's generations."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Status.values, 0))
    images: int = 0
    last_end: datetime | None = None

    @property
    def total(self) -> int:
        """Return how many generations there are."""
        return sum(self.counts.values())

    @property
    def finished(self) -> int:
        """Return how many of them have ended, however."""
        return sum(self.counts[status] for status in TERMINAL)

    @property
    def status(self) -> Status:
        """Return the batch's state: succeeded only if all of it has, failed if any of it has."""
        if self.counts[Status.QUEUED] == self.total:
            return Status.QUEUED
        if self.finished < self.total:
            return Status.RUNNING
        ends = (Status.FAILED, Status.CANCELLED)
        return next((end for end in ends if self.counts[end]), Status.SUCCEEDED)

    @property
    def is_finished(self) -> bool:
        """Return whether nothing more will come."""
        return self.status in TERMINAL

    @property
    def completed_at(self) -> datetime | None:
        """Return when the last generation ended, None while one is alive."""
        return self.last_end if self.is_finished else None


def tallies(batches: Iterable[Batch]) -> dict[str, Tally]:
    """Return each batch's tally by its id."""
    found = {batch.pk: Tally() for batch in batches}
    grouped = GenerationJob.objects.filter(batch__in=list(found)).values("batch_id", "status")
    rows = grouped.annotate(jobs=Count("pk", distinct=True), made=Count("images"), last_end=Max("completed_at"))
    for row in rows:
        tally = found[row["batch_id"]]
        tally.counts[row["status"]] = row["jobs"]
        tally.images += row["made"]
        tally.last_end = max(filter(None, (tally.last_end, row["last_end"])), default=None)
    return found


def tally_of(batch: Batch) -> Tally:
    """Return one batch's tally."""
    return tallies([batch])[batch.pk]
