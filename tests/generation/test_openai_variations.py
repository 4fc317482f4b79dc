"""OpenAI's official client, unmodified: variations of a picture."""

import io
import urllib.request

import openai
import PIL.Image
import pytest

from generation.models import GenerationJob
from tests.generation.test_openai_edits import png

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # OpenAI itself has taken variations away


@pytest.fixture
def vary(openai_client):
    """Ask for variations as Alice's program."""
    return lambda image=None, **fields: openai_client.images.create_variation(image=image or png(), **fields)


@pytest.fixture
def kites(alice, make_image):
    """Pictures made here, of each format; before a worker is there to take them."""
    made = {"prompt": "a “red” kite", "size": "64x64"}
    return {name: make_image(alice, **made, output_format=name) for name in ("png", "jpeg", "webp")}


def content_of(image, person):
    """Return an image's file, as its owner has it."""
    answer = person.api.get(f"/api/v1/images/{image.pk}/content")
    return ("mine", answer.content, answer["Content-Type"])


def test_it_varies_a_picture(vary, worker):
    reply = vary(n=2, size="128x64")
    with urllib.request.urlopen(reply.data[0].url) as answer:
        assert PIL.Image.open(io.BytesIO(answer.read())).size == (128, 64)
    job = GenerationJob.objects.get()
    assert (job.kind, job.strength, job.n) == ("image_to_image", 0.6, 2)
    assert reply.usage.total_tokens > 0


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_a_picture_made_here_says_what_it_shows(vary, alice, kites, worker, output_format):
    vary(content_of(kites[output_format], alice))
    assert GenerationJob.objects.latest("created_at").prompt == "a “red” kite"


def test_any_other_picture_gets_a_neutral_prompt(vary, worker):
    vary()
    assert GenerationJob.objects.get().prompt == "a picture"


@pytest.mark.parametrize(
    "receipt",
    [
        '{"prompt": 7}',
        '{"prompt": " "}',
        "[" * 100_000,
        "no JSON",
        '{"prompt": "%s"}' % ("x" * 5000),
        '{"prompt": "%s"}' % ("a BREAK " * 30),
        '{"prompt": "(a:900)"}',
    ],
)
def test_a_receipt_that_says_no_prompt_is_passed_over(vary, worker, receipt):
    info = PIL.PngImagePlugin.PngInfo()
    info.add_text("receipt", receipt)
    vary(png(pnginfo=info))
    assert GenerationJob.objects.get().prompt == "a picture"


def test_an_image_named_by_its_id_says_what_it_shows(alice, kites, worker):
    answer = alice.api.post("/v1/images/variations", {"image": kites["webp"].pk})
    assert answer.status_code == 200, answer.content
    assert GenerationJob.objects.get(pk=answer.json()["generation"]).prompt == "a “red” kite"


def test_another_tenants_image_says_nothing(charlie, kites):
    answer = charlie.api.post("/v1/images/variations", {"image": kites["png"].pk})
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "image")


def test_prompt_and_strength_are_ones_own_to_say(vary, worker):
    vary(extra_body={"prompt": "a kite", "strength": 0.2})
    job = GenerationJob.objects.get()
    assert (job.prompt, job.strength) == ("a kite", 0.2)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"image": ("x.png", b"nothing", "image/png")}, "image"),
        ({"n": 0}, "n"),
        ({"size": "10x10"}, "size"),
        ({"response_format": "png"}, "response_format"),
        ({"extra_body": {"mask": "img_1"}}, "mask"),
        ({"extra_body": {"stream": True}}, "stream"),
        ({"extra_body": {"quality": "high"}}, "quality"),
    ],
)
def test_what_cannot_be_honoured_is_a_bad_request_that_names_it(vary, asked, param):
    with pytest.raises(openai.BadRequestError) as error:
        vary(**asked)
    assert error.value.param == param
