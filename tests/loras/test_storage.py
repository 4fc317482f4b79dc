"""LoRA files on disk and on S3: whole or not there, and where a worker reads them."""

import hashlib

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from darkroom import s3
from loras.storage import fetch, local_path
from tests.shelf import lora_file
from wire.errors import ApiError


class Torn(ContentFile):
    """A file whose reading breaks off."""

    def chunks(self, chunk_size=None):
        yield b"half"
        raise ConnectionError


@pytest.fixture
def weights(checkpoint):
    return storages["weights"]


@pytest.fixture
def bucket(checkpoint, settings, monkeypatch, tmp_path):
    """Weights go to an S3 server over HTTP, and this machine keeps copies in a home of its own."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    address = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=address).create_bucket(Bucket="weights")
    settings.STORAGES = settings.STORAGES | {"weights": s3.pictures("weights", address)}
    settings.STORAGE_ERRORS = [*settings.STORAGE_ERRORS, *s3.ERRORS]
    settings.HOME = tmp_path
    yield server
    server.stop()
    s3_backends.reset()  # moto's files outlive its server


def test_a_write_that_breaks_off_leaves_nothing(weights):
    with pytest.raises(ConnectionError):
        weights.save("loras/all/torn.safetensors", Torn(b""))
    assert not weights.exists("loras/all/torn.safetensors")
    assert weights.listdir("loras/all") == ([], [])


def test_a_write_takes_the_place_of_what_was_there(weights):
    for content in (b"one", b"two"):
        assert weights.save("a/b", ContentFile(content)) == "a/b"
    assert weights.open("a/b").read() == b"two"
    assert weights.listdir("a") == ([], ["b"])


def test_a_worker_fetches_from_s3_once(bucket, shelve, tmp_path):
    version = shelve("kites")
    copy = local_path(version)
    blocks: list[None] = []
    fetch(version, lambda: blocks.append(None))
    assert copy.read_bytes() == lora_file(1).read()
    assert copy.is_relative_to(tmp_path)
    fetch(version, lambda: blocks.append(None))
    assert len(blocks) == 1


def test_what_came_from_s3_is_held_against_its_hash(bucket, shelve, tmp_path):
    version = shelve("kites")
    storages["weights"].save(version.blob, ContentFile(b"something else"))
    with pytest.raises(ApiError, match="holds another file") as refusal:
        fetch(version)
    assert refusal.value.code == "lora_unavailable"
    assert list((tmp_path / "weights-cache").iterdir()) == []


def test_a_store_out_of_reach_is_told_in_words(bucket, shelve):
    version = shelve("kites")
    bucket.stop()
    with pytest.raises(ApiError, match="The weights store is full or out of reach") as refusal:
        fetch(version)
    assert refusal.value.code == "storage_unavailable"


def test_a_picture_is_made_with_a_lora_from_s3(bucket, shelve, alice, make_image):
    version = shelve("kites")
    image = make_image(alice, size="64x64", steps=1, loras=[{"name": "kites"}])
    assert image.receipt["loras"][0]["sha256"] == version.sha256
    assert hashlib.sha256(local_path(version).read_bytes()).hexdigest() == version.sha256
