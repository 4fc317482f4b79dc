"""Usage by day, key, LoRA and checkpoint is what the ledger settled: sums equal what the jobs were charged."""

import csv
from datetime import timedelta

import pytest
from django.db.models import Sum
from django.utils import timezone

from generation.models import GenerationJob
from jobs.models import Status
from jobs.moves import move
from quotas.models import LedgerEntry
from tenants.services import issue_key
from tests.conftest import Api

USAGE = "/api/v1/usage"


@pytest.fixture
def ended():
    """Let a job be asked for by this program, and end in this way after so many GPU-milliseconds."""

    def make(api, ms=100, status=Status.SUCCEEDED, **fields):
        body = {"prompt": "a red kite", "size": "64x64", "steps": 2, **fields}
        job = GenerationJob.objects.get(pk=api.post("/api/v1/generations", body).json()["id"])
        move(job, Status.RUNNING, attempt=1)
        move(job, status, measured_ms=ms)
        return job

    return make


@pytest.fixture
def used(alice):
    """Alice's usage by this, as {name: (jobs, images, GPU-seconds)}."""

    def ask(by, **query):
        rows = alice.api.get(USAGE, {"by": by, **query}).json()["data"]
        return {row["name"]: (row["jobs"], row["images"], row["gpu_seconds"]) for row in rows}

    return ask


def today():
    return str(timezone.now().date())


def days_ago(job, days):
    LedgerEntry.objects.filter(job_id=job.pk).update(day=timezone.now().date() - timedelta(days=days))


def test_a_day_has_what_was_asked_for_on_it(alice, ended, used):
    ended(alice.api, 120, n=2)
    days_ago(ended(alice.api, 80), 3)
    days = used("day")
    assert (len(days), days[today()]) == (30, (1, 2, 0.12))
    assert sorted(days.values())[-2:] == [(1, 1, 0.08), (1, 2, 0.12)]


def test_every_way_adds_up_to_what_the_jobs_were_charged(alice, ended, used):
    for ms in (1, 33, 333, 999):
        ended(alice.api, ms)
    ended(alice.api, 500, tier="flex")
    ended(alice.api, 70, Status.FAILED)
    charged = GenerationJob.objects.aggregate(ms=Sum("charged_ms"))["ms"]
    assert charged == 1 + 33 + 333 + 999 + 250
    for by in ("day", "key", "checkpoint"):
        assert round(1000 * sum(seconds for _, _, seconds in used(by).values())) == charged
    assert alice.api.get(USAGE).json()["total"] == {"jobs": 6, "images": 5, "gpu_seconds": charged / 1000}


def test_keys_and_the_dashboard_are_told_apart(alice, ended, used):
    key, secret = issue_key(alice.tenant, "nightly")
    ended(Api(secret), 300)
    ended(alice.api, 100)
    days_ago(ended(alice.api, 50), 40)
    assert used("key") == {"nightly": (1, 1, 0.3), alice.key.name: (1, 1, 0.1)}
    key.delete()
    assert used("key")["A key that was deleted"] == (1, 1, 0.3)


def test_a_job_counts_for_each_of_its_loras(alice, ended, used, shelve):
    shelve("kites", 1), shelve("boats", 2)
    ended(alice.api, 100, loras=[{"name": "kites"}, {"name": "boats"}])
    ended(alice.api, 50, loras=[{"name": "kites"}, {"name": "boats", "weight": 0}])
    ended(alice.api, 7)
    assert used("lora") == {"kites": (2, 2, 0.15), "boats": (1, 1, 0.1)}


def test_what_has_not_ended_is_not_used(alice, used):
    alice.api.post("/api/v1/generations", {"prompt": "a kite"})
    assert used("checkpoint") == {}


def test_another_tenants_usage_is_not_seen(alice, charlie, ended, used):
    ended(charlie.api, 100)
    assert (used("key"), used("checkpoint"), used("day")[today()]) == ({}, {}, (0, 0, 0))


def test_a_key_that_may_only_read_sees_usage(alice):
    alice.key.scopes = ["read"]
    alice.key.save()
    assert alice.api.get(USAGE).status_code == 200


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"from": "2026-02-30"}, "from"),
        ({"to": "yesterday"}, "to"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"from": "2024-01-01", "to": "2026-01-01"}, "from"),
        ({"by": "hour"}, "by"),
        ({"format": "xls"}, "format"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(alice, query, param):
    answer = alice.api.get(USAGE, query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("ask", [{"data": {"format": "csv", "by": "key"}}, {"headers": {"Accept": "text/csv"}}])
def test_it_comes_as_a_file_for_spreadsheets(alice, ended, ask):
    ended(alice.api, 1234)
    answer = alice.api.get(f"{USAGE}", **ask)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(b"".join(answer).decode().splitlines()))
    assert {"jobs": "1", "images": "1", "gpu_seconds": "1.000"}.items() <= rows[-1].items()  # the quote's floor


def test_a_name_is_no_formula_in_a_spreadsheet(alice, ended):
    _, secret = issue_key(alice.tenant, '=HYPERLINK("http://evil.example")')
    ended(Api(secret))
    told = b"".join(alice.api.get(USAGE, {"format": "csv", "by": "key"})).decode()
    assert [row["name"] for row in csv.DictReader(told.splitlines())] == ['\'=HYPERLINK("http://evil.example")']


def test_a_refusal_to_one_who_wants_csv_is_json_all_the_same(alice):
    answer = alice.api.get(USAGE, {"by": "hour"}, headers={"Accept": "text/csv"})
    assert b'"param":"by"' in answer.content


@pytest.mark.parametrize("by", ["day", "key", "lora", "checkpoint"])
def test_more_usage_takes_no_more_queries(alice, ended, shelve, count_queries, by):
    ask = lambda: alice.api.get(USAGE, {"by": by})  # noqa: E731
    shelve("kites", 1), shelve("boats", 2)
    ended(alice.api, loras=[{"name": "kites"}])
    before = count_queries(ask)
    ended(Api(issue_key(alice.tenant, "nightly")[1]), loras=[{"name": "kites"}, {"name": "boats"}])
    assert count_queries(ask) == before
