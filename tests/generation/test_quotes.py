"""A quote says what a request costs at most and when it is done; named within ten minutes, it is kept."""

from datetime import timedelta

import pytest
from django.utils import timezone

from generation.models import GenerationJob
from generation.promises import put_prices
from quotas.costs import Lesson, learn
from quotas.models import CostRate, Quote
from quotas.quotes import remove_expired

GENERATIONS, QUOTES = "/api/v1/generations", "/api/v1/quotes"
KITE = {"prompt": "a red kite", "size": "64x64", "steps": 4}


@pytest.fixture
def quote(alice):
    """Alice asks what this would cost."""
    return lambda **fields: alice.api.post(QUOTES, KITE | fields).json()


@pytest.fixture
def refusal(alice):
    """The status, code and field of what alice is refused."""

    def ask(path=GENERATIONS, **fields):
        answer = alice.api.post(path, KITE | fields)
        return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["param"]

    return ask


@pytest.fixture
def slower(alice):
    """Let units take so many milliseconds from now on, as far as anybody knows."""

    def set_rate(ms_per_unit):
        CostRate.objects.all().delete()
        subject = GenerationJob._meta.get_field("checkpoint").related_model.objects.get().pk
        learn(Lesson((subject,), 1.0, ms_per_unit))

    return set_rate


def test_a_quote_tells_the_most_and_the_likely_cost(quote):
    said = quote(size="1024x1024", steps=30)
    assert (said["object"], said["cost"]["unit"]) == ("quote", "gpu_seconds")
    assert said["cost"]["quoted"] > said["cost"]["estimated"] > 0


def test_a_quote_tells_when_it_would_start_and_finish(quote):
    said = quote(size="1024x1024", steps=30)
    assert 0 <= said["start"]["p50"] < said["start"]["p90"]
    assert 0 < said["finish"]["p50"] < said["finish"]["p90"]


@pytest.mark.parametrize(
    ("path", "fields"), [(QUOTES, {}), (f"{GENERATIONS}?dry_run=true", {}), (f"{QUOTES}", {"tier": "flex"})]
)
def test_asking_makes_nothing_but_the_quote(alice, path, fields):
    answer = alice.api.post(path, KITE | fields)
    assert (answer.status_code, answer.json()["id"]) == (200, Quote.objects.get().pk)
    assert not GenerationJob.objects.exists()


@pytest.mark.parametrize("path", [QUOTES, f"{GENERATIONS}?dry_run=true"])
@pytest.mark.parametrize("limits", [{"images_per_day": 0}, {"storage_bytes": 0}, {"queued_jobs": 0}])
def test_a_quote_tells_what_asking_would_meet(alice, allow, path, limits):
    allow(alice, **limits)
    said = alice.api.post(path, KITE).json()
    assert said["cost"]["quoted"] > 0
    assert said["refusal"] == alice.api.post(GENERATIONS, KITE).json()["error"]


def test_a_quote_for_what_would_be_accepted_tells_of_no_refusal(quote):
    assert quote()["refusal"] is None


def test_a_dry_run_heeds_the_time_that_is_left(alice):
    path = f"{GENERATIONS}?dry_run=true"
    error = alice.api.post(path, KITE, headers={"Cancel-After": "abc"}).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_cancel_after", "Cancel-After")
    large = KITE | {"size": "2048x2048", "steps": 100}
    refusal = alice.api.post(path, large, headers={"Cancel-After": "1s"}).json()["refusal"]
    assert (refusal["code"], refusal["param"]) == ("deadline_impossible", "Cancel-After")


def test_dry_run_is_true_or_false(alice):
    error = alice.api.post(f"{GENERATIONS}?dry_run=maybe", KITE).json()["error"]
    assert (error["code"], error["param"], GenerationJob.objects.count()) == ("invalid_value", "dry_run", 0)


def test_dry_run_false_makes_pictures(alice):
    assert alice.api.post(f"{GENERATIONS}?dry_run=false", KITE).status_code == 202


def test_what_could_not_be_made_is_not_quoted(refusal):
    assert refusal(QUOTES, steps=0) == (400, "integer_below_min_value", "steps")


def test_a_viewer_is_not_quoted(alice):
    alice.key.scopes = ["read"]
    alice.key.save()
    assert alice.api.post(QUOTES, KITE).status_code == 403


