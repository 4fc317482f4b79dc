"""Many at once: a budget is never overdrawn, and a job is settled once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from generation.models import GenerationJob
from jobs import leases
from jobs.models import Status
from jobs.moves import LostLease, move
from loras.models import LoraVersion
from loras.services import register_lora
from quotas.models import LedgerEntry, Spending, StorageUse
from tests.conftest import Api
from tests.shelf import lora_file
from wire.errors import ApiError

ROUTE = "/api/v1/generations"
REQUESTS, AT_ONCE = 200, 40


def asked_at_once(person, body):
    """Send so many requests at a time through the URL, and return how often each answer came."""

    def ask(_):
        answer = Api(person.secret).post(ROUTE, body)
        connections.close_all()
        return answer.status_code, answer.json().get("error", {}).get("code") if answer.status_code != 202 else None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(ask, range(REQUESTS)))


@pytest.mark.parametrize("name", ["images_per_day", "images_per_month"])
def test_a_budget_for_seven_lets_exactly_seven_in(alice, allow, name):
    allow(alice, **{name: 7})
    answers = asked_at_once(alice, {"prompt": "a kite"})
    assert answers == {(202, None): 7, (429, "insufficient_quota"): REQUESTS - 7}
    assert GenerationJob.objects.count() == LedgerEntry.objects.count() == 7
    assert {row.reserved_images for row in Spending.objects.all()} == {7}


def test_a_queue_for_five_takes_exactly_five(alice, allow):
    allow(alice, queued_jobs=5)
    answers = asked_at_once(alice, {"prompt": "a kite"})
    assert answers == {(202, None): 5, (429, "queue_full"): REQUESTS - 5}


@pytest.mark.parametrize("limits", [{"images_per_day": 1}, {"queued_jobs": 1}], ids=str)
def test_who_has_nothing_left_hears_so_while_others_write(alice, allow, limits):
    allow(alice, **limits)
    assert alice.api.post(ROUTE, {"prompt": "a kite"}).status_code == 202
    with transaction.atomic():  # SQLite has no other writer now, and PostgreSQL no other of this row
        Spending.objects.update(spent_ms=1)
        refused = alice.api.post(ROUTE, {"prompt": "another kite"})
    assert refused.status_code == 429, refused.content


def test_a_shelf_for_one_lora_takes_exactly_one(alice, allow):
    allow(alice, loras=1)

    def bring(number):
        try:
            register_lora(lora_file(number), f"lora {number}", tenant=alice.tenant)
        except ApiError as refusal:
            return refusal.code
        finally:
            connections.close_all()
        return "taken"

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(bring, range(8))) == {"taken": 1, "lora_quota_exceeded": 7}
    assert StorageUse.objects.get().bytes == LoraVersion.objects.get().size_bytes


def test_a_cancel_and_an_end_at_once_settle_once(alice):
    for _ in range(20):
        alice.api.post(ROUTE, {"prompt": "a kite"})
        job = leases.claim(GenerationJob, "w1")
        assert moved_at_once(job, Status.SUCCEEDED, Status.CANCELLED) == {"moved": 1, "too late": 1}
        assert LedgerEntry.objects.filter(job_id=job.pk, kind="settle").count() == 1
    assert {row.reserved_images for row in Spending.objects.all()} == {0}


def moved_at_once(job, *ends):
    """Move one running job to each of these ends at a time, and return how often that worked."""
    start = threading.Barrier(len(ends))

    def end(status):
        mine = GenerationJob.objects.get(pk=job.pk)
        start.wait()
        try:
            move(mine, status)
        except LostLease:
            return "too late"
        finally:
            connections.close_all()
        return "moved"

    with ThreadPoolExecutor(len(ends)) as pool:
        return Counter(pool.map(end, ends))


def test_a_budget_counts_what_comes_again_with_its_key_once(alice, allow):
    allow(alice, images_per_day=7)

    def ask(number):
        try:
            key = {"Idempotency-Key": f"k{number % 40}"}  # each comes five times
            answer = Api(alice.secret).post(ROUTE, {"prompt": "a kite"}, headers=key)
        finally:
            connections.close_all()
        return answer.status_code, answer.json().get("id") or answer.json()["error"]["code"]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = set(pool.map(ask, range(REQUESTS)))
    made = {said for status, said in answers if status == 202}
    refused = {said for status, said in answers if status != 202}
    assert made == set(GenerationJob.objects.values_list("pk", flat=True))
    assert (len(made), refused - {"idempotency_in_progress"}) == (7, {"insufficient_quota"})
