"""Where the files lie: on S3 as on disk, and what happens when the store refuses."""

import boto3
import pytest
from moto.server import ThreadedMotoServer

from darkroom import s3
from generation import storage
from generation.models import GenerationJob
from jobs import leases
from jobs.scheduler import do_chores

ROUTE = "/api/v1/generations"


@pytest.fixture
def s3_server(settings, monkeypatch):
    """Files go to an S3 server over HTTP."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket="pictures")
    settings.STORAGES = settings.STORAGES | {"default": s3.pictures("pictures", address)}
    settings.STORAGE_ERRORS = [*settings.STORAGE_ERRORS, *s3.ERRORS]
    yield server
    server.stop()


def test_pictures_live_and_die_on_s3(alice, s3_server, make_image):
    image = make_image(alice, size="64x64")
    assert set(storage.blobs()) == {image.blob, image.thumbnail}
    assert alice.api.get(f"/api/v1/images/{image.pk}/content").content.startswith(b"\x89PNG")
    alice.api.delete(f"/api/v1/images/{image.pk}")
    assert set(storage.blobs()) == set()


def test_a_store_out_of_reach_fails_the_job_in_words(alice, s3_server, run_jobs):
    job = alice.api.post(ROUTE, {"prompt": "a kite", "size": "64x64"}).json()
    s3_server.stop()
    run_jobs()
    error = alice.api.get(f"{ROUTE}/{job['id']}").json()["error"]
    assert error["code"] == "storage_unavailable"
    assert "Try again later" in error["message"]


def test_a_deleted_picture_goes_when_the_store_is_back(alice, s3_server, make_image, settings):
    image = make_image(alice, size="64x64")
    works = settings.STORAGES
    blocked = s3.pictures("pictures", "http://127.0.0.1:1")
    settings.STORAGES = works | {"default": blocked}
    assert alice.api.delete(f"/api/v1/images/{image.pk}").status_code == 204
    settings.STORAGES = works
    assert image.blob in set(storage.blobs())
    do_chores()
    assert set(storage.blobs()) == set()


def test_a_full_disk_fails_the_job_in_words(alice, run_jobs, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("where a folder should be")
    settings.STORAGES = settings.STORAGES | {"default": settings.PICTURES | {"OPTIONS": {"location": blocked}}}
    job = alice.api.post(ROUTE, {"prompt": "a kite", "size": "64x64"}).json()
    run_jobs()
    assert alice.api.get(f"{ROUTE}/{job['id']}").json()["error"]["code"] == "storage_unavailable"


def test_two_attempts_never_share_a_file(alice):
    alice.api.post(ROUTE, {"prompt": "a kite"})
    first = leases.claim(GenerationJob, "w1")
    one = storage.write(first, "0.png", b"one")
    leases.recover(first, "test")
    two = storage.write(leases.claim(GenerationJob, "w2"), "0.png", b"two")
    assert (storage.read(one), storage.read(two)) == (b"one", b"two")
