"""OpenAI's official client, unmodified, over HTTP: pictures, models, and errors of its own types."""

import base64
import io
import urllib.error
import urllib.request

import openai
import PIL.Image
import pytest

from generation.models import GenerationJob
from tenants import keys
from tenants.services import revoke_key
from tests.fakes import FakeEngine


class BrokenEngine(FakeEngine):
    """An engine with a bug."""

    def generate(self, spec, on_step):
        """Fail as nobody foresaw."""
        raise ZeroDivisionError


@pytest.fixture
def client(openai_client):
    """Alice's program, written for OpenAI."""
    return openai_client


def opened(data: bytes) -> PIL.Image.Image:
    """Return the picture in these bytes."""
    return PIL.Image.open(io.BytesIO(data))


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_it_gets_pictures_as_base64(client, worker, output_format):
    reply = client.images.generate(
        prompt="a red kite", n=2, size="96x64", response_format="b64_json", output_format=output_format
    )
    pictures = [opened(base64.b64decode(item.b64_json)) for item in reply.data]
    assert [picture.format for picture in pictures] == [output_format.upper()] * 2
    assert pictures[0].size == (96, 64)
    assert (reply.size, reply.output_format) == ("96x64", output_format)


def test_it_gets_urls_that_open_without_the_key(client, worker):
    (item,) = client.images.generate(prompt="a red kite", size="64x64").data
    with urllib.request.urlopen(item.url) as answer:
        assert opened(answer.read()).size == (64, 64)


def test_a_url_opens_no_other_file(client, worker):
    one, other = client.images.generate(prompt="a red kite", n=2, size="64x64").data
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(one.url.replace(one.id, other.id))
    assert refusal.value.code == 403


def test_our_own_fields_come_in_the_extra_body(client, worker):
    ours = {
        "seed": 7,
        "steps": 3,
        "negative_prompt": "blue",
        "guidance_scale": 4,
        "scheduler": "DPMSolverMultistepScheduler",
    }
    reply = client.images.generate(prompt="a red kite", size="64x64", extra_body=ours)
    job = GenerationJob.objects.get()
    assert reply.data[0].seed == 7
    assert {name: getattr(job, name) for name in ours} == ours


def test_automatic1111s_sampler_names_are_understood(client, worker):
    client.images.generate(prompt="a red kite", size="64x64", extra_body={"sampler": "dpm++ 2m karras"})
    job = GenerationJob.objects.get()
    assert (job.scheduler, job.sigmas) == ("DPMSolverMultistepScheduler", "karras")


@pytest.mark.parametrize("ours", [{"sampler": "no such"}, {"sampler": "Euler", "sigmas": "karras"}])
def test_a_sampler_that_is_unknown_or_said_twice_is_refused(client, ours):
    with pytest.raises(openai.BadRequestError) as error:
        client.images.generate(prompt="a red kite", extra_body=ours)
    assert (error.value.code, error.value.param) == ("invalid_value", "sampler")


def test_it_finds_the_checkpoints_as_models(client):
    (model,) = client.models.list().data
    assert client.models.retrieve(model.id).object == "model"


@pytest.mark.parametrize(("model", "form"), [("dall-e-3", "url"), ("gpt-image-1", "b64_json")])
def test_an_alias_lets_apps_work_that_name_openais_models(client, worker, settings, model, form):
    settings.OPENAI_MODEL_ALIASES = ["dall-e-3", "gpt-image-1"]
    (item,) = client.images.generate(prompt="a kite", model=model, size="64x64").data
    assert {name for name in ("url", "b64_json") if getattr(item, name)} == {form}


def test_a_bad_key_is_an_authentication_error(server, alice):
    stranger = openai.OpenAI(base_url=f"{server}/v1", api_key=keys.mint())
    with pytest.raises(openai.AuthenticationError) as error:
        stranger.models.list()
    assert (error.value.code, error.value.type) == ("invalid_api_key", "authentication_error")
    assert error.value.request_id.startswith("req_")


