"""What a person reads of limits."""

from datetime import UTC, datetime

from django.template.loader import render_to_string

from quotas.ledger import Charge, Reservation, reserve, settle
from quotas.meters import meters
from quotas.models import StorageUse

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def meter(person, label):
    """Return the meter of this label."""
    return next(each for each in meters(person.tenant, now=NOON) if each.label == label)


def test_a_budget_says_what_is_reserved_and_when_it_begins_anew(alice, allow):
    allow(alice, images_per_day=1000)
    reserve(alice.tenant, [Reservation("gen_1", 0, 700), Reservation("gen_2", 0, 250)], now=NOON)
    settle(alice.tenant.pk, [Charge("gen_1", 0, 700)])
    today = meter(alice, "Images today")
    assert (today.said.replace("\N{NARROW NO-BREAK SPACE}", " "), today.percent) == ("950 of 1 000", 95)
    assert today.more == "250 of them reserved for jobs that wait or run. Begins anew 2026-11-25 00:00 (UTC)."
    assert today.is_tight


def test_what_is_not_limited_has_no_bar(alice, no_plan):
    reserve(alice.tenant, [Reservation("gen_1", 12_340, 1)], now=NOON)
    today = meter(alice, "GPU-seconds today")
    assert (today.said, today.percent, today.is_tight) == ("12.4, no limit", None, False)


def test_storage_is_told_in_bytes(alice, allow):
    allow(alice, storage_bytes=10**9)
    StorageUse.objects.create(tenant=alice.tenant, bytes=5 * 10**8)
    assert meter(alice, "Storage").said == "476.8 MB of 953.7 MB"


def test_the_most_of_one_request_is_told_where_there_is_one(alice, allow, no_plan):
    assert "Steps" not in {each.label for each in meters(alice.tenant)}
    allow(alice, max_steps=40)
    assert meter(alice, "Steps").said == "40 at most"


def test_a_budget_of_nothing_is_used_up(alice, allow):
    allow(alice, images_per_day=0)
    assert meter(alice, "Images today").percent == 100


def test_the_page_shows_a_bar_with_its_name(alice, allow):
    allow(alice, images_per_day=4)
    reserve(alice.tenant, [Reservation("gen_1", 0, 1)], now=NOON)
    html = render_to_string("settings/_limits.html", {"standings": meters(alice.tenant, now=NOON)})
    assert '<progress max="100" value="25" aria-label="Images today">' in html
