"""Begin from a picture, whole or where a mask says: its size, both masks, and what is made of it."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from generation.models import GenerationJob, Image, Upload
from tests.generation.giving import file_of, given, left_half, picture_of, plain

ROUTE = "/api/v1/generations"
START = {"prompt": "a red kite", "steps": 2, "seed": 255 << 16}  # the fake engine paints this one red
NAVY, RED = (0, 0, 128), (255, 0, 0)


def ask(person, **fields):
    return person.api.post(ROUTE, START | fields)


def test_a_picture_begins_from_another_as_strongly_as_asked(alice, make_image):
    image = make_image(alice, **START, init_image=given(plain()), strength=0.5)
    assert picture_of(alice, image).getpixel((5, 5)) == (127, 0, 64)
    assert alice.api.get(f"{ROUTE}/{image.job_id}").json()["kind"] == "image_to_image"


@pytest.mark.parametrize(("mask", "strength"), [({}, 0.75), ({"mask": given(plain((0, 0, 0, 0), mode="RGBA"))}, 1)])
def test_the_usual_strength_is_the_masks_to_say(alice, mask, strength):
    spec = ask(alice, init_image=given(plain()), **mask).json()["spec"]
    assert spec["strength"] == strength


def test_without_a_picture_there_is_no_strength(alice):
    spec = ask(alice).json()["spec"]
    assert (spec["init_image"], spec["strength"], spec["mask"], spec["mask_mode"]) == (None, None, None, None)
    assert GenerationJob.objects.get().spec.strength == 1


MASKS = [
    ({}, left_half((9, 9, 9, 0), (9, 9, 9, 255), mode="RGBA")),
    ({"mask_mode": "alpha"}, left_half((9, 0), (9, 255), mode="LA")),
    ({"mask_mode": "white"}, left_half(255, 0)),
    ({"mask_mode": "white"}, left_half((255, 255, 255, 255), (255, 255, 255, 0), mode="RGBA")),
]


@pytest.mark.parametrize(("mode", "mask"), MASKS)
def test_either_kind_of_mask_says_what_is_drawn_anew(alice, make_image, mode, mask):
    image = make_image(alice, **START, init_image=given(plain()), mask=given(mask), **mode)
    picture = picture_of(alice, image)
    assert (picture.getpixel((10, 30)), picture.getpixel((86, 30))) == (RED, NAVY)
    assert image.job.kind == "inpaint"


def test_a_mask_is_drawn_to_the_pictures_size(alice, make_image):
    fields = {"init_image": given(plain()), "mask": given(left_half(255, 0)), "mask_mode": "white"}
    picture = picture_of(alice, make_image(alice, **START, **fields, size="192x64"))
    assert (picture.size, picture.getpixel((80, 5)), picture.getpixel((110, 5))) == ((192, 64), RED, NAVY)


def test_what_is_transparent_in_a_picture_is_white(alice, make_image):
    image = make_image(alice, **START, init_image=given(plain((9, 9, 9, 0), mode="RGBA")), strength=0)
    assert picture_of(alice, image).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("own", "asked", "size"),
    [
        ((96, 64), {}, (96, 64)),
        ((101, 67), {}, (104, 64)),
        ((3000, 1500), {}, (2048, 1024)),
        ((4096, 66), {}, (2048, 64)),
        ((101, 67), {"size": "64x128"}, (64, 128)),
        ((101, 67), {"width": 128}, (128, 64)),
    ],
)
def test_the_pictures_own_size_is_meant_unless_one_is_said(alice, own, asked, size):
    spec = ask(alice, init_image=given(plain(size=own)), **asked).json()["spec"]
    assert (spec["width"], spec["height"]) == size


def test_an_earlier_image_and_an_upload_are_taken_by_their_ids(alice, make_image):
    first = make_image(alice, **START, size="64x64")
    job = ask(alice, init_image=first.pk).json()
    again = ask(alice, init_image=job["spec"]["init_image"]).json()
    assert again["spec"]["init_image"] == job["spec"]["init_image"] == Upload.objects.get().pk


def test_a_form_brings_pictures_as_files(alice, run_jobs):
    parts = {name: str(value) for name, value in START.items()}
    parts["init_image"] = SimpleUploadedFile("start.png", file_of(plain()))
    answer = alice.api.generic("POST", ROUTE, encode_multipart(BOUNDARY, parts | {"strength": "0"}), MULTIPART_CONTENT)
    assert answer.status_code == 202, answer.content
    run_jobs()
    assert picture_of(alice, Image.objects.get()).getpixel((5, 5)) == NAVY


def test_another_tenants_picture_looks_like_none(alice, charlie, make_image):
    theirs = make_image(charlie, **START, size="64x64")
    foreign, missing = (ask(alice, init_image=name) for name in (theirs.pk, "img_00000000000000000000000000"))
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert foreign.json()["error"]["param"] == "init_image"


def test_a_lost_picture_fails_the_job_in_words(alice, run_jobs, settings):
    job = ask(alice, init_image=given(plain())).json()
    (settings.STORAGES["default"]["OPTIONS"]["location"] / Upload.objects.get().blob).unlink()
    run_jobs()
    error = alice.api.get(job["urls"]["self"]).json()["error"]
    assert (error["code"], error["message"][-1]) == ("storage_unavailable", ".")


def test_a_mask_that_the_size_leaves_nothing_of_is_refused(alice):
    line = plain((9, 9, 9, 255), (2048, 2048), mode="RGBA")
    line.paste((9, 9, 9, 0), (1000, 0, 1002, 2048))
    begun = {"init_image": given(plain(size=line.size)), "mask": given(line)}
    error = ask(alice, **begun, size="256x256").json()["error"]
    assert (error["code"], error["param"]) == ("invalid_mask", "mask")
    assert "too thin for 256x256" in error["message"]
    assert ask(alice, **begun).status_code == 202
