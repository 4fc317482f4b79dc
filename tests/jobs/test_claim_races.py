"""Many claimers at once: every job is claimed once, on every database."""

import threading
from collections import Counter

from django.db import connections

from generation.models import GenerationJob
from jobs import leases
from jobs.models import JobEvent

ROUTE = "/api/v1/generations"
CLAIMERS = 4
JOBS = 40


def test_no_job_is_claimed_twice(alice):
    made = {alice.api.post(ROUTE, {"prompt": f"kite {i}"}).json()["id"] for i in range(JOBS)}
    claimed: list[str] = []

    def claim_all(name):
        while job := leases.claim(GenerationJob, name):
            claimed.append(job.pk)
        connections.close_all()

    threads = [threading.Thread(target=claim_all, args=(f"w{i}",)) for i in range(CLAIMERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(claimed) == dict.fromkeys(made, 1)
    assert JobEvent.objects.filter(name="claimed").count() == JOBS
