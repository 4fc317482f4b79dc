"""What a tenant is told of its limits: on one address, and in the headers of what it asks for."""

import math
from datetime import UTC, datetime

import pytest

from generation.models import GenerationJob
from jobs import leases
from quotas.headers import headers_of
from quotas.ledger import Charge, Reservation, reserve, settle
from quotas.standing import standings
from tenants.callers import Caller

ROUTE = "/api/v1/generations"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def limit(person, name):
    """Return one limit as the person's program hears of it."""
    limits = person.api.get("/api/v1/limits").json()["limits"]
    return next(each for each in limits if each["name"] == name)


def test_a_limit_tells_what_is_used_reserved_and_left(alice, allow, run_jobs):
    allow(alice, images_per_day=10)
    alice.api.post(ROUTE, {"prompt": "kites", "n": 2, "size": "64x64"})
    run_jobs()
    alice.api.post(ROUTE, {"prompt": "kites", "n": 3, "size": "64x64"})
    told = limit(alice, "images_per_day")
    assert (told["limit"], told["used"], told["reserved"], told["remaining"]) == (10, 2, 3, 5)
    assert told["resets_at"].endswith("T00:00:00Z")


def test_what_is_not_limited_is_counted_all_the_same(alice, no_plan):
    alice.api.post(ROUTE, {"prompt": "kites"})
    told = limit(alice, "images_per_month")
    assert (told["limit"], told["reserved"], told["remaining"]) == (None, 1, None)


def test_jobs_and_loras_are_counted_where_they_are(alice, allow, shelve):
    shelve("kites", tenant=alice.tenant)
    for _ in range(3):
        alice.api.post(ROUTE, {"prompt": "kites"})
    leases.claim(GenerationJob, "w1")
    used = {name: limit(alice, name)["used"] for name in ("running_jobs", "queued_jobs", "loras")}
    assert used == {"running_jobs": 1, "queued_jobs": 2, "loras": 1}


def test_another_tenants_work_is_not_seen(alice, charlie):
    alice.api.post(ROUTE, {"prompt": "kites"})
    assert (limit(charlie, "images_per_day")["reserved"], limit(charlie, "queued_jobs")["used"]) == (0, 0)


@pytest.mark.parametrize("jobs", [1, 20])
def test_limits_cost_the_same_queries_however_much_there_is(alice, django_assert_num_queries, jobs):
    reserve(alice.tenant, [Reservation(f"gen_{number}", 1, 1) for number in range(jobs)])
    with django_assert_num_queries(9):  # limits, periods, running, queued, LoRAs; storage, its three kinds
        standings(alice.tenant)


def test_a_request_is_told_how_its_limits_stand(alice, allow):
    allow(alice, images_per_day=10, images_per_month=12, gpu_seconds_per_day=10_000, running_jobs=4)
    answer = alice.api.post(ROUTE, {"prompt": "kites", "n": 3})
    assert answer["x-ratelimit-limit-images"] == "10"
    assert answer["x-ratelimit-remaining-images"] == "7"
    assert answer["x-ratelimit-remaining-gpu-seconds"] == str(math.floor(10_000 - answer.json()["cost"]["quoted"]))
    assert (answer["x-ratelimit-limit-concurrent"], answer["x-ratelimit-remaining-concurrent"]) == ("4", "4")


def test_a_refused_request_is_told_too(alice, allow):
    allow(alice, images_per_day=2)
    answer = alice.api.post(ROUTE, {"prompt": "kites", "n": 3})
    assert (answer.status_code, answer["x-ratelimit-remaining-images"]) == (429, "2")
    assert answer["x-should-retry"] == "false"


def test_a_request_that_nobody_may_make_is_told_nothing(alice, allow):
    allow(alice, images_per_day=2)
    answer = alice.api.post(ROUTE, {"prompt": "kites"}, headers={"Authorization": "Bearer nobody"})
    assert answer.status_code == 401
    assert "x-ratelimit-limit-images" not in answer


def test_of_a_day_and_a_month_the_scarcer_is_told(alice, allow):
    allow(alice, images_per_day=10, images_per_month=12)
    reserve(alice.tenant, [Reservation("gen_1", 0, 5)], now=NOON.replace(day=1))
    assert headers_of(Caller(alice.tenant, ()), now=NOON) == {
        "x-ratelimit-limit-images": "12",
        "x-ratelimit-remaining-images": "7",
        "x-ratelimit-reset-images": "156h0m0s",
    }


def test_gpu_seconds_are_told_as_what_they_came_to(alice, allow):
    allow(alice, gpu_seconds_per_day=60)
    reserve(alice.tenant, [Reservation("gen_1", 20_000, 1), Reservation("gen_2", 5_000, 1)], now=NOON)
    settle(alice.tenant.pk, [Charge("gen_1", 12_500, 1)])
    day = next(each for each in standings(alice.tenant, now=NOON) if each.name == "gpu_seconds_per_day")
    assert (day.used, day.reserved, day.remaining) == (12.5, 5.0, 42.5)


def test_storage_lists_the_largest_first_with_the_way_to_delete_them(alice, allow, make_image, shelve):
    allow(alice, storage_bytes=10**6)
    image, version = make_image(alice, size="64x64"), shelve("kites", tenant=alice.tenant)
    told = alice.api.get("/api/v1/usage/storage").json()
    assert told["used_bytes"] + told["remaining_bytes"] == told["limit_bytes"] == 10**6
    assert told["bytes_by_kind"] == {"upload": 0, "image": image.size_bytes, "lora_version": version.size_bytes}
    sizes = [each["size_bytes"] for each in told["largest"]]
    assert sizes == sorted(sizes, reverse=True)
    assert {each["url"] for each in told["largest"]} == {f"/api/v1/images/{image.pk}", None}


def test_storage_of_others_is_not_listed(alice, charlie, make_image):
    make_image(alice, size="64x64")
    told = charlie.api.get("/api/v1/usage/storage").json()
    assert (told["used_bytes"], told["largest"]) == (0, [])


def test_images_are_told_as_whole_numbers(alice, allow):
    allow(alice, images_per_day=10)
    assert '"limit":10,"used":0,"reserved":0,"remaining":10,' in alice.api.get("/api/v1/limits").content.decode()
