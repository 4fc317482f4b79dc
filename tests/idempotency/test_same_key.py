"""A request that comes again with its Idempotency-Key has the effect and the answer of the first, and no more."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from generation.models import Batch, GenerationJob, Upload
from idempotency.keeping import forget_expired
from idempotency.models import KeptRequest
from tests.generation.giving import file_of, given, plain

ROUTE = "/api/v1/generations"
SMALL = {"prompt": "a kite", "size": "64x64"}


def ask(person, body=None, *, key="k1", route=ROUTE, **headers):
    """Ask with a key."""
    return person.api.post(route, SMALL if body is None else body, headers={"Idempotency-Key": key, **headers})


def code_of(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_the_same_request_is_the_same_job(alice):
    first, again = ask(alice), ask(alice)
    assert (again.status_code, again.json(), again["Location"]) == (202, first.json(), first["Location"])
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert GenerationJob.objects.count() == 1


def test_the_job_is_shown_as_it_stands_by_then(alice, run_jobs):
    ask(alice)
    run_jobs()
    assert ask(alice).json()["status"] == "succeeded"


def test_who_asks_again_may_wait_for_it(alice, worker):
    first = ask(alice)
    again = ask(alice, Prefer="wait=30")
    assert (again.status_code, again.json()["status"], again.json()["id"]) == (200, "succeeded", first.json()["id"])
    assert again["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("change", [{"steps": 3}, {"prompt": "a kite "}, {"seed": 1}])
def test_another_request_needs_another_key(alice, change):
    ask(alice)
    answer = ask(alice, SMALL | change)
    assert (code_of(answer), answer.json()["error"]["type"]) == (
        (422, "idempotency_key_reused"),
        "idempotency_error",
    )


def test_the_query_is_part_of_the_request(alice):
    ask(alice)
    assert code_of(ask(alice, route=f"{ROUTE}?dry_run=true"))[0] == 422


def test_a_dry_run_leaves_its_key_to_the_request_that_it_asked_about(alice):
    asked = ask(alice, route=f"{ROUTE}?dry_run=true")
    made = ask(alice)
    assert (asked.status_code, asked.json()["object"]) == (200, "quote")
    assert (made.status_code, made.json()["object"]) == (202, "generation")


def test_the_order_of_fields_says_nothing(alice):
    first = ask(alice)
    assert ask(alice, dict(reversed(SMALL.items()))).json()["id"] == first.json()["id"]


def test_another_tenants_same_key_is_another_request(alice, charlie):
    assert ask(alice).json()["id"] != ask(charlie).json()["id"]
    assert "Idempotency-Replayed" not in ask(charlie, key="k2")


def test_the_tenants_other_key_hears_the_same(alice, bob):
    assert ask(alice).json()["id"] == ask(bob).json()["id"]


def test_the_same_key_on_another_route_is_another_request(alice):
    ask(alice)
    answer = ask(alice, {"specs": [SMALL]}, route="/api/v1/batches")
    assert (answer.status_code, "Idempotency-Replayed" in answer) == (202, False)


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", "k\x7f", "clé"])
def test_a_key_that_is_none_is_refused(alice, key):
    assert code_of(ask(alice, key=key)) == (400, "invalid_idempotency_key")
    assert not GenerationJob.objects.exists()


def test_a_key_may_be_as_long_as_it_may(alice):
    assert ask(alice, key="~" * 255).status_code == 202


def test_what_was_refused_is_not_kept(alice, settings):
    assert ask(alice, {"prompt": ""}).status_code == 400
    settings.MAX_QUEUED = 0
    assert code_of(ask(alice)) == (503, "engine_overloaded")
    assert not KeptRequest.objects.exists()
    settings.MAX_QUEUED = 1
    assert "Idempotency-Replayed" not in ask(alice)


def test_a_repetition_is_answered_when_nothing_new_would_be(alice, settings):
    first = ask(alice)
    settings.MAX_QUEUED = 0
    assert ask(alice).json() == first.json()


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/api/v1/batches", {"specs": [SMALL] * 3}),
        ("/api/v1/sweeps", {"spec": SMALL, "axes": [{"field": "steps", "values": [1, 2]}]}),
    ],
)
def test_a_batch_is_made_once(alice, route, body):
    first, again = (ask(alice, body, route=route) for _ in range(2))
    assert (first.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert Batch.objects.count() == 1


def test_an_upload_is_answered_alike_even_when_it_is_gone(alice):
    first = ask(alice, {"data": given(plain())}, route="/api/v1/uploads")
    Upload.objects.all().delete()
    again = ask(alice, {"data": given(plain())}, route="/api/v1/uploads")
    assert (again.status_code, again.content, again["Location"]) == (201, first.content, first["Location"])
    assert again["Idempotency-Replayed"] == "true"


def test_another_file_in_the_same_form_is_another_request(alice):
    def give(colour):
        form = {"file": SimpleUploadedFile("kite.png", file_of(plain(colour)))}
        headers = {"Idempotency-Key": "u1", "Authorization": f"Bearer {alice.secret}"}
        return alice.browser.post("/api/v1/uploads", form, headers=headers).status_code

    assert [give("navy"), give("navy"), give("red")] == [201, 201, 422]


def test_reading_pays_no_heed_to_the_key(alice):
    assert all(alice.api.get(ROUTE, headers={"Idempotency-Key": ""}).status_code == 200 for _ in range(2))


def test_after_a_day_it_is_a_new_request(alice, expire):
    first = ask(alice)
    expire()
    assert ask(alice).json()["id"] != first.json()["id"]


def test_a_chore_forgets_what_is_a_day_old(alice, expire):
    ask(alice)
    forget_expired()
    assert KeptRequest.objects.count() == 1
    expire()
    forget_expired()
    assert not KeptRequest.objects.exists()
