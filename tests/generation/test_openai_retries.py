"""OpenAI's official client, unmodified, when its patience is shorter than the job: its own retries pay for nothing."""

import threading
import time

import openai
import pytest

from generation.models import GenerationJob, Image
from idempotency.models import KeptRequest
from tests.generation.giving import file_of, plain
from tests.generation.test_openai import BrokenEngine

ASKED = {"prompt": "a red kite", "size": "64x64"}
FIRST, SECOND = ({"x-stainless-retry-count": tries} for tries in ("0", "1"))


@pytest.fixture
def impatient(openai_client):
    """A client that gives up, and asks again, before anybody has drawn."""
    return openai_client.with_options(timeout=1.5, max_retries=4)


@pytest.fixture
def late_worker(run_jobs):
    """A worker that begins when a client has asked for the second time."""

    def work():
        while not KeptRequest.objects.filter(retries__gte=1).exists():
            time.sleep(0.02)
        run_jobs()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


def test_a_retry_joins_the_job_of_the_first_attempt(impatient, late_worker):
    reply = impatient.images.generate(**ASKED)
    job = GenerationJob.objects.get()
    assert (reply.generation, reply.data[0].id) == (job.pk, Image.objects.get().pk)
    assert job.status == "succeeded"


def test_a_retry_with_a_file_joins_too(impatient, late_worker):
    reply = impatient.images.edit(image=("kite.png", file_of(plain())), **ASKED)
    assert reply.generation == GenerationJob.objects.get().pk


def test_a_retry_on_a_stream_joins_too(openai_client, worker):
    for headers in (FIRST, SECOND):
        (event,) = openai_client.images.generate(**ASKED, stream=True, extra_headers=headers)
    assert event.generation == GenerationJob.objects.get().pk


def test_who_asks_twice_on_purpose_gets_two(openai_client, worker):
    one, other = (openai_client.images.generate(**ASKED).generation for _ in range(2))
    assert one != other


def test_a_retry_of_what_is_done_hears_it_again(openai_client, worker):
    first, again = (openai_client.images.generate(**ASKED, extra_headers=each) for each in (FIRST, SECOND))
    assert first.data[0].id == again.data[0].id


@pytest.mark.parametrize("change", [{"prompt": "a blue kite"}, {"n": 2}])
def test_a_retry_in_other_words_is_a_request_of_its_own(openai_client, worker, change):
    openai_client.images.generate(**ASKED, extra_headers=FIRST)
    openai_client.images.generate(**ASKED | change, extra_headers=SECOND)
    assert GenerationJob.objects.count() == 2


def test_a_colleague_with_a_key_of_his_own_is_not_joined(openai_client, bob, worker):
    openai_client.images.generate(**ASKED, extra_headers=FIRST)
    openai_client.with_options(api_key=bob.secret).images.generate(**ASKED, extra_headers=SECOND)
    assert GenerationJob.objects.count() == 2


def test_a_retry_after_a_refusal_is_the_first_to_make_a_job(openai_client, worker, settings):
    settings.MAX_QUEUED = 0
    with pytest.raises(openai.InternalServerError):
        openai_client.with_options(max_retries=0).images.generate(**ASKED)
    settings.MAX_QUEUED = 1
    openai_client.images.generate(**ASKED, extra_headers=SECOND)
    assert GenerationJob.objects.count() == 1


def test_a_retry_while_the_job_is_being_made_comes_again(openai_client, worker):
    openai_client.images.generate(**ASKED)
    KeptRequest.objects.update(job_id="", lease_until="2100-01-01T00:00Z")
    with pytest.raises(openai.ConflictError) as refusal:
        openai_client.with_options(max_retries=0).images.generate(**ASKED, extra_headers=SECOND)
    assert refusal.value.response.headers["retry-after"] == "1"


def test_a_failure_is_told_again_and_not_drawn_again(openai_client, generations, worker):
    generations.engine = BrokenEngine("broken")
    for headers in (FIRST, SECOND):
        with pytest.raises(openai.InternalServerError):
            openai_client.images.generate(**ASKED, extra_headers=headers)
    assert GenerationJob.objects.count() == 1


def test_a_key_goes_before_the_count(openai_client, worker):
    def edit():
        picture = ("kite.png", file_of(plain()))  # under another boundary each time
        return openai_client.images.edit(image=picture, **ASKED, extra_headers={"Idempotency-Key": "e1"})

    assert edit().data[0].id == edit().data[0].id
    assert GenerationJob.objects.count() == 1


def test_a_client_that_counts_nothing_is_not_remembered(alice, worker):
    alice.api.post("/v1/images/generations", ASKED)
    assert not KeptRequest.objects.exists()
