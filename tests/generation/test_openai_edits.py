"""OpenAI's official client, unmodified: pictures that begin from another."""

import base64
import io

import openai
import PIL.Image
import pytest

from generation.models import GenerationJob, Upload

SKY, GRASS = (90, 140, 220), (40, 130, 60)


def png(size=(64, 64), colour=SKY, **options):
    """Return a picture's file, as a program would open it."""
    file = io.BytesIO()
    PIL.Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(file, "PNG", **options)
    return ("picture.png", file.getvalue(), "image/png")


def mask(size=(64, 64)):
    """Return a mask that opens the left half of a picture."""
    image = PIL.Image.new("RGBA", size, (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.save(file, "PNG")
    return ("mask.png", file.getvalue(), "image/png")


@pytest.fixture
def image(alice, make_image):
    """A picture of Alice's; made before a worker is there to take it."""
    return make_image(alice, size="64x64")


@pytest.fixture
def edit(openai_client):
    """Ask for an edit as Alice's program."""
    return lambda **fields: openai_client.images.edit(**{"image": png(), "prompt": "a meadow"} | fields)


@pytest.fixture
def edited(edit, worker):
    """Ask for an edit that is made, and return its job."""

    def ask(**fields):
        edit(**fields)
        return GenerationJob.objects.get()

    return ask


def test_it_changes_a_picture(edit, worker):
    reply = edit(n=2, response_format="b64_json", output_format="webp", extra_body={"seed": 7})
    pictures = [PIL.Image.open(io.BytesIO(base64.b64decode(item.b64_json))) for item in reply.data]
    assert [(picture.format, picture.size) for picture in pictures] == [("WEBP", (64, 64))] * 2
    assert [item.seed for item in reply.data] == [7, 8]
    assert (reply.size, reply.output_format, reply.background) == ("64x64", "webp", "opaque")


def test_a_picture_alone_is_redrawn_from_what_it_shows(edited):
    job = edited()
    assert (job.kind, job.strength, job.init_image.width) == ("image_to_image", 0.75, 64)


def test_a_mask_opens_what_is_transparent(edited):
    job = edited(mask=mask())
    assert (job.kind, job.strength, job.mask_mode) == ("inpaint", 1.0, "alpha")


def test_what_the_mask_keeps_stays(edit, worker):
    reply = edit(mask=mask(), response_format="b64_json", extra_body={"seed": 7})
    picture = PIL.Image.open(io.BytesIO(base64.b64decode(reply.data[0].b64_json)))
    assert picture.getpixel((60, 30)) == SKY
    assert picture.getpixel((3, 30)) != SKY


@pytest.mark.parametrize(
    ("said", "strength"),
    [
        ({"input_fidelity": "low"}, 0.75),
        ({"input_fidelity": "high"}, 0.5),
        ({"extra_body": {"strength": 0.3}}, 0.3),
        ({"mask": mask(), "extra_body": {"strength": 0.6}}, 0.6),
    ],
)
def test_how_far_from_the_picture_is_ones_own_to_say(edited, said, strength):
    assert edited(**said).strength == strength


def test_a_list_of_one_picture_is_one(edited):
    assert edited(image=[png()]).init_image is not None


def test_more_pictures_than_one_are_refused(edit):
    with pytest.raises(openai.BadRequestError) as error:
        edit(image=[png(), png(colour=GRASS)])
    assert (error.value.param, error.value.code) == ("image", "too_many_images")
    assert not Upload.objects.exists()


def test_the_size_is_the_pictures_own_unless_said(edit, worker):
    sizes = [edit(image=png((136, 64)), **said).size for said in ({}, {"size": "auto"}, {"size": "64x64"})]
    assert sizes == ["136x64", "136x64", "64x64"]


def test_ones_own_image_may_be_named_by_its_id(alice, image, worker):
    answer = alice.api.post("/v1/images/edits", {"image": image.pk, "prompt": "a meadow"})
    assert answer.status_code == 200, answer.content


def test_another_tenants_picture_looks_like_none(charlie, image):
    answers = [
        charlie.api.post("/v1/images/edits", {"image": each, "prompt": "a meadow"})
        for each in (image.pk, "img_00000000000000000000000000")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["error"]["param"] == "image"


def test_our_own_fields_come_as_the_client_writes_them(edited, shelve):
    shelve("inkline", 1), shelve("zibbo", 2)
    loras = [{"name": "inkline", "weight": 0.5}, {"name": "zibbo", "weight": -1}]
    job = edited(extra_body={"loras": loras, "seed": 7, "guidance_scale": 4.5, "negative_prompt": "007"})
    assert [(use.lora.name, use.weight) for use in job.loras.all()] == [("inkline", 0.5), ("zibbo", -1.0)]
    assert (job.seed, job.guidance_scale, job.negative_prompt) == (7, 4.5, "007")


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"image": ("empty.png", b"", "image/png")}, "image"),
        ({"image": ("text.png", b"no picture at all", "image/png")}, "image"),
        ({"mask": mask((72, 64))}, "mask"),
        ({"mask": png()}, "mask"),
        ({"prompt": ""}, "prompt"),
        ({"n": 11}, "n"),
        ({"size": "1001x64"}, "size"),
        ({"background": "transparent"}, "background"),
        ({"quality": "max"}, "quality"),
        ({"output_format": "gif"}, "output_format"),
        ({"output_compression": 101, "output_format": "jpeg"}, "output_compression"),
        ({"input_fidelity": "medium"}, "input_fidelity"),
        ({"input_fidelity": "high", "mask": mask()}, "input_fidelity"),
        ({"partial_images": 1}, "partial_images"),
        ({"complexity": "low"}, "complexity"),
        ({"frame_count": 3}, "frame_count"),
        ({"frame_duration_ms": 100}, "frame_duration_ms"),
        ({"markup": png()}, "markup"),
        ({"svg": {"model": "any", "reasoning": {"effort": "low"}}}, "svg"),
        ({"extra_body": {"moderation": "low"}}, "moderation"),
        ({"extra_body": {"init_image": "img_1"}}, "init_image"),
        ({"extra_body": {"strength": 2}}, "strength"),
        ({"extra_body": {"loras": [{"name": "a", "weight": 1}, {"name": "b"}]}}, "loras"),
    ],
)
def test_what_cannot_be_honoured_is_a_bad_request_that_names_it(edit, asked, param):
    with pytest.raises(openai.BadRequestError) as error:
        edit(**asked)
    assert error.value.param == param
    assert not GenerationJob.objects.exists()


def test_a_refusal_speaks_of_image_as_the_client_does(edit):
    with pytest.raises(openai.BadRequestError) as error:
        edit(mask=mask((72, 64)))
    assert "init_image" not in error.value.message


def test_it_streams_under_names_of_its_own(edit, worker, valkey):
    events = list(edit(image=png((512, 512)), stream=True, partial_images=2, extra_body={"steps": 60}))
    assert [event.type for event in events] == ["image_edit.partial_image"] * 2 + ["image_edit.completed"]
    assert events[-1].usage.total_tokens > 0
    for event in events:
        type(event).model_validate(event.to_dict(), strict=True)
