"""Nobody begins another day by choosing another time zone while the present one has been used."""

from datetime import UTC, datetime, timedelta

import pytest

from quotas.ledger import Reservation, reserve
from quotas.models import Spending
from quotas.zones import refuse_escape
from tenants.callers import Caller, check_again
from tenants.models import Tenant
from wire.errors import ApiError
from wire.ids import new_id

NIGHT = datetime(2026, 11, 24, 10, tzinfo=UTC)  # it is eleven at night, the day before, in Midway
PAGE = "/settings/tenant"


@pytest.fixture
def midway(alice):
    """Alice, whose days begin in Midway."""
    alice.tenant.time_zone = "Pacific/Midway"
    alice.tenant.save()
    return alice


@pytest.fixture
def used(midway):
    """Something of the day and month in Midway is reserved."""
    reserve(midway.tenant, [Reservation(new_id("gen"), 0, 1)], now=NIGHT)


def zone_of(person):
    return Tenant.objects.get(pk=person.tenant.pk).time_zone


def test_an_owner_does_not_escape_a_day_that_is_used(midway):
    midway.api.post("/api/v1/generations", {"prompt": "a kite"})
    answer = midway.browser.post(PAGE, {"name": "Kites", "time_zone": "Pacific/Kiritimati"})
    assert (answer.status_code, zone_of(midway)) == (422, "Pacific/Midway")
    assert "They are never on one date: change it to UTC first" in answer.content.decode()


def test_who_has_used_nothing_changes_it_at_once(midway):
    midway.browser.post(PAGE, {"name": "Kites", "time_zone": "Pacific/Kiritimati"})
    assert zone_of(midway) == "Pacific/Kiritimati"


def test_a_refusal_tells_both_dates_and_when_to_come_back(midway, used):
    with pytest.raises(ApiError) as refusal:
        refuse_escape(midway.tenant, "UTC", now=NIGHT)
    assert (refusal.value.code, refusal.value.param) == ("day_in_use", "time_zone")
    assert "it is 2026-11-23 in Pacific/Midway and 2026-11-24 in UTC." in refusal.value.message
    assert refusal.value.message.endswith("You can change it from 2026-11-24 00:00 (Pacific/Midway) on.")


@pytest.mark.parametrize("hour", [9, 10])  # at ten it is the day before yesterday there
def test_zones_that_are_never_on_one_date_take_two_steps(midway, used, hour):
    with pytest.raises(ApiError, match="They are never on one date: change it to UTC first"):
        refuse_escape(midway.tenant, "Pacific/Kiritimati", now=NIGHT.replace(hour=hour))


def test_a_day_that_is_not_used_may_be_another_one_of_its_month(midway, used):
    refuse_escape(midway.tenant, "UTC", now=NIGHT + timedelta(days=1))


def test_but_not_one_of_another_month_while_its_own_is_used(midway, used):
    with pytest.raises(ApiError, match="Something of this day or month is used"):
        refuse_escape(midway.tenant, "UTC", now=datetime(2026, 12, 1, 10, tzinfo=UTC))


def test_where_it_is_the_same_date_nothing_escapes(midway, used):
    refuse_escape(midway.tenant, "Pacific/Pago_Pago", now=NIGHT)


@pytest.mark.parametrize("way_in", ["key", "user"])
def test_what_was_asked_for_before_a_change_counts_for_the_day_after_it(midway, way_in):
    caller = Caller(midway.tenant, (), **{way_in: getattr(midway, way_in)})
    Tenant.objects.update(time_zone="UTC")  # while pictures are taken in
    check_again(caller)
    reserve(caller.tenant, [Reservation(new_id("gen"), 0, 1)], now=NIGHT)
    assert Spending.objects.get(period=Spending.Period.DAY).starts_on == NIGHT.date()


def test_an_operator_changes_it_any_time(midway, operator):
    midway.api.post("/api/v1/generations", {"prompt": "a kite"})
    page = f"/admin/tenants/tenant/{midway.tenant.pk}/change/"
    form = {"name": "Kites", "time_zone": "Pacific/Kiritimati"}
    counts = {f"{each}-{kind}_FORMS": "0" for each in ("membership_set", "allowance") for kind in ("TOTAL", "INITIAL")}
    operator.post(page, form | counts)
    assert zone_of(midway) == "Pacific/Kiritimati"
