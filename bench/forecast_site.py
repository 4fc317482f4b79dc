"""Where the forecasts' bench asks: real quotes, jobs, claims, ledger and cost model, in virtual time.

The site's clock stands in for Django's `timezone.now`. The database's own Now() goes on as it will: it stamps leases
and ends, which nothing here looks at. The device is a number that draws one job at a time, the one that is due first by
the engine's own dues, a quarter of a second at a stretch.
"""

import math
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from unittest.mock import patch

from django.conf import settings

from bench.forecast_orders import DEMAND, Asking, askings
from generation import orders
from generation.dispatch import ON_TOP, urgency_of
from generation.engine.due import Dues
from generation.models import GenerationJob
from generation.orders import OrderSerializer
from generation.prices import lesson_of, subjects_of, work_of
from generation.quoting.services import Estimate, quote
from generation.services import accept_drafts, drafted
from jobs import leases
from jobs.models import Status, Worker
from jobs.moves import move
from loras.services import make_default, place_checkpoint
from quotas.costs import Rate, known_rates, learn, rate_of
from quotas.limits import NAMES
from quotas.models import Plan
from tenants.callers import Caller
from tenants.models import Tenant, every_scope

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
ALWAYS = datetime(2999, 1, 1, tzinfo=UTC)  # the worker is there, whatever the database's clock says
STEP_SECONDS = 0.25
TRUE_MS_PER_UNIT = 40.0  # what the site has to find out; before the first job it supposes 150


@dataclass
class Asked:
    """A request that was accepted: what was said of it, and what became of it."""

    job: GenerationJob
    at: float
    rate: Rate
    units: float
    told: Estimate
    takes_ms: float
    left: float  # seconds
    due: float = 0.0
    started: float = math.inf
    finished: float = math.inf
    ended: "Future[None]" = field(default_factory=Future)

    @property
    def progress(self) -> int:
        """Return how many of an average picture's steps are done."""
        return int(self.job.steps * (1 - self.left * 1000 / self.takes_ms))


class Site:
    """Tenants, one worker, and what time it is, in seconds."""

    def __init__(self, noise: float) -> None:
        self.noise, self.now = noise, 0.0
        self.dues, self.is_rung = Dues(), False
        self.asked: dict[str, Asked] = {}
        self.held: list[Asked] = []
        Plan.objects.update(**{name: None for name in NAMES if name != "weight"})
        self.checkpoint, _ = place_checkpoint("bench", "bench", context_width=2048)
        make_default(self.checkpoint)
        Worker.objects.create(name="virtual", host="here", ready=True, seen_at=ALWAYS)
        # Ids decide between tenants that were served as much, so they are the same in every run.
        tenants = [Tenant.objects.create(id=f"ten_{number}", name=f"{number}") for number in range(len(DEMAND))]
        self.callers = [(tenant, tuple(every_scope())) for tenant in tenants]

    def clock(self) -> datetime:
        """Return what time it is here."""
        return EPOCH + timedelta(seconds=self.now)

    @contextmanager
    def living(self) -> Iterator[None]:
        """Let this site's time be Django's."""
        with patch("django.utils.timezone.now", self.clock):
            yield

    def run(self, load: float, seed: int, warm_up: int, judged: int) -> list[Asked]:
        """Be asked at this load, and return those that were judged once all of them have ended."""
        gap, at = mean_seconds(self, seed) / load, 0.0
        found: list[Asked] = []
        with self.living():
            for number, asking in enumerate(askings(seed)):
                at += asking.gap * gap
                self._work(at)
                asked = self._ask(asking)
                if warm_up <= number < warm_up + judged:
                    found.append(asked)
                if number >= warm_up + judged and all(each.ended.done() for each in found):
                    return found
        raise AssertionError("requests never end")

    def order(self, asking: Asking) -> tuple[Caller, orders.Order]:
        """Return what is asked as the doors understand it."""
        caller = Caller(*self.callers[asking.tenant])
        said = OrderSerializer(data=asking.said)
        said.is_valid(raise_exception=True)
        return caller, orders.order(caller, said.validated_data)

    def _ask(self, asking: Asking) -> Asked:
        """Ask for a quote, then for what was quoted."""
        self._note_progress()
        caller, order = self.order(asking)
        kept, told = quote(caller, order)
        subjects, units = subjects_of(self.checkpoint), work_of(order).units
        rate = rate_of(subjects, known_rates(subjects))
        _, quoted = self.order(Asking(0.0, asking.tenant, asking.said | {"quote": kept.pk}, 0.0))
        draft = drafted(caller, quoted)
        draft.job.created_at = self.clock()
        accept_drafts(caller, [draft])
        takes = TRUE_MS_PER_UNIT * units * math.exp(self.noise * asking.off)
        asked = Asked(draft.job, self.now, rate, units, told, takes, takes / 1000)
        self.asked[draft.job.pk] = asked
        self.is_rung = True
        return asked

    def _note_progress(self) -> None:
        """Write how far everything is, as a worker does four times a second."""
        for each in self.held:
            each.job.progress_step, each.job.progress_steps = each.progress, each.job.steps
        GenerationJob.objects.bulk_update([each.job for each in self.held], ["progress_step", "progress_steps"])

    def _work(self, until: float) -> None:
        """Let the worker work until then."""
        while self.now < until:
            self._claim()
            if self.held:
                self._step(until)
            else:
                self.now = until

    def _claim(self) -> None:
        """Take what there is a place for, after something has come or gone."""
        while self.is_rung and len(self.held) < ON_TOP * settings.JOBS_AT_ONCE:
            held = Counter(each.job.tenant_id for each in self.held)
            job = leases.claim(GenerationJob, "virtual", held=held, alone=not self.held)
            self.is_rung = job is not None
            if job:
                asked = self.asked[job.pk]
                asked.job.refresh_from_db()
                asked.started = self.now
                # The engine's own pace tells what it takes alone, before it is known what it really takes.
                alone = TRUE_MS_PER_UNIT * asked.units / 1000
                asked.due = self.dues.of(urgency_of(job), alone, asked.ended)
                self.held.append(asked)

    def _step(self, until: float) -> None:
        """Draw what is due first for a quarter of a second, or until it is done or somebody asks."""
        first = min(self.held, key=lambda each: each.due)
        seconds = min(STEP_SECONDS, first.left, until - self.now)
        self.dues.worked(seconds)
        is_done = first.left <= seconds
        self.now = min(until, self.now + seconds)
        first.left -= seconds
        if is_done:
            self._end(first)

    def _end(self, asked: Asked) -> None:
        """End a job as the worker does: charged, and learnt from."""
        job, ms = asked.job, max(1, round(asked.takes_ms))
        move(job, Status.SUCCEEDED, measured_ms=ms)
        learn(lesson_of(job, ms))
        asked.finished = self.now
        asked.ended.set_result(None)
        self.held.remove(asked)
        self.is_rung = True


def mean_seconds(site: Site, seed: int, requests: int = 300) -> float:
    """Return what a request takes on average, noise included."""
    units = [work_of(site.order(each)[1]).units for each in islice(askings(seed), requests)]
    return sum(units) / requests * TRUE_MS_PER_UNIT / 1000 * math.exp(site.noise**2 / 2)
