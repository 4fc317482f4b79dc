"""How long does a unit of work take here? Learnt from every job that was measured, and bounded until there is one."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone

from quotas.models import CostRate

SMOOTHING = 0.05  # of what is known already: a rate follows a new machine within some twenty jobs
# Nine of ten jobs stay below the median times e to the power of so many mean deviations, if logarithms are normal.
NINETIETH = 1.6
DOUBT = 0.7  # a factor of two; it fades with the number of jobs
TRIES = 5
# Of any work before the first of its kind: SDXL on an NVIDIA A10 with plain PyTorch, 9.4 s for 30 guided steps at
# 1024x1024 (some 61 units; the card of stabilityai's TensorRT engines), and four times as much for what is slower.
UNKNOWN_MS, UNKNOWN_TIMES = 150.0, 4.0


@dataclass(frozen=True)
class Rate:
    """GPU-milliseconds of a unit: half of all jobs take no more than p50, nine of ten no more than p90."""

    p50: float
    p90: float


@dataclass(frozen=True)
class Lesson:
    """What a job was measured to take. Its subjects are of the same work, the most particular first."""

    subjects: tuple[str, ...]
    units: float
    ms: int


UNKNOWN = Rate(UNKNOWN_MS, UNKNOWN_MS * UNKNOWN_TIMES)


def known_rates(subjects: Collection[str]) -> dict[str, Rate]:
    """Return the rates of those subjects that any job has taught; one query."""
    return {row.subject: _rate(row) for row in CostRate.objects.filter(subject__in=subjects)}


def rate_of(subjects: Sequence[str], known: Mapping[str, Rate]) -> Rate:
    """Return the rate of the most particular of these subjects that is known, and a bounded one when none is."""
    return next((known[subject] for subject in subjects if subject in known), UNKNOWN)


def _rate(row: CostRate) -> Rate:
    deviation = row.spread + DOUBT / max(1, row.measured)
    return Rate(row.ms_per_unit, row.ms_per_unit * math.exp(NINETIETH * deviation))


def learn(lesson: Lesson) -> None:
    """Learn from a job, for each of its subjects. With many workers at once a lesson may be lost, none is mixed up."""
    if lesson.units <= 0 or lesson.ms <= 0:
        return
    for subject in lesson.subjects:
        _learn(subject, lesson.ms / lesson.units)


def _learn(subject: str, ms_per_unit: float) -> None:
    """Move the rate towards what was measured, as long as nobody else has moved it since we looked."""
    for _ in range(TRIES):
        row = CostRate.objects.filter(pk=subject).first()
        if row is None:
            fresh = CostRate(subject=subject, ms_per_unit=ms_per_unit, measured=1)
            CostRate.objects.bulk_create([fresh], ignore_conflicts=True)
            return
        seen = CostRate.objects.filter(pk=subject, measured=row.measured)
        if seen.update(**_moved(row, ms_per_unit), measured=row.measured + 1, updated_at=timezone.now()):
            return


def _moved(row: CostRate, ms_per_unit: float) -> dict[str, float]:
    """Return the rate and its spread after one more job: smoothed logarithms, the first few jobs' plain mean."""
    weight = max(SMOOTHING, 1 / (row.measured + 1))
    off = math.log(ms_per_unit / row.ms_per_unit)
    return {
        "ms_per_unit": row.ms_per_unit * math.exp(weight * off),
        "spread": row.spread + weight * (abs(off) - row.spread),
    }
