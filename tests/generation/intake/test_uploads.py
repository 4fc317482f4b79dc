"""Give a picture for later, look at it, take it back; it goes by itself when nothing uses it."""

import io
import os
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from generation import storage
from generation.intake.uploads import remove_unused
from generation.models import DiscardedFile, GenerationControl, GenerationJob, Upload
from loras.models import ControlNet
from tenants.models import Membership, Scope
from tenants.services import issue_key
from tests.conftest import Api
from tests.jobs.test_invariants import checked
from tests.pictures import data_url, file_of, picture, upload

ROUTE = "/api/v1/uploads"
USES = ["init_image", "mask", "control"]


@pytest.fixture
def given(alice) -> Upload:
    """A picture that alice gave."""
    return Upload.objects.get(pk=upload(alice, file_of(picture())).json()["id"])


def use(person, given: Upload, way: str) -> GenerationJob:
    """Ask for a picture that is made with this upload."""
    job = GenerationJob.objects.get(pk=person.api.post("/api/v1/generations", {"prompt": "a kite"}).json()["id"])
    if way == "control":
        net = ControlNet.objects.create(name="canny", source="canny", context_width=32)
        places = {"position": 0, "weight": 1, "start": 0, "end": 1}
        GenerationControl.objects.create(job=job, controlnet=net, image=given, **places)
    else:
        GenerationJob.objects.filter(pk=job.pk).update(**{way: given})
    return job


