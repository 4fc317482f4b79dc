"""What is reserved when jobs are accepted, and what is refused because too little is left."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from quotas.ledger import Reservation, reserve
from quotas.models import LedgerEntry, Plan, Spending
from wire.errors import ApiError
from wire.ids import new_id

ROUTE = "/api/v1/generations"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def some(count, *, ms=0, images=1):
    """Return reservations for so many jobs."""
    return [Reservation(new_id("gen"), ms, images) for _ in range(count)]


def refused(person, reservations, now):
    """Return the refusal of these reservations."""
    with pytest.raises(ApiError) as refusal, transaction.atomic():
        reserve(person.tenant, reservations, now=now)
    return refusal.value


def test_a_request_reserves_its_images_for_today_and_this_month(alice):
    alice.api.post(ROUTE, {"prompt": "kites", "n": 3})
    rows = Spending.objects.for_tenant(alice.tenant).values_list("period", "reserved_images", "spent_images")
    assert sorted(rows) == [("day", 3, 0), ("month", 3, 0)]


def test_the_ledger_says_for_which_job_and_key(alice):
    job = alice.api.post(ROUTE, {"prompt": "kites", "n": 3}).json()
    entry = LedgerEntry.objects.for_tenant(alice.tenant).get()
    assert (entry.job_id, entry.kind, entry.images, entry.key_id) == (job["id"], "reserve", 3, alice.key.pk)


def test_what_is_left_may_be_used_to_the_last_image(alice, allow):
    allow(alice, images_per_day=5)
    reserve(alice.tenant, some(2, images=2), now=NOON)
    assert "Ask for 1 image instead of 2" in refused(alice, some(1, images=2), NOON).message
    reserve(alice.tenant, some(1), now=NOON)
    assert Spending.objects.get(period="day").reserved_images == 5


def test_a_refused_request_leaves_nothing(alice, allow):
    allow(alice, images_per_month=2)
    answer = alice.api.post(ROUTE, {"prompt": "kites", "n": 3})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "insufficient_quota")
    assert not Spending.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_midnight_in_the_tenants_zone_begins_a_new_budget(alice, allow):
    allow(alice, images_per_day=1)
    alice.tenant.time_zone = "Pacific/Auckland"
    midnight = datetime(2026, 11, 24, 11, tzinfo=UTC)
    reserve(alice.tenant, some(1), now=midnight - timedelta(seconds=1))
    assert refused(alice, some(1), midnight - timedelta(seconds=1)).headers["retry-after"] == "1"
    reserve(alice.tenant, some(1), now=midnight)
    days = Spending.objects.filter(period="day").values_list("starts_on", flat=True)
    assert sorted(days) == [date(2026, 11, 24), date(2026, 11, 25)]


def test_a_new_day_does_not_begin_a_new_month(alice, allow):
    allow(alice, images_per_month=1)
    reserve(alice.tenant, some(1), now=NOON)
    assert refused(alice, some(1), NOON + timedelta(days=1)).limit["name"] == "images_per_month"
    reserve(alice.tenant, some(1), now=NOON + timedelta(days=7))


def test_what_costs_nothing_passes_a_budget_that_was_lowered(alice, allow):
    reserve(alice.tenant, some(1, ms=5000), now=NOON)
    allow(alice, images_per_day=0, gpu_seconds_per_day=1)
    reserve(alice.tenant, some(1, images=0), now=NOON)
    assert LedgerEntry.objects.count() == 2


def test_tenants_have_budgets_of_their_own(alice, charlie, allow):
    allow(alice, images_per_day=1)
    reserve(alice.tenant, some(1), now=NOON)
    reserve(charlie.tenant, some(2), now=NOON)
    assert "limit is 1 " in refused(alice, some(1), NOON).message


@pytest.mark.parametrize("count", [1, 100])
def test_a_hundred_jobs_cost_the_statements_of_one(alice, allow, django_assert_num_queries, count):
    allow(alice, images_per_day=1000, gpu_seconds_per_month=1000)
    reserve(alice.tenant, some(1), now=NOON)
    with transaction.atomic(), django_assert_num_queries(4):  # limits, day, month, entries
        reserve(alice.tenant, some(count, ms=5), now=NOON)


PLAN = "(plan none)"
END = "2026-11-25 00:00 (UTC)"


@pytest.mark.parametrize(
    ("limit", "used", "asked", "sentence"),
    [
        ({"images_per_day": 10}, {"images": 8}, {"images": 5},
         f"Your limit is 10 images a day {PLAN}: 8 are used or reserved, and this asks for 5. "
         f"Ask for 2 images instead of 5, or again after {END}."),
        ({"images_per_day": 10}, {"images": 10}, {"images": 5},
         f"Your limit is 10 images a day {PLAN}: 10 are used or reserved, and this asks for 5. Ask again after {END}."),
        ({"images_per_day": 3}, {"images": 1}, {"images": 5},
         f"Your limit is 3 images a day {PLAN}: 1 are used or reserved, and this asks for 5. "
         "Ask for 2 images instead of 5."),
        ({"images_per_day": 3}, {"images": 3}, {"images": 5},
         f"Your limit is 3 images a day {PLAN}: 3 are used or reserved, and this asks for 5. "
         f"Ask again after {END}, for 3 at most."),
        ({"images_per_day": 0}, {"images": 0}, {"images": 1},
         f"Your limit is 0 images a day {PLAN}: 0 are used or reserved, and this asks for 1. "
         "Ask the operator of this server for more."),
        ({"gpu_seconds_per_day": 60}, {"ms": 49_940}, {"ms": 20_010},
         f"Your limit is 60 GPU-seconds a day {PLAN}: 50 are used or reserved, and this may take 20.1. "
         f"Ask for what takes 10 at most, with fewer images, steps or pixels, or again after {END}."),
        ({"gpu_seconds_per_month": 60}, {"ms": 60_000}, {"ms": 70_000},
         f"Your limit is 60 GPU-seconds a month {PLAN}: 60 are used or reserved, and this may take 70. "
         "Ask again after 2026-12-01 00:00 (UTC), for 60 at most."),
    ],
)  # fmt: skip
def test_every_refusal_names_the_limit_and_the_way_out(alice, allow, limit, used, asked, sentence):
    Plan.objects.all().delete()
    reserve(alice.tenant, some(1, **{"images": 0} | used), now=NOON)
    allow(alice, **limit)
    assert refused(alice, some(1, **{"images": 0} | asked), NOON).message == sentence


def test_a_large_limit_is_written_out(alice, allow):
    Plan.objects.all().delete()
    allow(alice, gpu_seconds_per_day=1_234_567)
    refusal = refused(alice, some(1, ms=1_234_567_890), NOON)
    assert refusal.message.startswith(f"Your limit is 1,234,567 GPU-seconds a day {PLAN}: 0 are used")
    assert "this may take 1,234,567.9. Ask for what takes 1,234,567 at most" in refusal.message
    assert str(refusal.body["error"]["limit"]["limit"]) == "1234567"


def test_programs_are_told_in_numbers(alice, allow):
    allow(alice, images_per_day=10)
    reserve(alice.tenant, some(8), now=NOON)
    refusal = refused(alice, some(5), NOON)
    assert refusal.body["error"]["limit"] == {
        "name": "images_per_day", "limit": 10, "used": 8, "requested": 5, "resets_at": "2026-11-25T00:00:00Z"
    }  # fmt: skip
    assert refusal.headers == {"x-should-retry": "false", "retry-after": "43200"}
