"""A worker in virtual time: the real claim on the real database, the real order of dues, and a device that is a number.

It draws one job at a time, a step of a quarter of a second each, which is the least that batches could do for fairness.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Set
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db.models import F

from generation.dispatch import ON_TOP, urgency_of
from generation.engine.due import STAY_SECONDS, Dues, Stay
from generation.models import GenerationJob
from jobs import leases
from jobs.models import Status, Tier
from jobs.moves import move
from jobs.services import accept
from jobs.weights import Weights
from loras.models import Checkpoint
from tenants.models import Tenant

STEP_MS = 250


@dataclass
class Drawn:
    """A job that the device works on."""

    job: GenerationJob
    left_ms: float
    due: float = 0.0
    finished: Future = field(default_factory=Future)


@dataclass
class World:
    """Tenants, one worker, and what time it is."""

    real_ms: Callable[[GenerationJob], float] = lambda job: job.estimated_ms
    now_ms: float = 0.0
    held: list[Drawn] = field(default_factory=list)
    dues: Dues = field(default_factory=Dues)
    asked_at: dict[str, float] = field(default_factory=dict)
    is_rung: bool = False
    on_device: str = ""
    switches: int = 0
    asked: Counter = field(default_factory=Counter)
    waits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    served_ms: Counter = field(default_factory=Counter)
    finished: list[GenerationJob] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.weights = Weights(lambda: self.now_ms / 1000)
        self.stay = Stay(STAY_SECONDS, lambda: self.now_ms / 1000)

    def tenants(self, *names: str) -> list[Tenant]:
        """Open tenants."""
        return [Tenant.objects.create(name=name) for name in names]

    def ask(self, tenant: Tenant, count: int, ms: int, tier: str = Tier.STANDARD, **columns: object) -> None:
        """Let so many jobs of so many GPU-milliseconds wait."""
        said = {"width": 64, "height": 64, "steps": 1, "guidance_scale": 1, "seed": 1, "n": 1, "output_quality": 90}
        jobs = [
            GenerationJob(
                tenant=tenant, checkpoint=Checkpoint.objects.first(), estimated_ms=ms, tier=tier, **said, **columns
            )
            for _ in range(count)
        ]
        accept(*jobs)
        self.asked_at |= {job.pk: self.now_ms for job in jobs}
        self.asked[tenant.pk] += count
        self.is_rung = True

    def run(self, until: Callable[["World"], bool]) -> None:
        """Work until this holds, or nothing is left."""
        while not until(self):
            self.claim()
            if not self.held:
                return
            self.step()

    def claim(self) -> None:
        """Take what there is a place for, after something has come or gone."""
        while self.is_rung and len(self.held) < ON_TOP * settings.JOBS_AT_ONCE:
            held = Counter(each.job.tenant_id for each in self.held)
            rather = self.weights.preferred(self)
            job = leases.claim(GenerationJob, "virtual", held=held, resident=rather, alone=not self.held)
            self.is_rung = job is not None
            if job:
                self.begin(job)

    def resident(self) -> Set[str]:
        """Return which weights are on the device: there is room for one checkpoint's."""
        return {self.on_device}

    def begin(self, job: GenerationJob) -> None:
        """Begin a claimed job."""
        self.weights.used(job.affinity)
        drawn = Drawn(job, self.real_ms(job))
        drawn.due = self.dues.of(urgency_of(job), drawn.left_ms / 1000, drawn.finished)
        self.held.append(drawn)

    def step(self) -> None:
        """Take the job that is due first one step on."""
        drawn = self.whose_turn()
        if drawn.job.affinity != self.on_device:
            self.on_device, self.switches = drawn.job.affinity, self.switches + 1
        ms = min(STEP_MS, drawn.left_ms)
        self.now_ms += ms
        self.dues.worked(ms / 1000)
        self.served_ms[drawn.job.tenant_id] += ms
        drawn.left_ms -= ms
        if drawn.left_ms <= 0:
            self.end(drawn)

    def whose_turn(self) -> Drawn:
        """Return whose turn it is, as the engine finds it."""
        dues: dict[str, float] = {}
        for each in self.held:
            dues[each.job.affinity] = min(each.due, dues.get(each.job.affinity, each.due))
        checkpoint = self.stay.next(dues, lambda affinity: affinity == self.on_device)
        return min((each for each in self.held if each.job.affinity == checkpoint), key=lambda each: each.due)

    def end(self, drawn: Drawn) -> None:
        """End a job."""
        move(drawn.job, Status.SUCCEEDED, measured_ms=round(self.real_ms(drawn.job)))
        drawn.finished.set_result(None)
        self.held.remove(drawn)
        self.is_rung = True
        self.finished.append(drawn.job)
        self.waits[drawn.job.tenant_id].append(self.now_ms - self.asked_at[drawn.job.pk])

    def is_done(self, tenant: Tenant) -> bool:
        """Return whether nothing of the tenant's waits or runs."""
        return len(self.waits[tenant.pk]) == self.asked[tenant.pk]

    def pass_time(self, seconds: float) -> None:
        """Let everything that waits have waited for longer."""
        waiting = GenerationJob.objects.filter(status=Status.QUEUED)
        waiting.update(created_at=F("created_at") - timedelta(seconds=seconds))


def jain(values: list[float]) -> float:
    """Return Jain's index of fairness: 1 when all are equal, 1 / n when one has everything."""
    return sum(values) ** 2 / (len(values) * sum(value**2 for value in values))