def test_a_file_in_a_form_becomes_an_upload(alice):
    answer = upload(alice, file_of(picture()), name="../../etc/passwd")
    facts, stored = answer.json(), Upload.objects.get()
    assert (answer.status_code, answer["Location"]) == (201, facts["url"])
    assert (facts["object"], facts["id"], facts["width"], facts["height"]) == ("upload", stored.pk, 96, 64)
    assert (facts["sha256"], facts["size_bytes"]) == (stored.sha256, len(storage.read(stored.blob)))
    assert facts["created_at"][:10] < facts["expires_at"][:10]


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_every_member_may_look_at_it(alice, bob, given, who):
    person = {"alice": alice, "bob": bob}[who]
    facts = person.api.get(f"{ROUTE}/{given.pk}").json()
    answer = person.browser.get(urlsplit(facts["url"]).path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert Image.open(io.BytesIO(answer.content)).tobytes() == picture().tobytes()


def test_an_unchanged_one_is_not_sent_twice(alice, given):
    etag = alice.api.get(f"{ROUTE}/{given.pk}/content")["ETag"]
    assert alice.api.get(f"{ROUTE}/{given.pk}/content", headers={"If-None-Match": etag}).status_code == 304


def test_a_data_url_in_json_is_the_same_upload(alice, given):
    answer = alice.api.post(ROUTE, {"data": data_url(file_of(picture()))})
    assert (answer.status_code, answer.json()["id"]) == (201, given.pk)


@pytest.mark.parametrize("route", ["", "/content"])
def test_another_tenants_upload_looks_like_none(alice, charlie, given, route):
    foreign = charlie.api.get(f"{ROUTE}/{given.pk}{route}")
    missing = charlie.api.get(f"{ROUTE}/upl_{'0' * 26}{route}")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert charlie.api.get(f"{ROUTE}/%00{route}").content == missing.content


def test_another_tenant_cannot_delete_it_and_has_one_of_its_own(alice, charlie, given):
    own = upload(charlie, file_of(picture())).json()["id"]
    assert own != given.pk
    assert charlie.api.delete(f"{ROUTE}/{given.pk}").status_code == 404
    assert alice.api.get(f"{ROUTE}/{given.pk}").status_code == 200


def test_deleting_removes_the_row_and_the_file(alice, given):
    assert alice.api.delete(f"{ROUTE}/{given.pk}").status_code == 204
    assert alice.api.get(f"{ROUTE}/{given.pk}").status_code == 404
    assert list(storage.blobs()) == []


@pytest.mark.parametrize("way", USES)
def test_one_that_a_generation_was_made_with_stays(alice, given, way):
    use(alice, given, way)
    answer = alice.api.delete(f"{ROUTE}/{given.pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "resource_in_use")
    assert alice.api.get(f"{ROUTE}/{given.pk}/content").status_code == 200


def test_one_that_nobody_names_for_a_day_goes_with_its_file(given):
    remove_unused()
    assert Upload.objects.exists()
    Upload.objects.update(used_at=timezone.now() - timedelta(hours=25))
    remove_unused()
    assert not Upload.objects.exists()
    assert list(storage.blobs()) == []


@pytest.mark.parametrize("way", USES)
def test_one_that_a_generation_was_made_with_outlives_the_day(alice, given, way):
    use(alice, given, way)
    Upload.objects.update(used_at=timezone.now() - timedelta(hours=25))
    remove_unused()
    assert storage.read(Upload.objects.get().blob)


def test_it_may_be_given_again_after_it_went(alice, given):
    alice.api.delete(f"{ROUTE}/{given.pk}")
    again = upload(alice, file_of(picture())).json()
    assert again["id"] != given.pk
    assert alice.api.get(f"{ROUTE}/{again['id']}/content").status_code == 200


def test_a_store_that_refuses_is_told_and_no_row_stays(alice, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("where a folder should be")
    settings.STORAGES = settings.STORAGES | {"default": settings.PICTURES | {"OPTIONS": {"location": blocked}}}
    answer = upload(alice, file_of(picture()))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
    assert not Upload.objects.exists()


def test_a_file_whose_row_was_never_written_goes_after_an_hour(alice, given):
    """As if the process had died between the two."""
    Upload.objects.all().delete()
    note = DiscardedFile.objects.create(key=given.blob, due_at=timezone.now() + timedelta(hours=1))
    storage.remove_discarded()
    assert list(storage.blobs()) == [given.blob]
    DiscardedFile.objects.filter(pk=note.pk).update(due_at=timezone.now())
    storage.remove_discarded()
    assert list(storage.blobs()) == []


REFUSED = [
    ({}, "missing_required_parameter", "file"),
    ({"data": "data:,", "url": "https://example.com/"}, "invalid_value", "file"),
    ({"data": "aGVsbG8="}, "invalid_base64_image", "data"),
    ({"data": 5}, "invalid_type", "data"),
    ({"url": "https://127.0.0.1/kite.png"}, "invalid_image_url", "url"),
    ({"url": data_url(b"")}, "invalid_image_url", "url"),
    ({"url": "https://" + "a" * 5000}, "string_above_max_length", "url"),
    ({"file": "kite.png"}, "invalid_type", "file"),
    ({"name": "kite.png"}, "unknown_parameter", "name"),
]


@pytest.mark.parametrize(("body", "code", "param"), REFUSED)
def test_what_gives_no_picture_is_refused_by_name(alice, body, code, param):
    answer = alice.api.post(ROUTE, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)


def test_a_stranger_gives_nothing(alice):
    form = {"file": SimpleUploadedFile("kite.png", file_of(picture()))}
    assert Client().post(ROUTE, form).status_code == 401
    assert not Upload.objects.exists()


def test_a_key_that_may_only_read_may_only_look(alice, given):
    _, secret = issue_key(alice.tenant, "a reader")
    alice.tenant.apikey_set.filter(name="a reader").update(scopes=[Scope.READ])
    reader = Api(secret)
    assert reader.get(f"{ROUTE}/{given.pk}/content").status_code == 200
    assert reader.delete(f"{ROUTE}/{given.pk}").status_code == 403
    assert reader.post(ROUTE, {"data": data_url(file_of(picture()))}).json()["error"]["code"] == "insufficient_scope"


def test_a_viewer_may_only_look(alice, bob, given):
    Membership.objects.filter(user=bob.user).update(role=Membership.Role.VIEWER)
    assert bob.browser.get(f"{ROUTE}/{given.pk}").status_code == 200
    assert bob.browser.delete(f"{ROUTE}/{given.pk}").status_code == 403


def test_a_page_gives_a_picture_with_its_session_and_token(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user)
    form = {"file": SimpleUploadedFile("kite.png", file_of(picture())), "csrfmiddlewaretoken": "x" * 32}
    assert browser.post(ROUTE, form).status_code == 403
    browser.cookies["csrftoken"] = "x" * 32
    form["file"].seek(0)
    assert browser.post(ROUTE, form).status_code == 201


def test_all_is_well_with_a_picture_given_and_used(alice, given):
    use(alice, given, "init_image")
    assert checked() == set()


def test_the_checker_sees_a_lost_file(given):
    storage.remove(given.blob)
    assert checked() == {"I8"}


@pytest.mark.parametrize("way", USES)
def test_the_checker_sees_another_tenants_picture(alice, charlie, given, way):
    use(charlie, given, way)
    assert checked() == {"I10"}


def test_the_checker_sees_a_file_without_an_upload(given, settings):
    Upload.objects.all().delete()
    path = settings.STORAGES["default"]["OPTIONS"]["location"] / given.blob
    os.utime(path, (0, 0))
    assert checked() == {"I6", "I9"}
