"""Does the form take a start picture and a mask, show them, size pictures by them, and say what is wrong?"""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from generation.models import GenerationJob, Upload
from tests.generation.giving import left_half, plain
from tests.pages.composing import change, order, ordered, part_of, value
from tests.pages.conftest import queries_of


@pytest.fixture
def start(alice) -> str:
    """The id of a start picture in alice's form."""
    return value(change(alice, "start", init_image_file=part_of(plain("navy", (160, 96)))), "init_image")


def test_a_chosen_file_is_taken_in_and_shown_with_its_size(alice):
    page = change(alice, "start", init_image_file=part_of(plain("navy", (160, 96))))
    upload = Upload.objects.get(tenant=alice.tenant)
    assert value(page, "init_image") == upload.pk
    assert f'src="/api/v1/uploads/{upload.pk}/content"' in page
    assert 'value="start" checked' in page
    assert 'viewBox="0 0 160 96"' in page


def test_a_picture_starts_from_it_in_its_size(alice, start):
    spec = ordered(alice, init_image=start, size="start", strength="0.4")
    assert (spec["init_image"], spec["strength"], spec["width"], spec["height"]) == (start, 0.4, 160, 96)


def test_an_unsaid_strength_is_the_apis(alice, start):
    assert ordered(alice, init_image=start, strength="")["strength"] == 0.75


def test_a_bare_browser_sends_the_file_with_everything_else(alice):
    alice.browser.post("/", {"prompt": "a kite", "size": "1024x1024", "init_image_file": part_of(plain())})
    job = GenerationJob.objects.get()
    assert (job.kind, job.width, job.height) == ("image_to_image", 96, 64)


def test_a_bare_browser_keeps_the_picture_when_something_else_is_wrong(alice):
    page = alice.browser.post("/", {"prompt": "a kite", "steps": "0", "init_image_file": part_of(plain())})
    assert page.status_code == 422
    assert value(page.content.decode(), "init_image") == Upload.objects.get().pk


def test_it_is_removed_with_its_mask_and_its_size(alice, start):
    page = change(alice, "start", init_image=start, mask=start, size="start", remove_start="1")
    assert value(page, "init_image") == ""
    assert ("As the start" in page, 'value="1024x1024" checked' in page) == (False, True)


def test_what_is_no_picture_is_told_beside_it_and_nothing_is_ordered(alice):
    broken = SimpleUploadedFile("kite.png", b"not a picture", content_type="image/png")
    assert "must be a PNG, JPEG or WebP picture" in change(alice, "start", init_image_file=broken)
    broken.seek(0)
    answer = order(alice, init_image_file=broken)
    assert answer.context["form"]["init_image"].errors[0].startswith("The start picture must be a PNG")
    assert not GenerationJob.objects.exists()


def test_a_picture_of_ones_own_becomes_the_start_with_its_prompt(alice, make_image):
    image = make_image(alice, size="96x64", steps=1)
    assert f'href="/?start={image.pk}"' in alice.browser.get(f"/images/{image.pk}").content.decode()
    form = alice.browser.get(f"/?start={image.pk}").context["form"]
    assert (form["prompt"].value(), form["init_image"].value(), form.chosen_size) == ("a red kite", image.pk, "start")
    spec = ordered(alice, init_image=image.pk, size="start")
    assert (spec["init_image"][:4], spec["width"]) == ("upl_", 96)


def test_a_strangers_picture_is_neither_begun_from_nor_shown(alice, charlie, start, make_image):
    image = make_image(alice, size="64x64", steps=1)
    assert charlie.browser.get(f"/?start={image.pk}").status_code == 404
    for theirs in (start, image.pk):
        answer = order(charlie, init_image=theirs)
        assert answer.context["form"]["init_image"].errors[0].startswith("There is no such picture.")
        assert theirs not in answer.content.decode()


def test_a_mask_comes_as_a_file(alice, start):
    mask = part_of(left_half(255, 0, (160, 96)))
    spec = ordered(alice, init_image=start, mask_file=mask, mask_mode="white", mask_blur="4")
    assert (spec["mask_mode"], spec["mask_blur"], spec["strength"]) == ("white", 4, 1.0)
    assert spec["mask"].startswith("upl_")


def test_a_form_with_no_mask_says_nothing_of_its_mode(alice, start):
    spec = ordered(alice, init_image=start, mask="", mask_mode="white")
    assert (spec["mask"], spec["mask_mode"]) == (None, None)


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"mask_file": left_half(255, 0)}, "mask", "The mask has 96x64 pixels, the start picture 160x96."),
        ({"mask_file": plain(0, (160, 96), "L"), "mask_mode": "white"}, "mask", "The mask is black"),
        ({"strength": "2"}, "strength", "Strength must be between 0.0 and 1.0."),
        ({"strength": "much"}, "strength", "Enter a number."),
        ({"mask_blur": "3"}, "mask_blur", "There is no mask whose edge could be soft."),
    ],
)
def test_each_error_stands_beside_its_field(alice, start, fields, field, sentence):
    files = {name: part_of(picture) for name, picture in fields.items() if name == "mask_file"}
    answer = order(alice, init_image=start, **(fields | files))
    assert answer.context["form"][field].errors[0].startswith(sentence)
    assert sentence in answer.content.decode()
    assert not GenerationJob.objects.exists()


def test_another_start_picture_lets_the_mask_go(alice, start):
    page = change(alice, "start", init_image=start, mask=start, init_image_file=part_of(plain("red")))
    assert value(page, "mask") == ""


def test_a_start_picture_costs_one_query_more(alice, make_image):
    image = make_image(alice, size="64x64", steps=1)
    other = make_image(alice, size="64x64", steps=1)
    _, one = queries_of(alice.browser, f"/?start={image.pk}")
    assert queries_of(alice.browser, f"/?start={other.pk}")[1] == one