def test_what_is_cheaper_costs_less_when_it_is_asked_for(alice):
    large = {"prompt": "a red kite", "width": 2048, "height": 1024, "steps": 40, "n": 4}
    cheaper = alice.api.post(QUOTES, large).json()["cheaper"]
    assert [list(each["change"]) for each in cheaper] == [["n"], ["width", "height"], ["tier"], ["steps"]]
    for each in cheaper:
        assert alice.api.post(QUOTES, large | each["change"]).json()["cost"]["quoted"] == each["quoted"]


def test_flex_is_half_the_price(quote):
    said = quote(size="1024x1024", steps=30)
    flex = next(each for each in said["cheaper"] if each["change"] == {"tier": "flex"})
    assert flex["quoted"] == pytest.approx(said["cost"]["quoted"] / 2, abs=0.002)


def test_a_more_urgent_tier_is_sooner_when_there_is_a_queue(alice, quote):
    for _ in range(30):
        alice.api.post(GENERATIONS, {"prompt": "a boat", "size": "1024x1024"})
    sooner = {tuple(each["change"].items()): each["finish_p50"] for each in quote()["sooner"]}
    assert sooner[(("tier", "interactive"),)] < quote()["finish"]["p50"]


def test_a_job_shows_what_was_quoted(alice, quote):
    quoted = quote()["cost"]["quoted"]
    cost = alice.api.post(GENERATIONS, KITE).json()["cost"]
    assert cost == {"unit": "gpu_seconds", "quoted": quoted, "charged": None}


def test_a_quote_is_honoured_when_prices_have_doubled(alice, quote, slower):
    slower(100_000)
    said = quote()
    slower(200_000)
    assert quote()["cost"]["quoted"] == pytest.approx(2 * said["cost"]["quoted"], abs=0.002)
    job = alice.api.post(GENERATIONS, KITE | {"quote": said["id"]}).json()
    assert job["cost"]["quoted"] == said["cost"]["quoted"]


@pytest.mark.parametrize("fields", [{"seed": 2}, {"tier": "interactive"}])
def test_a_quote_holds_where_it_makes_no_difference_to_the_price(alice, quote, fields):
    assert alice.api.post(GENERATIONS, KITE | fields | {"quote": quote(seed=1)["id"]}).status_code == 202


@pytest.mark.parametrize("change", [{"steps": 5}, {"prompt": "a boat"}, {"n": 2}, {"tier": "flex"}, {"size": "64x72"}])
def test_a_quote_of_another_request_is_refused(quote, refusal, change):
    assert refusal(quote=quote()["id"], **change) == (400, "quote_mismatch", "quote")
    assert not GenerationJob.objects.exists()


def test_a_quote_is_over_after_ten_minutes(quote, refusal):
    said = quote()
    Quote.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refusal(quote=said["id"]) == (400, "quote_expired", "quote")


def test_anothers_quote_looks_like_none(charlie, refusal):
    theirs = charlie.api.post(QUOTES, KITE).json()["id"]
    assert (
        refusal(quote=theirs)
        == refusal(quote="quo_" + "0" * 26)
        == refusal(quote="x")
        == (400, "quote_expired", "quote")
    )


def test_a_batch_names_a_quote_for_each_spec(alice, quote):
    said = quote()
    batch = alice.api.post("/api/v1/batches", {"specs": [KITE, KITE | {"quote": said["id"], "steps": 9}]})
    assert batch.json()["error"]["param"] == "specs[1].quote"
    assert alice.api.post("/api/v1/batches", {"specs": [KITE | {"quote": said["id"]}] * 2}).status_code == 202


def test_what_has_no_price_is_refused(slower, refusal):
    slower(10**9)
    assert refusal(size="1024x1024", steps=100) == (400, "no_price", None)


def test_a_hundred_are_priced_with_as_few_queries_as_one(alice, quote, caller_and_order, count_queries):
    _, order = caller_and_order(alice, [], quote=quote()["id"], size="64x64", steps=4)
    jobs = [GenerationJob(tenant=alice.tenant) for _ in range(100)]
    assert count_queries(put_prices, jobs, [order] * 100) == count_queries(put_prices, jobs[:1], [order]) == 2


def test_quotes_that_are_over_are_forgotten(quote):
    kept, over = quote()["id"], quote()["id"]
    Quote.objects.filter(pk=over).update(expires_at=timezone.now() - timedelta(seconds=1))
    remove_expired()
    assert Quote.objects.get().pk == kept
