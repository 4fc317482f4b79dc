"""Watch a generation over server-sent events: states, steps, and the finished job."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

ROUTE = "/api/v1/generations"


@pytest.fixture
def watch(server):
    """Open a job's stream and return its (event, data) pairs until it ends."""

    def read(person, job_id):
        connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=30)
        connection.request("GET", f"{ROUTE}/{job_id}/events", headers={"Authorization": f"Bearer {person.secret}"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        blocks = answer.read().decode().split("\n\n")
        fields = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
        return [(each["event"], json.loads(each["data"])) for each in fields if "event" in each]

    return read


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
