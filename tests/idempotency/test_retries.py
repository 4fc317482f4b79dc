"""Which of several requests in the same words does a client's retry repeat? Each joins one, and leaves the others'."""

import pytest
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.parsers import JSONParser
from rest_framework.request import Request

from idempotency import keeping
from idempotency.by_retry import ByRetry
from idempotency.models import KeptRequest
from tenants.callers import Caller
from wire.errors import ApiError


@pytest.fixture
def attempt(alice):
    """Return alice's request, tried for the so-and-so-many-th time."""

    def make(tries):
        http = RequestFactory().post("/v1/images/generations", {"prompt": "a kite"}, content_type="application/json")
        request = Request(http, parsers=[JSONParser()])
        request.user = Caller(alice.tenant, (), key=alice.key)
        return ByRetry(request, tries)

    return make


@pytest.fixture
def made(attempt):
    """Make a first attempt's job, answered or not, and return its id."""

    def make(name, *, answered=False):
        kept, _ = attempt(0).begun()
        with keeping.doing(kept):
            keeping.note_made(name)
            if answered:
                keeping.answering()()
        return name

    return make


def test_each_retry_joins_another_of_those_that_nobody_was_answered(made, attempt):
    made("gen_1")
    made("gen_2")
    assert [attempt(1).find().job_id for _ in range(2)] == ["gen_1", "gen_2"]
    assert attempt(1).find() is None


def test_who_comes_while_it_is_being_made_is_the_one_who_joins_it(attempt):
    attempt(0).begun()
    with pytest.raises(ApiError):
        attempt(1).find()
    assert attempt(1).find() is None  # another's, whose first attempt never arrived


def test_who_comes_as_it_is_made_joins_it(attempt, monkeypatch):
    kept, _ = attempt(0).begun()
    retry, as_found = attempt(1), KeptRequest.objects.get()
    monkeypatch.setattr(retry, "_first", lambda: as_found)
    with keeping.doing(kept):
        keeping.note_made("gen_1")
    assert retry.find().job_id == "gen_1"


def test_who_comes_as_it_is_refused_is_new(attempt, monkeypatch):
    kept, _ = attempt(0).begun()
    retry, found = attempt(1), iter([KeptRequest.objects.get(), None])
    monkeypatch.setattr(retry, "_first", lambda: next(found))
    with keeping.doing(kept):
        pass
    assert retry.find() is None


def test_the_next_retry_joins_it_again(made, attempt):
    made("gen_1")
    assert [attempt(tries).find().job_id for tries in (1, 2, 3)] == ["gen_1"] * 3


def test_who_was_answered_before_is_not_disturbed(made, attempt):
    made("gen_1", answered=True)
    made("gen_2")
    made("gen_3", answered=True)
    assert attempt(1).find().job_id == "gen_2"


def test_an_answer_that_was_lost_on_its_way_is_the_newest(made, attempt):
    made("gen_1", answered=True)
    made("gen_2", answered=True)
    assert attempt(1).find().job_id == "gen_2"


def test_a_first_attempt_joins_nothing(made, attempt):
    made("gen_1")
    assert attempt(0).find() is None


def test_after_the_clients_patience_it_is_new(made, attempt, expire):
    made("gen_1")
    expire()
    assert attempt(1).find() is None


def test_joining_keeps_it_for_the_next_ten_minutes(made, attempt):
    made("gen_1")
    before = KeptRequest.objects.get().expires_at
    attempt(1).find()
    assert KeptRequest.objects.get().expires_at > before


@pytest.fixture
def tired(attempt):
    """A request that is being done, whose lease is more than half over."""
    kept, _ = attempt(0).begun()
    kept.lease_until -= keeping.LEASE * 0.6
    kept.save()
    return kept


def test_who_takes_long_goes_on_and_is_not_taken_over(tired):
    with keeping.doing(tired):
        keeping.go_on()
        assert KeptRequest.objects.get().lease_until > timezone.now() + keeping.LEASE / 2
        keeping.note_made("gen_1")
    assert KeptRequest.objects.get().job_id == "gen_1"


def test_who_was_taken_over_does_not_go_on(tired, attempt, fall_silent):
    fall_silent()
    attempt(1).begun()
    with pytest.raises(ApiError), keeping.doing(tired):
        keeping.go_on()


def test_who_died_before_the_commit_is_taken_over(attempt, fall_silent):
    dead, _ = attempt(0).begun()
    with pytest.raises(ApiError) as refusal:
        attempt(1).find()
    fall_silent()
    ours, is_ours = attempt(1).begun()
    assert (refusal.value.code, is_ours, ours.pk) == ("idempotency_in_progress", True, dead.pk)
    with pytest.raises(ApiError), keeping.doing(dead):
        keeping.note_made("gen_1")
