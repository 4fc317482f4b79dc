"""Many claimers at once: every job is claimed once, on every database."""

import threading
from collections import Counter

from django.db import connections

from generation.models import GenerationJob
from jobs import leases
from jobs.models import JobEvent
from quotas.models import Allowance, Plan

ROUTE = "/api/v1/generations"
CLAIMERS = 4
JOBS = 40


def claimed_by(count):
    """Let so many workers claim until nothing is left, and return what they got."""
    claimed: list[str] = []

    def claim_all(name):
        while job := leases.claim(GenerationJob, name):
            claimed.append(job.pk)
        connections.close_all()

    threads = [threading.Thread(target=claim_all, args=(f"w{number}",)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return claimed


def test_no_job_is_claimed_twice(alice):
    made = {alice.api.post(ROUTE, {"prompt": f"kite {i}"}).json()["id"] for i in range(JOBS)}
    assert Counter(claimed_by(CLAIMERS)) == dict.fromkeys(made, 1)
    assert JobEvent.objects.filter(name="claimed").count() == JOBS


def test_two_workers_and_a_thousand_jobs(alice, charlie):
    Plan.objects.update(queued_jobs=None)
    for person in (alice, charlie):
        for _ in range(5):
            body = {"specs": [{"prompt": f"kite {number}"} for number in range(100)]}
            assert person.api.post("/api/v1/batches", body).status_code == 202
    claimed = claimed_by(2)
    assert Counter(claimed) == dict.fromkeys(GenerationJob.objects.values_list("pk", flat=True), 1)
    assert len(claimed) == JobEvent.objects.filter(name="claimed").count() == 1000


def test_no_tenant_gets_more_at_once_than_it_may(alice):
    Allowance.objects.create(tenant=alice.tenant, running_jobs=3)
    for number in range(12):
        alice.api.post(ROUTE, {"prompt": f"kite {number}"})
    assert len(claimed_by(CLAIMERS)) == 3
