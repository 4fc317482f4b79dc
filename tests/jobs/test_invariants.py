"""The checker of invariants: quiet when all is well, and each check can fail."""

import io
import json
import os
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from generation.models import GenerationJob, Image
from jobs.models import JobEvent, Status
from quotas.ledger import Reservation, reserve


def checked():
    """Return the numbers of the invariants that do not hold."""
    out = io.StringIO()
    try:
        call_command("check_invariants", "--json", stdout=out)
    except CommandError:
        assert not json.loads(out.getvalue())["ok"]
    return {row["invariant"] for row in json.loads(out.getvalue())["checks"] if row["violations"]}


@pytest.fixture
def image(alice, make_image):
    """A finished job's image."""
    return make_image(alice, size="64x64")


def test_all_is_well_after_ordinary_work(image, alice):
    alice.api.post("/api/v1/generations", {"prompt": "waiting"})
    assert checked() == set()


def test_it_sees_a_job_that_ended_without_an_event(image):
    JobEvent.objects.filter(status=Status.SUCCEEDED).delete()
    assert checked() == {"I2"}


def test_it_sees_a_claim_that_was_never_made(image):
    GenerationJob.objects.update(attempt=2)
    assert checked() == {"I3"}


def test_it_sees_an_image_too_many(image):
    GenerationJob.objects.update(n=0)
    assert checked() == {"I4", "I7"}


def test_it_sees_a_changed_file(image):
    default_storage.delete(image.blob)
    default_storage.save(image.blob, ContentFile(b"something else"))
    assert checked() == {"I8"}


def test_it_sees_a_reservation_without_a_job(image, alice):
    reserve(alice.tenant, [Reservation("gen_lost", ms=1, images=1)])
    assert checked() == {"I5"}


def test_it_sees_a_lost_file(image):
    default_storage.delete(image.thumbnail)
    assert checked() == {"I8"}


@pytest.fixture
def left(image):
    """A file of an hour ago, which lies where its attempt would have stored another picture."""
    name = default_storage.save(f"{Path(image.blob).parent}/1.png", ContentFile(b"left"))
    an_hour_ago = time.time() - 3600
    os.utime(default_storage.path(name), (an_hour_ago, an_hour_ago))


def test_it_sees_a_file_that_nothing_will_remove(left):
    assert checked() == {"I9"}


def test_what_an_attempt_left_that_was_cut_short_is_removed_later(left, image):
    event = {"tenant": image.tenant, "job_id": image.job_id, "attempt": 1, "status": Status.QUEUED}
    JobEvent.objects.create(name="requeued", **event)
    assert checked() == set()


def test_it_sees_an_image_of_the_wrong_tenant(image, charlie):
    Image.objects.update(tenant=charlie.tenant)
    assert checked() == {"I6", "I10"}
