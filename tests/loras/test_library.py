"""GET /loras and its neighbours: what may I ask for?"""

import pytest
from django.test import RequestFactory

from loras.models import ControlNet
from loras.services import place_checkpoint
from loras.views import Loras

ROUTE = "/api/v1/loras"


def names(answer):
    return [each["name"] for each in answer.json()["data"]]


def test_a_lora_is_shown_with_its_words_and_its_files(alice, shelve):
    version = shelve("kites", title="Red kites", trigger_words="red kite, sky", tags="birds", license="CC0")
    lora = alice.api.get(f"{ROUTE}/{version.lora_id}").json()
    assert (lora["object"], lora["trigger_words"], lora["tags"]) == ("lora", ["red kite", "sky"], ["birds"])
    assert (lora["title"], lora["license"]) == ("Red kites", "CC0")
    hashes = ("sha256", "autov1", "autov2", "autov3", "crc32")
    assert [lora["versions"][0][name] for name in hashes] == [getattr(version, name) for name in hashes]


def test_the_newest_version_stands_first(alice, shelve):
    for number in (1, 2, 3):
        version = shelve("kites", number)
    lora = alice.api.get(f"{ROUTE}/{version.lora_id}").json()
    assert [each["number"] for each in lora["versions"]] == [3, 2, 1]


def test_lists_are_paged_newest_first(alice, shelve):
    for number in range(3):
        shelve(f"lora {number}", number + 1)
    first = alice.api.get(f"{ROUTE}?limit=2")
    rest = alice.api.get(f"{ROUTE}?limit=2&after={first.json()['last_id']}")
    assert names(first) + names(rest) == ["lora 2", "lora 1", "lora 0"]
    assert (first.json()["has_more"], rest.json()["has_more"]) == (True, False)


def test_a_list_costs_the_same_queries_however_long(alice, shelve, django_assert_num_queries):
    for number in range(5):
        shelve(f"lora {number}", number + 1)
    alice.api.get(ROUTE)  # notes that the key is in use
    request = RequestFactory().get(ROUTE, headers={"Authorization": f"Bearer {alice.secret}"})
    with django_assert_num_queries(3):  # key, page, versions
        answer = Loras.as_view()(request)
    assert len(answer.data["data"]) == 5


@pytest.mark.parametrize("kind", ["sha256", "autov1", "autov2", "autov3", "crc32"])
def test_any_hash_of_any_version_finds_it(alice, shelve, kind):
    old = shelve("kites", 1)
    shelve("kites", 2)
    shelve("others", 3)
    found = alice.api.get(f"{ROUTE}?hash={getattr(old, kind).upper()}")
    assert "kites" in names(found)
    assert kind == "autov1" or names(found) == ["kites"]  # small files have no middle: their AutoV1 is one


@pytest.mark.parametrize(
    ("words", "found"), [("KITE", ["kites"]), ("bird red", ["kites"]), ("nothing", []), ("%", []), ("_", [])]
)
def test_words_find_it_by_what_is_said_of_it(alice, shelve, words, found):
    shelve("kites", 1, title="Red", tags="birds")
    shelve("ships", 2)
    assert names(alice.api.get(ROUTE, {"q": words})) == found


@pytest.mark.parametrize("query", [{"q": "a\0b"}, {"hash": "\0"}, {"q": "x" * 201}, {"limit": "0"}, {"after": "x"}])
def test_what_cannot_be_searched_for_is_refused(alice, query):
    answer = alice.api.get(ROUTE, query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, next(iter(query)))


def test_another_tenants_lora_looks_like_none(alice, charlie, shelve):
    theirs = shelve("secret", tenant=charlie.tenant)
    foreign = alice.api.get(f"{ROUTE}/{theirs.lora_id}")
    missing = alice.api.get(f"{ROUTE}/lora_00000000000000000000000000")
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    for query in ({}, {"hash": theirs.sha256}, {"q": "secret"}):
        assert names(alice.api.get(ROUTE, query)) == []
    assert names(charlie.api.get(ROUTE)) == ["secret"]


def test_every_base_is_listed_and_can_be_asked_for(alice):
    place_checkpoint("other-sdxl", "other", width=512, height=512)
    place_checkpoint("a-refiner", "polish", kind="refiner")
    assert names(alice.api.get("/api/v1/checkpoints")) == ["fake-sdxl", "other"]
    assert [each["id"] for each in alice.api.get("/v1/models").json()["data"]] == ["fake-sdxl", "other"]
    job = alice.api.post("/api/v1/generations", {"prompt": "a red kite", "checkpoint": "other"}).json()
    assert (job["spec"]["checkpoint"], job["spec"]["width"]) == ("other", 512)
    error = alice.api.post("/api/v1/generations", {"prompt": "a red kite", "checkpoint": "polish"}).json()["error"]
    assert (error["code"], "other" in error["message"], "polish" in error["message"]) == (
        "model_not_found",
        True,
        False,
    )


def test_openais_model_names_any_base(alice, worker):
    place_checkpoint("other-sdxl", "other", width=64, height=64, steps=1)
    answer = alice.api.post("/v1/images/generations", {"prompt": "a red kite", "model": "other"})
    assert answer.json()["size"] == "64x64"
    assert alice.api.get("/v1/models/other").json()["id"] == "other"


def test_controlnets_are_listed(alice):
    ControlNet.objects.create(name="edges", kind="canny", source="x", sha256="0" * 64, context_width=2048)
    (controlnet,) = alice.api.get("/api/v1/controlnets").json()["data"]
    assert (controlnet["object"], controlnet["name"], controlnet["kind"]) == ("controlnet", "edges", "canny")