def test_a_revoked_key_is_an_authentication_error(client, alice):
    revoke_key(alice.key)
    with pytest.raises(openai.AuthenticationError):
        client.images.generate(prompt="a kite")


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"size": "1001x1000"}, "size"),
        ({"n": 11}, "n"),
        ({"prompt": ""}, "prompt"),
        ({"output_format": "gif"}, "output_format"),
        ({"style": "vivid"}, "style"),
        ({"background": "transparent"}, "background"),
        ({"quality": "xhigh"}, "quality"),
        ({"quality": "high", "extra_body": {"steps": 9}}, "quality"),
        ({"output_format": "svg"}, "output_format"),
        ({"output_compression": 50}, "output_compression"),
        ({"partial_images": 2}, "partial_images"),
        ({"complexity": "high"}, "complexity"),
        ({"frame_count": 4}, "frame_count"),
        ({"frame_duration_ms": 90}, "frame_duration_ms"),
        ({"svg": {"model": "any"}}, "svg"),
        ({"stream": True, "response_format": "url"}, "response_format"),
        ({"stream": True, "partial_images": 4}, "partial_images"),
        ({"extra_body": {"steps": 0}}, "steps"),
        ({"extra_body": {"previews": 1}}, "previews"),
        ({"extra_body": {"width": 64}}, "width"),
        ({"extra_body": {"nonsense": 1}}, "nonsense"),
    ],
)
def test_what_cannot_be_honoured_is_a_bad_request_that_names_it(client, asked, param):
    with pytest.raises(openai.BadRequestError) as error:
        client.images.generate(**({"prompt": "a kite"} | asked))
    assert error.value.param == param
    assert not GenerationJob.objects.exists()


def test_null_means_the_default(client, worker):
    absent = dict.fromkeys(["n", "size", "model", "response_format", "output_format", "quality", "user"])
    reply = client.images.generate(prompt="a kite", stream=False, extra_body=absent | {"steps": 1})
    job = GenerationJob.objects.get()
    assert (len(reply.data), job.output_format, job.width) == (1, "png", 1024)
    assert reply.data[0].url


@pytest.mark.parametrize(
    "body", [{"prompt": None}, {"stream": 1}, {"stream": "true"}, {"steps": None}, {"nonsense": None}]
)
def test_what_has_no_default_or_meaning_is_refused_by_name(alice, body):
    answer = alice.api.post("/v1/images/generations", {"prompt": "a kite"} | body)
    assert (answer.status_code, [answer.json()["error"]["param"]]) == (400, list(body))


@pytest.mark.parametrize(("quality", "steps"), [("low", 15), ("medium", 30), ("hd", 45)])
def test_quality_says_how_many_steps_to_take(client, worker, quality, steps):
    client.images.generate(prompt="a kite", size="64x64", quality=quality)
    assert GenerationJob.objects.get().steps == steps


def test_usage_is_the_gpu_time_that_is_charged(client, worker):
    usage = client.images.generate(prompt="a kite", size="64x64", extra_body={"steps": 20}).usage
    charged = GenerationJob.objects.get().charged_ms
    assert charged == 100  # twenty steps of the fake engine's
    assert (usage.output_tokens, usage.total_tokens, usage.output_tokens_details.image_tokens) == (charged,) * 3
    assert (usage.input_tokens, usage.input_tokens_details.text_tokens) == (0, 0)


@pytest.mark.parametrize("said", [{"safety_identifier": "u1", "user": "other"}, {"user": "u1"}])
def test_who_the_pictures_are_for_is_told_again(client, worker, said):
    assert client.images.generate(prompt="a kite", size="64x64", **said).safety_identifier == "u1"


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as error:
        client.images.generate(prompt="a kite", model="dall-e-3")
    assert (error.value.code, error.value.param) == ("model_not_found", "model")


def test_a_full_queue_is_a_rate_limit_error(client, alice, allow):
    allow(alice, queued_jobs=0)
    with pytest.raises(openai.RateLimitError) as error:
        client.with_options(max_retries=0).images.generate(prompt="a kite")
    assert error.value.code == "queue_full"


def test_a_failed_generation_is_told_once_and_not_made_again(client, generations, worker):
    generations.engine = BrokenEngine("broken")
    with pytest.raises(openai.InternalServerError) as error:
        client.images.generate(prompt="a kite", size="64x64")
    assert error.value.code == "internal_error"
    assert GenerationJob.objects.count() == 1


def test_a_body_without_end_is_cut_off(client):
    with pytest.raises(openai.APIStatusError) as error:
        client.images.generate(prompt="x" * (2 << 20))
    assert (error.value.status_code, error.value.code) == (413, "request_too_large")
