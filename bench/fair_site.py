"""What the fairness bench serves with: the real claim, leases and engine, turned by hand in one process."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from django.core.management import call_command
from django.db.models import F, Sum

from bench.fairness import MILLISECONDS_PER_STEP
from bench.machine import machine
from generation.dispatch import Generations
from generation.models import GenerationJob
from jobs.doorbell import BELL
from jobs.models import TERMINAL, Job, Status
from jobs.services import accept
from jobs.worker import ATTEND_SECONDS, GpuWorker
from loras.services import default_checkpoint
from quotas.models import Allowance
from tenants.models import Tenant


class Site:
    """Tenants by their names, and one worker that is warm."""

    def __init__(self) -> None:
        call_command("migrate", verbosity=0)
        self.tenants: dict[str, Tenant] = {}
        self.performer: Any = Generations()
        self.performer.warm_up()
        self.worker = GpuWorker()
        performers: dict[type[Job], Any] = {GenerationJob: self.performer}
        self.worker.performers = performers

    def ask(self, name: str, count: int, steps: int, side: int) -> None:
        """Let a tenant, made if need be, ask for so many pictures."""
        if name not in self.tenants:
            self.tenants[name] = Tenant.objects.create(name=name)
            Allowance.objects.create(tenant=self.tenants[name], queued_jobs=100_000, images_per_day=100_000)
        checkpoint = default_checkpoint()
        assert checkpoint is not None
        said: dict[str, Any] = {"guidance_scale": 5.0, "n": 1, "output_format": "png", "output_quality": 90}
        said |= {
            "scheduler": checkpoint.scheduler,
            "affinity": checkpoint.pk,
            "estimated_ms": steps * MILLISECONDS_PER_STEP,
        }
        jobs = [
            GenerationJob(
                tenant=self.tenants[name], checkpoint=checkpoint, prompt="a red apple", seed=seed,
                width=side, height=side, steps=steps, **said,
            )
            for seed in range(count)
        ]  # fmt: skip
        accept(*jobs)

    def work(self, done: Callable[[], bool]) -> None:
        """Turn the worker as it turns itself, until this holds."""
        rung = True
        while not done():
            self.worker._turn(rung)
            rung = BELL.wait(ATTEND_SECONDS)

    def close(self) -> None:
        """Stop the engine; what it holds is not finished."""
        self.performer.engine.stop()

    def left(self, name: str) -> int:
        """Return how many jobs of a tenant have not ended."""
        return self._jobs(name).exclude(status__in=TERMINAL).count()

    def is_done(self, name: str) -> bool:
        """Return whether all of a tenant's jobs have ended."""
        return not self.left(name)

    def waits(self, name: str) -> list[float]:
        """Return each job's seconds from asking to its end. Raises AssertionError where one did not succeed."""
        jobs = list(self._jobs(name).order_by("pk"))
        assert all(job.status == Status.SUCCEEDED for job in jobs), [job.error_message for job in jobs]
        return [(job.completed_at - job.created_at).total_seconds() for job in jobs]

    def steps(self) -> Counter[str]:
        """Return how many denoising steps were made for each tenant."""
        rows = GenerationJob.objects.exclude(status=Status.QUEUED).values_list("tenant__name")
        return Counter(dict(rows.annotate(made=Sum(F("progress_step")))))

    def machine(self) -> dict[str, Any]:
        """Return what the figures depend on."""
        return machine(torch.device("cuda" if torch.cuda.is_available() else "cpu"), "diffusers")

    def _jobs(self, name: str) -> Any:
        return GenerationJob.objects.for_tenant(self.tenants[name])
