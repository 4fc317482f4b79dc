"""Download a batch as one ZIP: every picture as it is stored, and a manifest of all that was asked for."""

import csv
import hashlib
import http.client
import io
import json
import tracemalloc

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.backends.signals import connection_created

from generation.batches.archive import archive
from generation.batches.services import find_batch, jobs_of
from generation.models import GenerationJob, Image
from tests.generation.batches.conftest import BATCHES, SMALL

MANIFESTS = ["manifest.csv", "manifest.json"]


def rows_in(opened):
    """Return the rows of both manifests: the table's and the exact ones."""
    table = csv.DictReader(io.StringIO(opened.read("manifest.csv").decode(), newline=""))
    return list(table), json.loads(opened.read("manifest.json"))


def test_an_archive_holds_every_picture_byte_for_byte(alice, make_batch, unzip):
    batch = make_batch(alice, {"n": 2}, {"prompt": "A café, at night!"}, {"output_format": "webp"})
    opened = unzip(alice, batch["urls"]["archive"])
    stored = {image.sha256 for image in Image.objects.all()}
    names = ["000-0-a-red-kite.png", "000-1-a-red-kite.png", "001-0-a-cafe-at-night.png", "002-0-a-red-kite.webp"]
    assert opened.namelist() == [*names, *MANIFESTS]
    assert {hashlib.sha256(opened.read(name)).hexdigest() for name in names} == stored
    assert len(stored) == 4


def test_the_manifests_tell_how_each_picture_was_made(alice, make_batch, unzip):
    batch = make_batch(alice, {"seed": 7, "n": 2, "steps": 3})
    table, exact = rows_in(unzip(alice, batch["urls"]["archive"]))
    images = Image.objects.order_by("index")
    assert [row["sha256"] for row in table] == [row["sha256"] for row in exact] == [image.sha256 for image in images]
    assert [(row["image"], row["seed"], row["steps"], row["width"]) for row in exact] == [
        (image.pk, 7 + image.index, 3, 64) for image in images
    ]
    assert [(row["file"], row["seed"], row["checkpoint"], row["error_code"]) for row in table] == [
        (f"000-{index}-a-red-kite.png", str(7 + index), "fake-sdxl", "") for index in range(2)
    ]


def test_two_downloads_are_the_same_file(alice, make_batch, ask):
    batch = make_batch(alice, {}, {"n": 2})
    one, other = (ask(alice, batch["urls"]["archive"]) for _ in range(2))
    assert one.read() == other.read()
    assert one.getheader("Content-Disposition") == f'attachment; filename="{batch["id"]}.zip"'


def test_what_failed_or_is_not_made_yet_has_a_row_without_a_file(alice, make_batch, unzip):
    batch = make_batch(alice, {"n": 2}, {}, {})
    Image.objects.filter(job__batch_index__in=[1, 2]).delete()
    failed = {"status": "failed", "error_code": "invalid_output", "error_message": "=No"}
    GenerationJob.objects.filter(batch_index=1).update(**failed)
    GenerationJob.objects.filter(batch_index=2).update(status="running")
    table, exact = rows_in(unzip(alice, batch["urls"]["archive"]))
    assert [bool(row["file"]) for row in exact] == [True, True, False, False]
    assert exact[2]["error"] == {"code": "invalid_output", "message": "=No"}
    assert (table[2]["error_code"], table[2]["error_message"]) == ("invalid_output", "'=No")
    assert (exact[3]["status"], exact[3]["error"]) == ("running", None)


def test_a_cancelled_and_a_deleted_picture_say_so(alice, make_batch, unzip):
    waiting = alice.api.post(BATCHES, {"specs": [SMALL]}).json()
    alice.api.post(waiting["urls"]["cancel"])
    batch = make_batch(alice, {})
    alice.api.delete(f"/api/v1/images/{Image.objects.get().pk}")
    rows = [row for each in (waiting, batch) for row in rows_in(unzip(alice, each["urls"]["archive"]))[1]]
    assert [(row["error"]["code"], row["file"]) for row in rows] == [("cancelled", None), ("image_deleted", None)]


@pytest.mark.parametrize("prompt", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_runs_no_prompt(alice, make_batch, unzip, prompt):
    table, exact = rows_in(unzip(alice, make_batch(alice, {"prompt": prompt})["urls"]["archive"]))
    assert table[0]["prompt"] == f"'{prompt}"
    assert exact[0]["prompt"] == prompt


def test_a_prompt_names_no_other_folder(alice, make_batch, unzip):
    opened = unzip(alice, make_batch(alice, {"prompt": "../../etc/passwd"}, {"prompt": "風車"})["urls"]["archive"])
    assert opened.namelist() == ["000-0-etcpasswd.png", "001-0-picture.png", *MANIFESTS]


def test_a_single_generation_is_an_archive_too(alice, charlie, make_image, unzip, ask):
    image = make_image(alice, **SMALL)
    route = f"/api/v1/generations/{image.job_id}/archive"
    assert hashlib.sha256(unzip(alice, route).read("000-0-a-red-kite.png")).hexdigest() == image.sha256
    assert ask(charlie, route).status == 404


def test_a_picture_deleted_while_the_archive_is_read_is_left_out(alice, make_batch):
    jobs = list(jobs_of(find_batch(alice.tenant, make_batch(alice, {}, {})["id"])))
    alice.api.delete(f"/api/v1/images/{Image.objects.latest('pk').pk}")
    content = b"".join(archive(jobs, jobs[0].created_at))
    assert b"000-0-a-red-kite.png" in content
    assert b"001-0-a-red-kite.png" not in content


def test_an_archive_breaks_off_when_the_store_has_lost_a_picture(alice, make_batch, ask):
    batch = make_batch(alice, {})
    default_storage.delete(Image.objects.get().blob)
    with pytest.raises((http.client.IncompleteRead, http.client.RemoteDisconnected)):
        ask(alice, batch["urls"]["archive"]).read()


def enlarge(image, size):
    default_storage.delete(image.blob)
    assert default_storage.save(image.blob, ContentFile(bytes(size))) == image.blob


def test_a_slow_reader_holds_no_database_connection(alice, make_batch, ask):
    batch = make_batch(alice, {}, {})
    for image in Image.objects.all():
        enlarge(image, 16 << 20)  # more than sockets take in
    opened = []
    connection_created.connect(note := lambda connection, **_: opened.append(connection))
    answer = ask(alice, batch["urls"]["archive"])
    assert answer.read(4) == b"PK\x03\x04"
    assert opened
    assert [each for each in opened if each.connection is not None] == []
    assert len(answer.read()) > 32 << 20
    connection_created.disconnect(note)


def test_no_more_than_one_picture_is_in_memory(alice, make_batch):
    size, batch = 8 << 20, make_batch(alice, *[{}] * 4)
    for image in Image.objects.all():
        enlarge(image, size)
    jobs = list(jobs_of(find_batch(alice.tenant, batch["id"])))
    tracemalloc.start()
    sent = sum(map(len, archive(jobs, jobs[0].created_at)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > 4 * size
    assert peak < 1.7 * size
