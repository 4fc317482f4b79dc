"""LoRA files on disk and on S3: whole or not there, and where a worker reads them."""

import hashlib
import itertools
import os
import time

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from darkroom import s3
from loras.cache import fetched
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


def cached(tmp_path):
    """The hashes of the files on this machine."""
    return {file.stem for file in (tmp_path / "weights-cache").iterdir()}


@pytest.fixture
def three(bucket, shelve, settings):
    """Three LoRAs of one size on S3, and room for two on this machine."""
    versions = [shelve(f"lora {number}", number) for number in (1, 2, 3)]
    settings.WEIGHTS_CACHE_BYTES = 2 * max(version.size_bytes for version in versions)
    return versions


def use(*versions):
    for version in versions:
        with fetched(version):
            os.utime(local_path(version), ns=(next(MOMENTS), next(MOMENTS)))


MOMENTS = itertools.count(1)  # file systems count time less finely than tests run


def test_what_was_used_last_stays_within_the_budget(three, tmp_path):
    one, two, three_ = three
    use(one, two, one, three_)
    assert cached(tmp_path) == {one.sha256, three_.sha256}


def test_a_file_in_use_stays_whatever_is_fetched(three, tmp_path, settings):
    one, two, three_ = three
    settings.WEIGHTS_CACHE_BYTES = 1
    with fetched(one):
        use(two, three_)
        assert cached(tmp_path) == {one.sha256, three_.sha256}
    use(two)
    assert cached(tmp_path) == {two.sha256}


def test_a_download_that_broke_off_goes_and_one_under_way_stays(three, tmp_path, settings):
    settings.WEIGHTS_CACHE_BYTES = 1
    use(three[0])
    for name, age in (("broken.safetensors.00", 7200), ("coming.safetensors.00", 10)):
        (tmp_path / "weights-cache" / name).write_bytes(b"half")
        os.utime(tmp_path / "weights-cache" / name, (time.time() - age, time.time() - age))
    use(three[1])
    assert cached(tmp_path) == {three[1].sha256, "coming.safetensors"}


def test_a_file_is_kept_until_its_generation_has_ended(three, tmp_path, settings, alice, make_image):
    settings.WEIGHTS_CACHE_BYTES = 1
    make_image(alice, size="64x64", steps=1, loras=[{"name": "lora 1"}, {"name": "lora 2"}])
    assert cached(tmp_path) == {three[0].sha256, three[1].sha256}
    use(three[2])
    assert cached(tmp_path) == {three[2].sha256}


def test_a_worker_with_the_store_on_its_own_disk_trims_nothing(shelve, settings):
    settings.WEIGHTS_CACHE_BYTES = 1
    versions = [shelve("one", 1), shelve("two", 2)]
    use(*versions)
    assert all(local_path(version).is_file() for version in versions)
