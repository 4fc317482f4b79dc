"""The checker of the ledger: quiet when all is well, and each check can fail."""

import pytest

from generation.models import GenerationJob, Image
from jobs.models import Status
from quotas.models import LedgerEntry, Spending, StorageUse
from tests.jobs.test_invariants import checked

ROUTE = "/api/v1/generations"


@pytest.fixture
def image(alice, make_image):
    """A finished job's image."""
    return make_image(alice, size="64x64")


def test_all_is_well_after_successes_failures_and_cancels(alice, bob, charlie, image, make_image):
    made = [person.api.post(ROUTE, {"prompt": "waiting", "n": 2}).json()["id"] for person in (alice, bob, charlie)]
    alice.api.post(f"{ROUTE}/{made[0]}/cancel")
    alice.api.delete(f"/api/v1/images/{image.pk}")
    assert checked() == set()


def test_it_sees_a_sum_that_is_not_the_ledgers(image):
    Spending.objects.filter(period="month").update(spent_images=2)
    assert checked() == {"I5"}


def test_it_sees_a_sum_that_is_missing(image):
    Spending.objects.filter(period="day").delete()
    assert checked() == {"I5"}


def test_it_sees_an_ended_job_that_was_not_settled(alice):
    alice.api.post(ROUTE, {"prompt": "a kite"})
    GenerationJob.objects.update(status=Status.CANCELLED)
    assert "I5" in checked()


def test_it_sees_a_settlement_without_an_end(image):
    GenerationJob.objects.update(status=Status.QUEUED)
    assert "I5" in checked()


def test_it_sees_a_charge_beyond_the_reservation(image):
    LedgerEntry.objects.filter(kind="settle").update(ms=10**9)
    assert {"I5", "I6", "I7"} == checked()


def test_it_sees_a_charge_for_a_failure(image):
    Image.objects.all().delete()
    GenerationJob.objects.update(status=Status.FAILED)
    assert {"I2", "I7"} <= checked()


def test_it_sees_storage_that_nobody_keeps(image):
    StorageUse.objects.update(bytes=1)
    assert checked() == {"I6"}
