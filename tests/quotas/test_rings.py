"""Who accepts and who ends work of one tenant at a time must not wait for each other in a ring."""

import threading
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from generation.models import GenerationJob
from jobs import leases
from jobs.models import Status
from jobs.moves import move
from quotas.models import LedgerEntry
from tests.conftest import Api

ROUTE = "/api/v1/generations"
ROUNDS = 12


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
