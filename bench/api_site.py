"""Whom does the API's bench ask? The real web process, with tenants and pictures in its database."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psutil
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from bench.api_load import asked
from bench.machine import processor
from darkroom.up import prepare, processes
from darkroom.up.child import Child
from generation.models import GenerationJob, Image
from jobs.models import Status
from loras.services import make_default, place_checkpoint
from quotas.models import Allowance
from tenants.choosing import CHOSEN
from tenants.models import Membership, Tenant, User
from tenants.services import issue_key

REAL, BARE = "darkroom.asgi:application", "bench.api_bare:application"
PLENTY = 10**9
LIMITED = ("images_per_day", "images_per_month", "gpu_seconds_per_day", "queued_jobs", "requests_per_minute")
SPEC: dict[str, Any] = {
    "prompt": "a red kite over the sea, oil on canvas", "width": 1024, "height": 1024, "steps": 30,
    "guidance_scale": 5.0, "seed": 7, "n": 1, "scheduler": "EulerDiscreteScheduler", "output_format": "png",
    "output_quality": 90,
}  # fmt: skip


@dataclass(frozen=True)
class Client:
    """A program of a tenant's."""

    tenant: Tenant
    secret: str

    def ask(self, method: str, path: str, said: dict[str, Any] | None = None, **headers: str) -> bytes:
        """Return a request of its as it is sent."""
        return asked(method, path, {"Authorization": f"Bearer {self.secret}"} | headers, said)


@dataclass(frozen=True)
class Web:
    """The web processes, and how to look at them."""

    port: int
    processes: tuple[psutil.Process, ...]

    @property
    def busy_seconds(self) -> float:
        """Return the time for which they have had a processor."""
        times = [each.cpu_times() for each in self.processes]
        return float(sum(each.user + each.system for each in times))


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    packages = ("django", "djangorestframework", "uvicorn")
    return {
        "device": processor(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "database": database(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def database() -> str:
    """Return which database it is, with its version."""
    with connection.cursor() as cursor:
        version = "sqlite_version()" if connection.vendor == "sqlite" else "current_setting('server_version')"
        cursor.execute(f"SELECT {version}")
        return f"{connection.vendor} {cursor.fetchone()[0]}"


class Site:
    """A home with tables, static files, a checkpoint and nobody in it."""

    def __init__(self) -> None:
        prepare.migrate()
        prepare.collect_static(settings.HOME)
        self.checkpoint, _ = place_checkpoint("bench", "bench")
        make_default(self.checkpoint)

    def client(self, name: str, **limits: Any) -> Client:
        """Make a tenant that may do as much as it likes but for these limits; every limit is there to be looked at."""
        tenant = Tenant.objects.create(name=name)
        Allowance.objects.create(tenant=tenant, **dict.fromkeys(LIMITED, PLENTY) | limits)
        _, secret = issue_key(tenant, "bench")
        return Client(tenant, secret)

    def browser(self, tenant: Tenant) -> str:
        """Return the cookie of somebody who signed in and works in this tenant."""
        user = User.objects.create_user(f"{tenant.pk}@example.com")
        Membership.objects.create(tenant=tenant, user=user)
        session = SessionStore()
        session[CHOSEN] = tenant.pk
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"

    def jobs(self, tenant: Tenant, count: int, status: Status = Status.QUEUED, **said: Any) -> list[GenerationJob]:
        """Store jobs as they are when they were accepted or have ended."""
        told = {"estimated_ms": 4000, "quoted_ms": 9000, "affinity": self.checkpoint.pk, "progress_steps": 30}
        return GenerationJob.objects.bulk_create(
            GenerationJob(tenant=tenant, checkpoint=self.checkpoint, status=status, **SPEC | told | said)
            for _ in range(count)
        )

    def images(self, jobs: Sequence[GenerationJob]) -> list[Image]:
        """Store the one picture of each of these, without its files."""
        return Image.objects.bulk_create(
            Image(
                tenant_id=job.tenant_id, job=job, index=0, seed=job.seed, width=job.width, height=job.height,
                format="png", blob=f"t/{job.tenant_id}/{job.pk}/1/0.png", thumbnail=f"t/{job.pk}/0.webp",
                sha256="0" * 64, size_bytes=1_500_000, receipt={"receipt": 1, "engine": {"device": "bench"}, **SPEC},
            )
            for job in jobs
        )  # fmt: skip

    @contextmanager
    def serving(self, application: str = REAL, **environment: str) -> Iterator[Web]:
        """Run the web processes as `make run` does, or another application in their place."""
        with processes.listening_socket("127.0.0.1", 0) as listener, ExitStack() as running:
            pids = []
            for web in processes.webs(settings.ROOT, listener, environment, settings.WEB_PROCESSES):
                argv = tuple(application if each == REAL else each for each in web.argv)
                child = Child(replace(web, argv=argv), settings.HOME)
                child.start()
                running.callback(child.stop, lambda: False)
                assert child.process is not None
                pids.append(child.process.pid)
            yield Web(listener.getsockname()[1], tuple(psutil.Process(pid) for pid in pids))
