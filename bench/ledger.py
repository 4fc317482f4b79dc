"""What do limits and the ledger add to accepting requests, and to ending jobs?

    DARKROOM_HOME=$(mktemp -d) LOG_LEVEL=ERROR python manage.py shell -c "from bench.ledger import main; main()"

In one process and without a web server. It prints medians in milliseconds of processor time, which on SQLite is all
there is but waiting for the disk; with DATABASE_URL on PostgreSQL, the server's comes on top.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.core.management import call_command
from django.db import transaction

from generation.models import GenerationJob
from jobs.services import accept
from loras.models import Checkpoint
from loras.services import place_checkpoint
from quotas.ledger import Charge, Reservation, reserve, settle
from quotas.limits import limits_of
from quotas.models import Allowance
from tenants.models import Tenant
from wire.ids import new_id

ROUNDS = {1: 200, 100: 20}
PLENTY = 10**9


def main() -> None:
    """Measure with one job and with a hundred."""
    call_command("migrate", verbosity=0)
    tenant = Tenant.objects.create(name="bench")
    limits = dict.fromkeys(("images_per_day", "images_per_month", "gpu_seconds_per_day", "queued_jobs"), PLENTY)
    Allowance.objects.create(tenant=tenant, **limits)
    checkpoint, _ = place_checkpoint("bench", "bench")
    print(f"{'jobs':>5} {'limits':>8} {'reserve':>8} {'settle':>8} {'accept':>8}")
    for jobs, rounds in ROUNDS.items():
        acts: Sequence[Callable[[], float]] = (
            lambda: asking(tenant),
            lambda: reserving(tenant, jobs)[0],  # noqa: B023 - called in this turn of the loop
            lambda: settling(tenant, jobs),  # noqa: B023
            lambda: accepting(tenant, checkpoint, jobs),  # noqa: B023
        )
        print(f"{jobs:>5} " + " ".join(f"{_median(act, rounds):8.2f}" for act in acts))


def asking(tenant: Tenant) -> float:
    """Look a tenant's limits up, and return the milliseconds that it took, as all of these do."""
    with _clock() as took:
        limits_of(tenant)
    return took[0]


def reserving(tenant: Tenant, jobs: int) -> tuple[float, list[str]]:
    """Reserve for so many jobs; the limits are looked up, too."""
    made = [new_id("gen") for _ in range(jobs)]
    with transaction.atomic(), _clock() as took:
        reserve(tenant, [Reservation(job_id, 1000, 1) for job_id in made])
    return took[0], made


def settling(tenant: Tenant, jobs: int) -> float:
    """Settle so many jobs."""
    _, made = reserving(tenant, jobs)
    with transaction.atomic(), _clock() as took:
        settle(tenant.pk, [Charge(job_id, 900, 1) for job_id in made])
    return took[0]


def accepting(tenant: Tenant, checkpoint: Checkpoint, jobs: int) -> float:
    """Accept so many jobs, the commit included; the bell that rings for them finds nobody."""
    fields = {"width": 64, "height": 64, "steps": 4, "guidance_scale": 5.0, "seed": 1, "n": 1, "output_quality": 90}
    made = [
        GenerationJob(tenant=tenant, checkpoint=checkpoint, prompt="a kite", output_format="png", **fields)
        for _ in range(jobs)
    ]
    with _clock() as took, transaction.atomic():
        accept(*made)
    GenerationJob.objects.all().delete()
    return took[0]


@contextmanager
def _clock() -> Iterator[list[float]]:
    took: list[float] = []
    started = time.process_time()
    yield took
    took.append(1000 * (time.process_time() - started))


def _median(act: Callable[[], float], rounds: int) -> float:
    act()
    return statistics.median(act() for _ in range(rounds))
