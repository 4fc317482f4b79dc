"""What do the tests of faults need besides the cast? A house with a process that breaks, and others that carry on."""

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from darkroom.management.commands.check_invariants import INVARIANTS
from darkroom.up.inbox import Inbox, receiving
from generation import storage
from generation.models import DiscardedFile, GenerationJob, Image, Upload
from idempotency.models import KeptRequest
from jobs import leases, scheduler
from jobs.models import JobEvent, Status
from tests.conftest import Person
from tests.faults import acts
from tests.faults.acts import Here
from webhooks.models import Delivery
from webhooks.sender import Sender

SECONDS = 30.0  # more than anything here takes
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.faults.acts"])
# So far the clocks of leases and of the sender are turned, instead of waiting.
AHEAD = timedelta(hours=1)
SETTINGS = ("STORAGES", "ENGINE", "CHECKPOINT", "WEBHOOK_HOSTS", "REDIS_URL", "ALLOWED_HOSTS")


@dataclass
class House:
    """A Darkroom of which one process breaks while the others do what they always do."""

    alice: Person
    here: Here
    run_jobs: Callable[[], None]
    inbox: Inbox

    def set_the_scene(self, act: str) -> None:
        """Come to the moment at which somebody acts."""
        if act in ("cancel", "work", "sweep", "deliver", "delete"):
            job = acts.ask(self.here).json()
            self.here = replace(self.here, about=f"{acts.ROUTE}/{job['id']}")
        if act == "sweep":
            leases.claim(GenerationJob, "silent")
            self._let_leases_lapse()
        if act in ("deliver", "delete"):
            self.run_jobs()
        if act == "delete":
            self.here = replace(self.here, about=f"/api/v1/images/{Image.objects.earliest('pk').pk}")

    def break_down(self, act: str, failpoints: str) -> None:
        """Let a process act until it breaks; the others carry on while it hangs, and at the end it has gone."""
        heard, told = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=acts.perform, args=(act, failpoints, self.here, told), daemon=True)
        process.start()
        told.close()
        assert heard.poll(SECONDS), f"nobody came to {failpoints}"
        assert heard.recv_bytes() == b"struck"
        if "hang" in failpoints:
            self.carry_on(act)
        if act in ("work", "deliver"):
            process.terminate()
        process.join(SECONDS)
        assert process.exitcode is not None, f"the process at {failpoints} does not end"
        heard.close()

    def carry_on(self, act: str) -> None:
        """Do what the healthy processes do: the caller asks again, silence is noticed, what waits is done and told."""
        self._let_leases_lapse()
        if act in ("upload", "cancel", "delete"):
            acts.ACTS[act](self.here)
        else:
            acts.ask(self.here)
        scheduler.tick()
        self.run_jobs()
        self._deliver()
        scheduler.do_chores()

    def _let_leases_lapse(self) -> None:
        past = timezone.now() - AHEAD
        GenerationJob.objects.filter(status=Status.RUNNING).update(lease_until=past)
        KeptRequest.objects.filter(lease_until__isnull=False).update(lease_until=past)

    def _deliver(self) -> None:
        sender = Sender(clock=lambda: timezone.now() + AHEAD)
        sender.look()
        while sender.under_way:
            sender.note(SECONDS)
            sender.look()

    def grow_old(self) -> None:
        """Let the hours pass after which files that nobody has a use for are removed."""
        JobEvent.objects.update(at=F("at") - 2 * storage.ORPHAN_AGE)
        DiscardedFile.objects.update(due_at=timezone.now())
        scheduler.do_chores()

    def violations(self) -> list[str]:
        """Return what does not hold of what must always hold, and what was left lying about."""
        broken = [sentence for each in INVARIANTS for sentence in each.violations()]
        known = {key for keys in Image.objects.values_list("blob", "thumbnail") for key in keys}
        known.update(Upload.objects.values_list("blob", flat=True))
        left = [f"{key} is nobody's file" for key in storage.blobs() if key not in known]
        untold = Delivery.objects.exclude(state=Delivery.State.DELIVERED)
        return broken + left + [f"{each.pk} is {each.state}" for each in untold]


@pytest.fixture
def house(alice, run_jobs, settings) -> Iterator[House]:
    """Alice's Darkroom, and a program of hers that hears of her jobs' ends."""
    with receiving(answer_seconds=0.0) as inbox:
        settings.WEBHOOK_HOSTS = [inbox.host]
        body = {"url": inbox.url, "events": ["job.completed"]}
        assert alice.api.post("/api/v1/webhooks", body).status_code == 201
        told = {name: getattr(settings, name) for name in SETTINGS}
        here = Here(str(connection.settings_dict["NAME"]), told, alice.secret)
        yield House(alice, here, run_jobs, inbox)
