"""The largest request that a plan allows; a refusal names the field, the limit and what would pass."""

import pytest

from quotas.models import Plan

ROUTE = "/api/v1/generations"


@pytest.fixture
def small(alice, allow):
    """Alice's studio has a small plan."""
    allow(alice, plan=Plan.objects.create(name="Small", max_n=2, max_steps=20, max_pixels=512 * 512))


@pytest.mark.parametrize(
    ("fields", "code", "param", "sentence"),
    [
        ({"n": 3}, "integer_above_max_value", "n",
         "n may be 2 at most (plan Small), and this asks for 3 pictures."),
        ({"steps": 21}, "integer_above_max_value", "steps",
         "steps may be 20 at most (plan Small), and this asks for 21 steps."),
        ({"size": "1024x512"}, "invalid_size", "size",
         "Pictures may have 262144 pixels (plan Small), and 1024x512 are 524288. Ask for 720x360."),
        ({"width": 520, "height": 512}, "invalid_size", "width",
         "Pictures may have 262144 pixels (plan Small), and 520x512 are 266240. Ask for 512x504."),
        ({"size": "256x256", "hires": {"scale": 2.1}}, "invalid_size", "hires.scale",
         "Pictures may have 262144 pixels (plan Small), and 536x536 are 287296. Here hires.scale may be 2."),
        ({"size": "496x512", "hires": {"scale": 2}}, "invalid_size", "hires.scale",
         "Pictures may have 262144 pixels (plan Small), and 992x1024 are 1015808. Leave hires out."),
        ({"size": "768x768", "hires": {"scale": 2}}, "invalid_size", "size",
         "Pictures may have 262144 pixels (plan Small), and 1536x1536 are 2359296. Ask for 512x512 without hires."),
    ],
)  # fmt: skip
def test_a_request_beyond_the_plan_is_refused_with_what_would_pass(alice, small, fields, code, param, sentence):
    usual = {"prompt": "a kite", "steps": 4} | ({} if "width" in fields else {"size": "64x64"})
    answer = alice.api.post(ROUTE, usual | fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"], error["message"]) == (400, code, param, sentence)


def test_what_is_said_to_pass_passes(alice, small):
    for fields in ({"size": "720x360"}, {"size": "512x504"}, {"size": "256x256", "hires": {"scale": 2.01}}):
        assert alice.api.post(ROUTE, {"prompt": "a kite", "steps": 20, "n": 2} | fields).status_code == 202


def test_programs_are_told_the_limit(alice, small):
    error = alice.api.post(ROUTE, {"prompt": "a kite", "steps": 4, "n": 3, "size": "64x64"}).json()["error"]
    assert error["limit"] == {"name": "max_n", "limit": 2, "used": 0, "requested": 3, "resets_at": None}


def test_a_spec_beyond_the_plan_is_named_in_a_batch(alice, small):
    specs = [{"prompt": "a kite", "steps": steps, "size": "64x64"} for steps in (20, 21)]
    assert alice.api.post("/api/v1/batches", {"specs": specs}).json()["error"]["param"] == "specs[1].steps"
