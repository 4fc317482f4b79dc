"""A picture in a request: by the id of an upload or an image, or in the request itself; one row for one picture."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone

from generation import storage
from generation.intake import open_picture, take_picture
from generation.intake.uploads import keep
from generation.models import DiscardedFile, Upload
from tests.pictures import data_url, file_of, noise, picture
from wire.errors import ApiError


def refusal(tenant, said, param="init_image"):
    """Return the error that this raises."""
    with pytest.raises(ApiError) as raised:
        take_picture(tenant, said, param)
    return raised.value


def test_a_data_url_becomes_an_upload_with_its_file(alice):
    upload = take_picture(alice.tenant, data_url(file_of(picture())), "init_image")
    assert open_picture(upload).tobytes() == picture().tobytes()
    assert (upload.width, upload.height) == (96, 64)
    assert storage.read(upload.blob).startswith(b"\x89PNG")


def test_a_multipart_file_becomes_the_same_upload(alice):
    part = SimpleUploadedFile("kite.png", file_of(picture()))
    given = take_picture(alice.tenant, part, "init_image")
    assert take_picture(alice.tenant, data_url(file_of(picture())), "mask") == given
    assert Upload.objects.count() == 1


def test_the_same_pixels_in_another_file_are_the_same_upload(alice):
    small, large = (file_of(picture(), compress_level=level) for level in (9, 0))
    one, other = (take_picture(alice.tenant, data_url(each), "init_image") for each in (small, large))
    assert one == other


def test_two_tenants_never_share_an_upload(alice, charlie):
    hers, his = (take_picture(each.tenant, data_url(file_of(picture())), "mask") for each in (alice, charlie))
    assert hers != his
    assert hers.blob != his.blob


def test_an_upload_is_found_by_its_id_and_kept_for_another_day(alice):
    upload = take_picture(alice.tenant, data_url(file_of(picture())), "init_image")
    Upload.objects.update(used_at=timezone.now() - timedelta(hours=23))
    assert take_picture(alice.tenant, upload.pk, "init_image").used_at > timezone.now() - timedelta(minutes=1)


def test_giving_it_again_keeps_it_for_another_day(alice):
    take_picture(alice.tenant, data_url(file_of(picture())), "init_image")
    Upload.objects.update(used_at=timezone.now() - timedelta(hours=23))
    assert take_picture(alice.tenant, data_url(file_of(picture())), "mask").used_at > timezone.now() - timedelta(
        hours=1
    )


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_an_image_of_ones_own_is_taken_by_its_id(alice, make_image, output_format):
    image = make_image(alice, size="64x64", seed=0x204060, output_format=output_format)
    upload = take_picture(alice.tenant, image.pk, "init_image")
    assert open_picture(upload).getpixel((9, 9)) == pytest.approx((0x20, 0x40, 0x60), abs=4)


def test_anothers_upload_looks_like_none(alice, charlie):
    upload = take_picture(alice.tenant, data_url(file_of(picture())), "init_image")
    foreign, missing = (refusal(charlie.tenant, each) for each in (upload.pk, "upl_" + "0" * 26))
    assert (foreign.status, foreign.code, foreign.param) == (404, "image_not_found", "init_image")
    assert foreign.body == missing.body


def test_anothers_image_looks_like_none(alice, charlie, make_image):
    foreign = refusal(charlie.tenant, make_image(alice, size="64x64").pk)
    assert (foreign.status, foreign.code, foreign.body) == (
        404, "image_not_found", refusal(charlie.tenant, "img_" + "0" * 26).body,
    )  # fmt: skip


@pytest.mark.parametrize("said", ["", "kite.png", "upl_", "upl_\0", "/etc/passwd", "gen_" + "0" * 26, "aGVsbG8="])
def test_what_is_no_picture_at_all_is_told_what_would_be(alice, said):
    error = refusal(alice.tenant, said, "mask")
    assert (error.status, error.code, error.param) == (400, "invalid_value", "mask")
    assert "upl_" in error.message


@pytest.mark.parametrize(
    "said",
    [
        "data:,",
        "data:image/png;base64",
        "data:image/png,abc",
        "data:image/png;base64,aGVsbG8",  # its padding is missing
        "data:image/png;base64,aGVs bG8=",
        "data:image/png;base64,aGVsbG8é",
        "data:text/html;base64,aGVsbG8=",
        "data:text/html,<script>",
    ],
)
def test_a_data_url_that_holds_no_picture_is_refused(alice, said):
    error = refusal(alice.tenant, said)
    assert (error.status, error.code, error.param) == (400, "invalid_base64_image", "init_image")


def test_an_empty_data_url_is_an_empty_file(alice):
    assert refusal(alice.tenant, "data:image/png;base64,").code == "empty_image_file"


def test_the_same_picture_given_by_many_at_a_time_is_one_upload(alice):
    content = file_of(noise((256, 256)))

    def give(number: int) -> str:
        try:
            return keep(alice.tenant, content, "file").pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(give, range(12)))) == 1
    orphans = set(storage.blobs()) - {Upload.objects.get().blob}
    assert orphans == set(DiscardedFile.objects.values_list("key", flat=True))
