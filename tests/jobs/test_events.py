"""Watch a generation over server-sent events: states, steps, and the finished job."""

from generation.models import GenerationJob
from tenants.services import revoke_key
from tests.server import opened

ROUTE = "/api/v1/generations"
HOUR_MS = 3_600_000


def test_a_stream_tells_progress_and_ends_with_the_pictures(alice, watch, worker):
    job = alice.api.post(ROUTE, {"prompt": "a kite", "size": "64x64", "steps": 100}).json()
    *progress, (name, done) = watch(alice, job["id"])
    assert {event for event, _ in progress} == {"progress"}
    assert any(0 < snapshot["progress"]["step"] < 100 for _, snapshot in progress)
    assert (name, done["status"], len(done["images"])) == ("done", "succeeded", 1)


def test_a_finished_job_tells_its_end_at_once(alice, watch, make_image):
    events = watch(alice, make_image(alice).job_id)
    assert [name for name, _ in events] == ["progress", "done"]


def test_another_tenants_stream_looks_like_none(alice, charlie, server):
    job = alice.api.post(ROUTE, {"prompt": "a kite"}).json()
    foreign = charlie.api.get(f"{ROUTE}/{job['id']}/events")
    missing = charlie.api.get(f"{ROUTE}/gen_00000000000000000000000000/events")
    assert (foreign.status_code, foreign.content) == (404, missing.content)


def test_a_waiting_job_hears_that_it_moved_up(alice, server, run_jobs):
    first, second = (alice.api.post(ROUTE, {"prompt": f"kite {i}", "size": "64x64"}).json() for i in range(2))
    stream = opened(alice, server, second["id"])
    assert b'"position": 2' in stream.read1()
    alice.api.post(f"{ROUTE}/{first['id']}/cancel")
    assert b'"position": 1' in stream.read1()
    run_jobs()
    stream.read()


def test_a_waiting_job_hears_that_a_later_one_must_go_first(alice, server, run_jobs):
    first = alice.api.post(ROUTE, {"prompt": "a kite", "size": "64x64"}).json()
    GenerationJob.objects.update(estimated_ms=HOUR_MS)
    stream = opened(alice, server, first["id"])
    assert b'"position": 1' in stream.read1()
    alice.api.post(ROUTE, {"prompt": "a cat", "size": "64x64"}, headers={"Cancel-After": "30m"})
    assert b'"position": 2' in stream.read1()
    run_jobs()
    stream.read()


def test_revoking_the_key_ends_the_stream(alice, server, bob):
    job = alice.api.post(ROUTE, {"prompt": "a kite"}).json()
    stream = opened(alice, server, job["id"])
    assert b"progress" in stream.read1()
    revoke_key(alice.key)
    bob.api.post(f"{ROUTE}/{job['id']}/cancel")
    rest = stream.read()
    assert b"api_key_revoked" in rest
    assert b"cancelled" not in rest


def test_a_job_that_is_deleted_ends_its_stream(alice, server):
    job = alice.api.post(ROUTE, {"prompt": "a kite"}).json()
    stream = opened(alice, server, job["id"])
    assert b"progress" in stream.read1()
    GenerationJob.objects.get().delete()
    assert b"not_found" in stream.read()


def test_one_tenant_cannot_take_every_place_to_wait(alice, charlie, settings, make_image):
    settings.MAX_WAITERS_PER_TENANT = 0
    answer = alice.api.post(ROUTE, {"prompt": "a kite"}, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "too_many_waiting")
    assert not GenerationJob.objects.exists()
