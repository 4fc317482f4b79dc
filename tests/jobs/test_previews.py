"""What a job shows before its end: in order, for each attempt anew, with one question for all who watch."""

from darkroom.up.store import free_port
from generation.models import GenerationJob
from jobs import previews
from jobs.guests import Snapshot, Waiter
from jobs.previews import Previews, key
from tenants.standing import Standing

ANYBODY = Standing("")
NOW = Snapshot("running", 1, 1, 4, None)


def news_of(waiter):
    """Return what this waiter has been told."""
    return [waiter.news.get_nowait() for _ in range(waiter.news.qsize())]


def test_an_attempt_shows_one_after_the_other(valkey):
    showing = Previews(GenerationJob(id="gen_1", attempt=2))
    showing.show(b"first")
    showing.show(b"second")
    assert (valkey.get(key("gen_1", 2, 0)), valkey.get(key("gen_1", 2, 1))) == (b"first", b"second")


def test_what_the_store_does_not_take_leaves_no_gap(valkey):
    showing = Previews(GenerationJob(id="gen_1", attempt=1))
    valkey.config_set("maxmemory", "1")
    showing.show(b"lost")
    valkey.config_set("maxmemory", "0")
    previews.store().rests_until = 0.0
    showing.show(b"kept")
    assert valkey.get(key("gen_1", 1, 0)) == b"kept"


def test_a_waiter_is_told_each_preview_once_and_before_the_state():
    waiter = Waiter(ANYBODY, job=GenerationJob(id="gen_1"), wanted=3)
    waiter.tell(NOW, {key("gen_1", 1, 0): b"a", key("gen_1", 1, 1): b"b"})
    waiter.tell(NOW, {key("gen_1", 1, 1): b"b", key("gen_1", 1, 2): b"c"})
    assert news_of(waiter) == [b"a", b"b", NOW, b"c"]


def test_who_comes_late_is_told_what_is_still_there():
    waiter = Waiter(ANYBODY, job=GenerationJob(id="gen_1"), wanted=3)
    waiter.tell(NOW, {key("gen_1", 1, 1): b"b"})  # the first lay in the store for its minute
    waiter.tell(NOW, {key("gen_1", 1, 1): b"b", key("gen_1", 1, 2): b"c"})
    assert news_of(waiter) == [b"b", NOW, b"c"]


def test_another_attempt_shows_anew():
    waiter = Waiter(ANYBODY, job=GenerationJob(id="gen_1"), wanted=2)
    waiter.tell(NOW, {key("gen_1", 1, 0): b"a"})
    waiter.tell(NOW._replace(attempt=2), {key("gen_1", 2, 0): b"z"})
    assert [each for each in news_of(waiter) if isinstance(each, bytes)] == [b"a", b"z"]


def test_who_wants_none_asks_for_none():
    assert Waiter(ANYBODY, job=GenerationJob(id="gen_1")).awaited(1) == []


def test_all_are_asked_for_with_one_question(valkey):
    Previews(GenerationJob(id="gen_1", attempt=1)).show(b"a")
    Previews(GenerationJob(id="gen_2", attempt=1)).show(b"b")
    before = valkey.info("commandstats").get("cmdstat_mget", {"calls": 0})["calls"]
    found = previews.store().get([key("gen_1", 1, 0), key("gen_1", 1, 1), key("gen_2", 1, 0)])
    assert sorted(found.values()) == [b"a", b"b"]
    assert valkey.info("commandstats")["cmdstat_mget"]["calls"] == before + 1


def test_a_dead_store_is_left_alone_for_a_while(settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    assert previews.store().get([key("gen_1", 1, 0)]) == {}
    assert previews.store().rests
