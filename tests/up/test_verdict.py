"""An ordeal's verdict notices a job that is lost, made twice, half done, charged for nothing, or told of otherwise."""

from collections import Counter

import pytest

from darkroom.up.inbox import Inbox
from darkroom.up.verdict import what_is_wrong


def job(status="succeeded", *, pictures=2, attempt=1, charged=0.1, code=""):
    return {
        "id": "gen_a",
        "status": status,
        "attempt": attempt,
        "images": [{}] * pictures,
        "spec": {"n": 2},
        "cost": {"charged": charged},
        "error": {"code": code} if code else None,
    }


@pytest.fixture
def inbox():
    """Who heard of one job, twice in one message's words."""
    it = Inbox("127.0.0.1:1")
    it.heard["gen_a"] = Counter({("msg_a", "succeeded"): 2})
    return it


GIVEN_UP = {"pictures": 0, "attempt": 3, "charged": 0.0, "code": "worker_crashed"}


def test_a_job_that_succeeded_is_well(inbox):
    assert list(what_is_wrong(["gen_a"], [job()], inbox)) == []


def test_a_job_that_was_given_up_is_well(inbox):
    inbox.heard["gen_a"] = Counter({("msg_a", "failed"): 1})
    assert list(what_is_wrong(["gen_a"], [job("failed", **GIVEN_UP)], inbox)) == []


@pytest.mark.parametrize(
    "ended",
    [
        job(pictures=1),
        job("running"),
        job("failed", **GIVEN_UP | {"code": "internal_error"}),
        job("failed", **GIVEN_UP | {"attempt": 2}),
        job("failed", **GIVEN_UP | {"charged": 0.1}),
        job("failed", **GIVEN_UP | {"pictures": 2}),
    ],
)
def test_a_job_that_ended_otherwise_is_wrong(ended, inbox):
    assert "did not end well" in next(what_is_wrong(["gen_a"], [ended], inbox))


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (["gen_a", "gen_b"], "gen_b was promised and is lost"),
        ([], "gen_a was made, and promised to nobody"),
        (["gen_a", "gen_a"], "gen_a was promised 2 times"),
    ],
)
def test_a_promise_is_kept_by_one_job(heard, said, inbox):
    assert list(what_is_wrong(heard, [job()], inbox)) == [said]


TOLD = ("msg_a", "succeeded")


@pytest.mark.parametrize("messages", [[], [TOLD, ("msg_b", "succeeded")], [("msg_a", "failed")]])
def test_an_end_is_told_of_once_as_it_was(messages, inbox):
    inbox.heard["gen_a"] = Counter(messages)
    assert list(what_is_wrong(["gen_a"], [job()], inbox)) == [f"gen_a is succeeded, and was told of as {messages}"]


def test_nothing_is_told_of_a_job_that_is_not_there(inbox):
    inbox.heard["gen_b"] = Counter([TOLD])
    assert list(what_is_wrong(["gen_a"], [job()], inbox)) == ["gen_b was told of, and is not there"]
