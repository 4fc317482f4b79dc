"""Whatever dies in between, a request with a key has one effect: leases lapse, and late commits are refused."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.test import RequestFactory
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.models import GenerationJob, Upload
from generation.views import Generations
from idempotency import keeping
from idempotency.models import KeptRequest
from tenants.authentication import caller
from tenants.models import ApiKey
from tenants.services import issue_key
from tests.generation.giving import given, plain
from tests.idempotency.test_same_key import SMALL, ask, code_of

PARALLEL = 50


class Died(BaseException):
    """The end of a process, as far as a test can survive it."""


def door(view, person, body=SMALL):
    """Ask a door that is on no map, with a key."""
    headers = {"Authorization": f"Bearer {person.secret}", "Idempotency-Key": "k1"}
    path = "/api/v1/generations"
    return view.as_view()(RequestFactory().post(path, body, content_type="application/json", headers=headers))


class Dying(Generations):
    """A process that dies between its commit and its answer."""

    def post(self, request):
        super().post(request)
        raise Died


class Issuing(APIView):
    """A door whose answer shows a secret, as a room below would write it."""

    once = "whole"

    def post(self, request):
        _, secret = issue_key(caller(request).tenant, "new")
        return Response({"secret": secret}, status=201, headers={"Location": "/here"})


class IssuingAndDying(Issuing):
    """A process that dies between its deed and its commit."""

    def post(self, request):
        super().post(request)
        raise Died


def test_who_died_after_the_commit_left_the_job(alice):
    with pytest.raises(Died):
        door(Dying, alice)
    again = ask(alice)
    assert (again.status_code, again.json()["id"]) == (202, GenerationJob.objects.get().pk)
    assert again["Idempotency-Replayed"] == "true"


def test_what_is_still_being_done_is_asked_for_again_in_a_second(alice):
    ask(alice)
    KeptRequest.objects.update(job_id="", lease_until="2100-01-01T00:00Z")
    answer = ask(alice)
    assert (code_of(answer), answer["Retry-After"]) == ((409, "idempotency_in_progress"), "1")
    assert answer.json()["error"]["type"] == "idempotency_error"


def test_who_died_before_the_commit_left_a_lease_that_lapses(alice, fall_silent):
    ask(alice)
    GenerationJob.objects.all().delete()
    KeptRequest.objects.update(job_id="", lease_until="2100-01-01T00:00Z")
    fall_silent()
    again = ask(alice)
    assert (again.status_code, again.json()["id"]) == (202, GenerationJob.objects.get().pk)


def test_who_was_given_up_makes_no_second_job(alice, fall_silent):
    class Overtaken(Generations):
        """A process that is so slow that another takes its request over before its commit."""

        def post(self, request):
            fall_silent()
            ask(alice)
            return super().post(request)

    answer = door(Overtaken, alice)
    assert (answer.status_code, GenerationJob.objects.count()) == (409, 1)
    assert ask(alice).json()["id"] == GenerationJob.objects.get().pk


def test_who_was_given_up_takes_in_no_picture(alice, monkeypatch):
    class Overtaken(Generations):
        """A process that another takes the request over from while it waits for its turn to decode."""

        def post(self, request):
            monkeypatch.setattr(keeping, "LEASE", timedelta(hours=1))  # of which less than half is left
            KeptRequest.objects.update(lease_until="2100-01-01T00:00Z")
            return super().post(request)

    answer = door(Overtaken, alice, SMALL | {"init_image": given(plain())})
    assert (answer.status_code, answer.data["error"]["code"]) == (409, "idempotency_in_progress")
    assert not Upload.objects.exists()


def test_a_bug_leaves_nothing_behind(alice):
    class Broken(Generations):
        def post(self, request):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        door(Broken, alice)
    assert not KeptRequest.objects.exists()


def test_a_secret_is_shown_again_and_lies_nowhere(alice):
    first, again = (door(Issuing, alice) for _ in range(2))
    assert (again.status_code, again.data, again["Location"]) == (201, first.data, "/here")
    kept = KeptRequest.objects.get()
    assert first.data["secret"].encode() not in bytes(kept.body)
    assert ApiKey.objects.filter(name="new").count() == 1


def test_an_answer_that_can_no_longer_be_read_is_not_given_anew(alice, settings):
    door(Issuing, alice)
    settings.SECRET_KEY = "another"
    answer = door(Issuing, alice)
    assert (answer.status_code, answer.data["error"]["code"]) == (409, "idempotency_answer_lost")
    assert (answer["x-should-retry"], ApiKey.objects.filter(name="new").count()) == ("false", 1)


def test_a_deed_without_its_answer_is_undone(alice):
    with pytest.raises(Died):
        door(IssuingAndDying, alice)
    assert not ApiKey.objects.filter(name="new").exists()
    assert door(Issuing, alice).status_code == 201


def test_who_was_given_up_does_nothing(alice):
    class Overtaken(Issuing):
        """A process that is so slow that another takes its request over before its commit."""

        def post(self, request):
            KeptRequest.objects.update(lease_until="2100-01-01T00:00Z")
            return super().post(request)

    assert door(Overtaken, alice).status_code == 409
    assert not ApiKey.objects.filter(name="new").exists()


def test_fifty_at_once_make_one_job(alice):
    ready, answers = threading.Barrier(PARALLEL), []

    def come():
        ready.wait()
        answers.append(ask(alice))
        connections.close_all()

    threads = [threading.Thread(target=come) for _ in range(PARALLEL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    refused = {code_of(answer) for answer in answers if answer.status_code != 202}
    assert (len(answers), set(made), refused - {(409, "idempotency_in_progress")}) == (
        PARALLEL,
        {GenerationJob.objects.get().pk},
        set(),
    )
    assert ask(alice).json()["id"] == made[0]
