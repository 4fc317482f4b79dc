"""Who accepts and who ends work of one tenant at a time must not wait for each other in a ring."""

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from itertools import count

from django.core.management import call_command
from django.db import Error, connections

from generation.models import GenerationJob
from jobs import leases
from jobs.models import Status
from jobs.moves import LostLease, move
from jobs.services import cancel_all
from quotas.models import LedgerEntry
from tests.conftest import Api

ROUTE = "/api/v1/generations"
ROUNDS = 12
SECONDS = float(os.environ.get("CROWD_SECONDS", "3"))


def test_an_end_and_the_next_request_at_once(alice):
    alice.api.post(ROUTE, {"prompt": "a kite"})
    answers = []
    for _ in range(ROUNDS):
        job = leases.claim(GenerationJob, "w1")  # and nothing else waits
        start = threading.Barrier(2)

        def end(job=job, start=start):
            start.wait()
            move(job, Status.SUCCEEDED, measured_ms=1000)
            connections.close_all()

        def ask(start=start):
            start.wait()
            answer = Api(alice.secret).post(ROUTE, {"prompt": "a kite"})
            connections.close_all()
            return answer.status_code

        with ThreadPoolExecutor(2) as pool:
            ended, asked = pool.submit(end), pool.submit(ask)
        ended.result()
        answers.append(asked.result())
    assert answers == [202] * ROUNDS
    assert LedgerEntry.objects.filter(kind="settle").count() == ROUNDS


class Crowd:
    """Many who do what they do at a time, for some seconds; what they meet is noted."""

    def __init__(self, people):
        self.people, self.until, self.met = people, time.monotonic() + SECONDS, Counter()

    def ask(self, seed):
        rng = random.Random(seed)
        api = Api(rng.choice(self.people).secret)
        specs = [{"prompt": f"kite {number}"} for number in range(rng.choice([2, 5]))]
        route, body = rng.choice([(ROUTE, specs[0]), ("/api/v1/batches", {"specs": specs})])
        return api.post(route, body).status_code

    def work(self, seed):
        rng = random.Random(seed)
        job = leases.claim(GenerationJob, f"w{seed}")
        if job is None:
            return "idle"
        if rng.random() < 0.2:
            leases.recover(job, "worker fell silent")
        else:
            move(job, rng.choice([Status.SUCCEEDED, Status.FAILED, Status.QUEUED, Status.CANCELLED]), measured_ms=500)
        return "worked"

    def cancel(self, seed):
        some = GenerationJob.objects.filter(status__in=[Status.QUEUED, Status.RUNNING]).order_by("?")[:4]
        cancel_all(GenerationJob.objects.filter(pk__in=[job.pk for job in some]))
        leases.sweep()
        return "cancelled"

    def do(self, what, number):
        for turn in count():
            if time.monotonic() > self.until:
                break
            try:
                met = what(number * 100_000 + turn)
            except LostLease:
                met = "too late"
            except Error as error:
                met = repr(error)
            self.met[met] += 1
        connections.close_all()


def test_nobody_waits_in_a_ring_whoever_comes_at_once(alice, charlie):
    crowd = Crowd([alice, charlie])
    everybody = [*[crowd.ask] * 3, *[crowd.work] * 3, *[crowd.cancel] * 2]
    with ThreadPoolExecutor(len(everybody)) as pool:
        list(pool.map(crowd.do, everybody, range(len(everybody))))
    assert set(crowd.met) <= {202, 429, "idle", "worked", "cancelled", "too late"}, crowd.met
    call_command("check_invariants", stdout=StringIO())
