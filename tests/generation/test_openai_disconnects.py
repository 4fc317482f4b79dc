"""OpenAI's client, unmodified, on a connection that is cut: it repeats by itself, and pays for nothing twice."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import openai
import pytest
from django.db.models import Sum

from generation.models import GenerationJob
from quotas.models import LedgerEntry, Spending
from tests.cutting import Cut, Where
from tests.generation.giving import file_of, plain

ASKED = {"prompt": "a red kite", "size": "64x64"}
PICTURE = ("kite.png", file_of(plain()))
TRIES = 3  # the client's own default: it repeats twice
WAYS = {
    "generate": lambda client: client.images.generate(**ASKED),
    "edit": lambda client: client.images.edit(image=PICTURE, **ASKED),
    "vary": lambda client: client.images.create_variation(image=PICTURE, size="64x64"),
}
AFTER_THE_JOB = (Where.BEFORE_ANSWER, Where.IN_HEAD, Where.IN_BODY)
every_cut = pytest.mark.parametrize("cut", [Cut(where, reset) for where in Where for reset in (False, True)], ids=str)
everywhere = pytest.mark.parametrize("where", Where)


@pytest.fixture
def client(alice, cutter):
    """Alice's program, written for OpenAI, behind the proxy."""
    with openai.OpenAI(base_url=f"{cutter.url}/v1", api_key=alice.secret) as client:
        yield client


@pytest.fixture
def five_ask(alice, cutters):
    """Let five programs of alice's ask for the same at once; return which generations they were answered with."""

    def ask(cutter, cuts, key):
        cutter.cuts.extend(cuts)
        with openai.OpenAI(base_url=f"{cutter.url}/v1", api_key=alice.secret, max_retries=6) as client:
            headers = {"Idempotency-Key": key} if key else {}
            return client.images.generate(**ASKED, extra_headers=headers).generation

    def together(*cuts, keys=("",) * 5):
        with ThreadPoolExecutor(5) as programs:
            return list(programs.map(ask, cutters, [cuts] * 5, keys))

    return together


def assert_paid_for(jobs):
    """So many jobs were made, each reserved and settled once, and nothing else was counted."""
    assert GenerationJob.objects.filter(status="succeeded").count() == GenerationJob.objects.count() == jobs
    assert Counter(LedgerEntry.objects.values_list("kind", flat=True)) == Counter(reserve=jobs, settle=jobs)
    charged = GenerationJob.objects.aggregate(ms=Sum("charged_ms"))["ms"]
    for spending in Spending.objects.all():
        assert (spending.reserved_images, spending.reserved_ms) == (0, 0)
        assert (spending.spent_images, spending.spent_ms) == (jobs, charged)


@every_cut
def test_a_cut_connection_costs_nothing_more(client, cutter, worker, cut):
    cutter.cuts.append(cut)
    assert client.images.generate(**ASKED).generation == GenerationJob.objects.get().pk
    assert_paid_for(1)


@everywhere
@pytest.mark.parametrize("way", ["edit", "vary"])
def test_neither_does_one_that_carried_a_picture(client, cutter, worker, way, where):
    cutter.cuts.append(Cut(where))
    assert WAYS[way](client).generation == GenerationJob.objects.get().pk
    assert_paid_for(1)


@everywhere
def test_the_last_try_still_gets_the_pictures_of_the_first(client, cutter, worker, where):
    cutter.cuts.extend([Cut(where)] * (TRIES - 1))
    assert client.images.generate(**ASKED).generation == GenerationJob.objects.get().pk
    assert_paid_for(1)


@pytest.mark.parametrize("where", AFTER_THE_JOB)
def test_who_gives_up_has_paid_for_one(client, cutter, worker, where):
    cutter.cuts.extend([Cut(where)] * TRIES)
    with pytest.raises(openai.APIConnectionError):
        client.images.generate(**ASKED)
    assert_paid_for(1)


def test_who_was_never_heard_has_paid_for_nothing(client, cutter, worker):
    cutter.cuts.extend([Cut(Where.BEFORE_REQUEST)] * TRIES)
    with pytest.raises(openai.APIConnectionError):
        client.images.generate(**ASKED)
    assert not LedgerEntry.objects.exists()


@pytest.mark.parametrize("where", [Where.BEFORE_REQUEST, *AFTER_THE_JOB])
def test_five_who_say_the_same_get_five(five_ask, worker, where):
    """All are cut off once all have their jobs: one that comes back earlier would wait for another's."""
    assert len(set(five_ask(Cut(where, meeting=Barrier(5))))) == 5
    assert_paid_for(5)


def test_nobody_pays_for_more_than_five_however_they_are_taken_for_one_another(five_ask, worker):
    """Who was never heard, and repeats while others in the same words wait, may hear the answer of one of these."""
    answered = five_ask(Cut(Where.AFTER_REQUEST), Cut(Where.BEFORE_REQUEST), Cut(Where.BEFORE_ANSWER))
    jobs = GenerationJob.objects.count()
    assert len(set(answered)) <= jobs <= 5
    assert_paid_for(jobs)


@everywhere
def test_a_key_of_their_own_makes_one_of_all_tries(client, cutter, worker, where):
    cutter.cuts.extend([Cut(where)] * (TRIES - 1))
    asked = client.images.generate(**ASKED, extra_headers={"Idempotency-Key": "kite-1"})
    assert asked.generation == GenerationJob.objects.get().pk
    assert_paid_for(1)


@everywhere
def test_five_with_one_key_get_one(five_ask, worker, where):
    assert len(set(five_ask(Cut(where), keys=["kite"] * 5))) == 1
    assert_paid_for(1)


@everywhere
def test_five_with_five_keys_get_five(five_ask, worker, where):
    assert len(set(five_ask(Cut(where), keys="abcde"))) == 5
    assert_paid_for(5)


@pytest.mark.parametrize("where", [where for where in Where if where != Where.IN_BODY])
def test_a_stream_that_has_not_begun_is_asked_for_again(client, cutter, worker, where):
    cutter.cuts.append(Cut(where))
    (event,) = client.images.generate(**ASKED, stream=True)
    assert event.generation == GenerationJob.objects.get().pk
    assert_paid_for(1)


@pytest.mark.parametrize("is_reset", [False, True])
def test_a_stream_that_ends_early_is_an_error_and_paid_for_once(client, cutter, run_jobs, is_reset):
    cutter.cuts.append(Cut(Where.IN_BODY, is_reset))
    with pytest.raises(openai.APIConnectionError):
        list(client.images.generate(**ASKED, stream=True))
    run_jobs()
    assert_paid_for(1)


def test_with_a_key_the_stream_can_be_taken_up_by_hand(client, cutter, worker):
    cutter.cuts.append(Cut(Where.IN_BODY))
    keyed = ASKED | {"stream": True, "extra_headers": {"Idempotency-Key": "kite-1"}}
    with pytest.raises(openai.APIConnectionError):
        list(client.images.generate(**keyed))
    (event,) = client.images.generate(**keyed)
    assert event.generation == GenerationJob.objects.get().pk
    assert_paid_for(1)
