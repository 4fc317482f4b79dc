"""Is what a query says beyond what a door knows ever passed over? By no native door: it might be a dry run."""

import pytest

from generation.models import GenerationJob
from tests.matrix.routes import ANYBODY, OPERATOR, OWN, POLICIES
from tests.matrix.test_matrix import address

SPEC = {"prompt": "a kite", "size": "64x64", "steps": 1}
GENERATIONS = "/api/v1/generations"
CHOSEN = [
    (method, address(route, policy, {}))
    for route, policy in POLICIES.items()
    for method, wanted in policy.methods.items()
    if route.startswith("api/") and wanted not in (ANYBODY, OPERATOR, OWN)
]
CHARGES = {
    GENERATIONS: SPEC,
    "/api/v1/batches": {"specs": [SPEC]},
    "/api/v1/sweeps": {"spec": SPEC, "axes": [{"field": "steps", "values": [1, 2]}]},
}


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


@pytest.mark.parametrize(("method", "path"), CHOSEN)
def test_no_native_door_passes_over_what_it_does_not_know(alice, method, path):
    answer = alice.api.generic(method, f"{path}?colour=red", "{}", "application/json")
    assert refusal(answer) == (400, "unknown_parameter", "colour")


@pytest.mark.parametrize("path", list(CHARGES)[1:])
def test_a_dry_run_where_there_is_none_makes_nothing(alice, path):
    answer = alice.api.post(f"{path}?dry_run=true", CHARGES[path])
    assert refusal(answer) == (400, "unknown_parameter", "dry_run")
    assert "This takes none." in answer.json()["error"]["message"]
    assert not GenerationJob.objects.exists()


def test_who_says_both_is_asked_which(alice):
    answer = alice.api.post(f"{GENERATIONS}?dry_run=true&dry_run=false", SPEC)
    assert refusal(answer) == (400, "duplicate_parameter", "dry_run")
    assert not GenerationJob.objects.exists()


def test_a_refusal_says_what_is_known(alice):
    answer = alice.api.get(f"{GENERATIONS}?status=cancelled")
    assert answer.json()["error"]["message"].endswith("Known: after, limit, batch.")


@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/images/edits", "/v1/images/variations"])
def test_openais_doors_refuse_a_dry_run(alice, path):
    answer = alice.api.post(f"{path}?dry_run=true", SPEC)
    assert refusal(answer) == (400, "unknown_parameter", "dry_run")
    assert not GenerationJob.objects.exists()


def test_whoever_asks_what_a_door_takes_is_told(alice):
    assert alice.api.options(f"{GENERATIONS}?colour=red").status_code == 200


def test_what_is_known_is_known_without_a_body_too(alice):
    assert alice.api.head(f"{GENERATIONS}?limit=1").status_code == 200


def test_openais_clients_may_say_more(alice, worker):
    assert alice.api.post("/v1/images/generations?api-version=2026-01-01", SPEC).status_code == 200
