"""Anything that may happen to money, in any order: a seed says which.

Tenants ask, in any tier and with deadlines; workers claim, finish, fail, hand back and die; owners cancel, one job or
several; an operator changes limits and weights; tenants move to where it is another day. After every step the ledger's
sums hold and nobody has got more than it may.
"""

import random
from contextlib import suppress
from datetime import timedelta
from itertools import count

from django.db.models import F, Q
from django.utils import timezone

from generation.models import GenerationJob
from jobs import leases
from jobs.deadlines import end_late
from jobs.models import Share, Status, Tier
from jobs.moves import LostLease, fail, move
from jobs.services import accept, cancel, cancel_all
from loras.models import Checkpoint
from quotas import invariants
from quotas.limits import limits_of
from quotas.models import Allowance, Spending
from quotas.standing import SPENT, spending, spent_of
from tenants.models import Tenant
from tenants.ownership import OwnedQuerySet
from wire.errors import ApiError

ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "no/where")
WEIGHTS = (None, 0.0, 1e-9, 0.5, 1.0, 3.0, 1e6)
SAID = {"width": 64, "height": 64, "steps": 1, "guidance_scale": 1, "seed": 1, "output_quality": 90}


class Chaos:
    """Some tenants with small limits, and what happens to them."""

    def __init__(self, seed: int, tenants: int = 4) -> None:
        self.random = random.Random(seed)
        self.tenants = [Tenant.objects.create(name=f"studio {number}") for number in range(tenants)]
        self.numbers = count(1)
        self.happened: list[str] = []
        for tenant in self.tenants:
            self.change_limits(tenant)

    def step(self) -> None:
        """Let one thing happen, and look whether all of it holds."""
        happening = self.random.choice(
            [self.ask, self.ask, self.ask, self.claim, self.claim, self.claim, self.finish, self.finish, self.fail,
             self.hand_back, self.die, self.cancel_one, self.cancel_some, self.pass_time, self.change_limits,
             self.move_away, self.go_late]
        )  # fmt: skip
        tenant = self.random.choice(self.tenants)
        self.happened.append(f"{happening.__name__} {tenant.name}")
        happening(tenant)
        self.look()

    def look(self) -> None:
        """Raise AssertionError when what must hold at every commit does not."""
        assert list(invariants._sums_differ()) == [], self.happened[-5:]
        for served in Share.objects.values_list("served", flat=True):
            assert abs(served) < 1e15, self.happened[-5:]

    def ask(self, tenant: Tenant) -> None:
        """Ask for one job, or for several at once. What was let in is within the limits."""
        tier = self.random.choice(Tier.values)
        late = timezone.now() + timedelta(hours=1) if self.random.random() < 0.3 else None
        jobs = [
            GenerationJob(
                tenant=tenant, checkpoint=Checkpoint.objects.first(), n=self.random.randint(1, 4), tier=tier,
                estimated_ms=self.random.choice([0, 50, 700, 4000]), quoted_ms=self.random.choice([500, 1000, 6000]),
                finish_by=late, prompt=f"kite {next(self.numbers)}", **SAID,
            )
            for _ in range(self.random.choice([1, 1, 3]))
        ]  # fmt: skip
        limits, waiting = limits_of(tenant), self.of(tenant, Status.QUEUED).count()
        if refused := self.refused(jobs):
            assert refused in ("insufficient_quota", "queue_full")
            assert self.of(tenant, Status.QUEUED).count() == waiting
            return
        assert limits.queued_jobs is None or self.of(tenant, Status.QUEUED).count() <= limits.queued_jobs
        spent = spending(tenant, timezone.now())
        for name in SPENT:
            stand = spent_of(name, limits, spent)
            assert stand.limit is None or stand.used + stand.reserved <= stand.limit, (name, stand)

    def refused(self, jobs: list[GenerationJob]) -> str:
        """Ask for these jobs and return why they are refused, nothing if they are not."""
        try:
            accept(*jobs)
        except ApiError as refusal:
            return refusal.code
        return ""

    def claim(self, tenant: Tenant) -> None:
        """Let a worker take what comes. No tenant has more running than it may."""
        job = leases.claim(GenerationJob, "w1", alone=self.random.random() < 0.5)
        if job:
            cap = limits_of(job.tenant_id).running_jobs
            running = self.of(job.tenant, Status.RUNNING).count()
            assert cap is None or running <= cap, (running, cap, job.crashes)

    def finish(self, tenant: Tenant) -> None:
        """Let a job succeed, as anything was measured."""
        if job := self.running():
            move(job, Status.SUCCEEDED, measured_ms=self.measured())
            assert job.charged_ms <= job.quoted_ms

    def fail(self, tenant: Tenant) -> None:
        """Let a job fail after some work."""
        if job := self.running():
            fail(job, "bad", "It went wrong.", measured_ms=self.measured())
            assert job.charged_ms == 0

    def hand_back(self, tenant: Tenant) -> None:
        """Let a worker stop."""
        if job := self.running():
            move(job, Status.QUEUED, detail="worker stopping")

    def die(self, tenant: Tenant) -> None:
        """Let a worker fall silent, and be noticed."""
        if job := self.running():
            GenerationJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(hours=1))
            leases.sweep()

    def cancel_one(self, tenant: Tenant) -> None:
        """Let an owner cancel a job, and its worker notice that or not yet."""
        job = self.any(Q(tenant=tenant))
        if job is None:
            return
        with suppress(ApiError):
            cancel(job)
        job.refresh_from_db()
        if job.status == Status.RUNNING and self.random.random() < 0.7:
            move(job, Status.CANCELLED, measured_ms=self.measured())
            assert job.charged_ms <= job.quoted_ms

    def cancel_some(self, tenant: Tenant) -> None:
        """Let an owner cancel several at once."""
        own = GenerationJob.objects.for_tenant(tenant).filter(status__in=(Status.QUEUED, Status.RUNNING))
        cancel_all(GenerationJob.objects.for_tenant(tenant).filter(pk__in=list(own.values_list("pk", flat=True)[:3])))

    def go_late(self, tenant: Tenant) -> None:
        """Let what a tenant wanted by a time be late."""
        own = GenerationJob.objects.for_tenant(tenant).exclude(finish_by=None)
        own.update(finish_by=timezone.now() - timedelta(seconds=1))
        end_late()

    def pass_time(self, tenant: Tenant) -> None:
        """Let what waits have waited for longer."""
        self.of(tenant, Status.QUEUED).update(created_at=F("created_at") - timedelta(seconds=400))

    def change_limits(self, tenant: Tenant) -> None:
        """Let an operator think again."""
        draw = self.random.choice
        limits = {
            "images_per_day": draw([None, 0, 3, 20]),
            "images_per_month": draw([None, 30, 200]),
            "gpu_seconds_per_day": draw([None, 1, 20]),
            "gpu_seconds_per_month": draw([None, 60, 10**12]),
            "running_jobs": draw([None, 0, 1, 2]),
            "queued_jobs": draw([None, 1, 5]),
            "weight": draw(WEIGHTS),
        }
        Allowance.objects.update_or_create(tenant=tenant, defaults=limits)

    def move_away(self, tenant: Tenant) -> None:
        """Let a tenant live where it may be another day."""
        tenant.time_zone = self.random.choice(ZONES)
        tenant.save()

    def settle_all(self) -> None:
        """Let everything end."""
        for job in GenerationJob.objects.filter(status=Status.RUNNING):
            with suppress(LostLease):
                move(job, Status.SUCCEEDED, measured_ms=self.measured())
        cancel_all(GenerationJob.objects.filter(status=Status.QUEUED))
        sums = Spending.objects.values_list("reserved_images", "reserved_ms")
        assert set(sums) <= {(0, 0)}, list(sums)

    def of(self, tenant: Tenant, status: str) -> OwnedQuerySet:
        """Return a tenant's jobs that stand so."""
        return GenerationJob.objects.for_tenant(tenant).filter(status=status)

    def running(self) -> GenerationJob | None:
        """Return some job that runs."""
        return self.any(Q(status=Status.RUNNING))

    def any(self, such: Q) -> GenerationJob | None:
        """Return some job like that."""
        ids = list(GenerationJob.objects.filter(such).order_by("pk").values_list("pk", flat=True))
        return GenerationJob.objects.get(pk=self.random.choice(ids)) if ids else None

    def measured(self) -> int:
        """Return what an attempt took: nothing, little, or far more than anybody thought."""
        return self.random.choice([0, 1, 300, 900, 5000, 10**7])
