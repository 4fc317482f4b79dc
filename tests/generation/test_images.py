"""Look at an image, open it without a key, delete it."""

from urllib.parse import urlsplit

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from generation.links import SMALL, link_to, link_to_thumbnail


def test_an_image_tells_how_it_was_made(alice, make_image):
    image = make_image(alice, prompt="a red kite", seed=7, size="64x64")
    receipt = alice.api.get(f"/api/v1/images/{image.pk}").json()["receipt"]
    assert (receipt["prompt"], receipt["seed"], receipt["width"]) == ("a red kite", 7, 64)


def test_the_thumbnail_is_a_small_webp(alice, make_image):
    image = make_image(alice, size="512x256")
    thumbnail = alice.api.get(f"/api/v1/images/{image.pk}/content?size=thumbnail")
    assert thumbnail["Content-Type"] == "image/webp"
    assert len(thumbnail.content) < 20_000


def test_an_unchanged_image_is_not_sent_twice(alice, make_image):
    path = f"/api/v1/images/{make_image(alice).pk}/content"
    etag = alice.api.get(path)["ETag"]
    assert alice.api.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_deleting_removes_the_row_and_the_files(alice, make_image):
    image = make_image(alice)
    assert alice.api.delete(f"/api/v1/images/{image.pk}").status_code == 204
    assert alice.api.get(f"/api/v1/images/{image.pk}").status_code == 404
    assert not default_storage.exists(image.blob)
    assert not default_storage.exists(image.thumbnail)


@pytest.mark.parametrize("route", ["", "/content", "/content?size=thumbnail"])
def test_another_tenants_image_looks_like_none(alice, charlie, make_image, route):
    image = make_image(alice)
    foreign = charlie.api.get(f"/api/v1/images/{image.pk}{route}")
    missing = charlie.api.get(f"/api/v1/images/img_00000000000000000000000000{route}")
    assert (foreign.status_code, foreign.content) == (404, missing.content)


def test_another_tenant_cannot_delete_it(alice, charlie, make_image):
    image = make_image(alice)
    assert charlie.api.delete(f"/api/v1/images/{image.pk}").status_code == 404
    assert alice.api.get(f"/api/v1/images/{image.pk}").status_code == 200


def test_a_link_opens_its_image_without_a_key(alice, make_image):
    image = make_image(alice)
    answer = Client().get(urlsplit(link_to(image)).path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")


def test_a_link_opens_no_other_image(alice, make_image):
    one, other = make_image(alice), make_image(alice)
    path = urlsplit(link_to(one)).path.replace(one.pk, other.pk)
    assert Client().get(path).status_code == 403


def test_a_link_dies(alice, make_image, settings):
    path = urlsplit(link_to(make_image(alice))).path
    settings.IMAGE_URL_SECONDS = -1
    answer = Client().get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "link_expired")


def test_a_link_dies_with_its_image(alice, make_image):
    image = make_image(alice)
    path = urlsplit(link_to(image)).path
    alice.api.delete(f"/api/v1/images/{image.pk}")
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("extension", ["%00", "webp", "png%00", "svg"])
def test_a_link_opens_under_its_own_name_alone(alice, make_image, extension):
    path = urlsplit(link_to(make_image(alice))).path
    answer = Client().get(f"{path.rpartition('.')[0]}.{extension}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_thumbnails_link_opens_the_thumbnail_and_not_the_picture(alice, make_image):
    image = make_image(alice, size="512x256", output_format="webp")
    path = urlsplit(link_to_thumbnail(image)).path
    assert Client().get(path).content == default_storage.open(image.thumbnail).read()
    assert Client().get(path.replace(SMALL, "")).status_code == 403
