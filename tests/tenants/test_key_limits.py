"""A key that is limited to some checkpoints and LoRAs: to it, the others are not there."""

import pytest
from django.test import Client

from generation.models import GenerationJob
from loras.models import Checkpoint
from tests.conftest import Api

ROUTE = "/api/v1/generations"
SMALL = {"prompt": "a kite", "size": "64x64", "steps": 1}


@pytest.fixture
def other(checkpoint):
    """A second checkpoint on the shelf, not the usual one."""
    return Checkpoint.objects.create(name="other", source="fake-other", context_width=2048)


def limited(person, **limits):
    """Return a program of the person's whose key is limited so."""
    made = person.api.post("/api/v1/keys", {"name": "limited", "scopes": ["read", "generate"], **limits})
    assert made.status_code == 201, made.content
    return Api(made.json()["secret"])


def names(answer):
    """Return what a list calls its entries."""
    return [each.get("name", each["id"]) for each in answer.json()["data"]]


def test_lists_show_what_the_key_may_use(alice, other, shelve):
    ours, _ = shelve("kites").lora, shelve("boats", 2).lora
    api = limited(alice, checkpoints=[other.pk], loras=[ours.pk])
    assert names(api.get("/api/v1/checkpoints")) == names(api.get("/v1/models")) == ["other"]
    assert names(api.get("/api/v1/loras")) == ["kites"]
    assert names(alice.api.get("/api/v1/loras")) == ["boats", "kites"]


@pytest.mark.parametrize("field", ["name", "pk"])
def test_another_checkpoint_looks_like_none(alice, other, field):
    api = limited(alice, checkpoints=[other.pk])
    usual = Checkpoint.objects.get(is_default=True)
    forbidden, missing = (
        api.post(ROUTE, SMALL | {"checkpoint": name}) for name in (getattr(usual, field), "ckpt_" + "0" * 26)
    )
    assert (forbidden.status_code, forbidden.content) == (404, missing.content)
    assert forbidden.json()["error"]["code"] == "model_not_found"
    assert api.post(ROUTE, SMALL | {"checkpoint": "other"}).status_code == 202


def test_who_names_no_checkpoint_is_told_which_to_name(alice, other):
    error = limited(alice, checkpoints=[other.pk]).post(ROUTE, SMALL).json()["error"]
    assert (error["code"], error["param"]) == ("model_not_allowed", "checkpoint")
    assert "Name one of: other." in error["message"]


def test_who_is_limited_to_what_was_removed_is_told_so(alice, other):
    api = limited(alice, checkpoints=[other.pk])
    other.delete()
    answer = api.post(ROUTE, SMALL | {"checkpoint": "other"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "model_not_allowed")


def test_another_lora_looks_like_none_by_name_id_and_hash(alice, shelve):
    ours, others = shelve("kites"), shelve("boats", 2)
    api = limited(alice, loras=[ours.lora.pk])
    for way, value in (("name", "boats"), ("id", others.lora.pk), ("hash", others.sha256)):
        answer = api.post(ROUTE, SMALL | {"loras": [{way: value}]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "lora_not_found")
    foreign, missing = (api.get(f"/api/v1/loras/{each}") for each in (others.lora.pk, "lora_" + "0" * 26))
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert api.post(ROUTE, SMALL | {"loras": [{"name": "kites"}]}).status_code == 202


def test_a_refiner_is_limited_too(alice):
    usual = Checkpoint.objects.get(is_default=True)
    Checkpoint.objects.create(name="finisher", kind="refiner", source="fake-refiner", context_width=1280)
    api = limited(alice, checkpoints=[usual.pk])
    for refiner in ({}, {"checkpoint": "finisher"}):
        answer = api.post(ROUTE, SMALL | {"refiner": refiner})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "refiner_not_found")
        assert alice.api.post(ROUTE, SMALL | {"refiner": refiner}).status_code == 202


@pytest.mark.parametrize("body", [{"specs": [SMALL]}, {"spec": SMALL, "axes": [{"field": "steps", "values": [1]}]}])
def test_batches_and_sweeps_are_limited_too(alice, other, body):
    route = "/api/v1/batches" if "specs" in body else "/api/v1/sweeps"
    api = limited(alice, checkpoints=[other.pk])
    assert api.post(route, body).json()["error"]["code"] == "model_not_allowed"


def test_openais_clients_are_limited_too(alice, other):
    usual = Checkpoint.objects.get(is_default=True)
    api = limited(alice, checkpoints=[other.pk])
    assert api.get(f"/v1/models/{usual.name}").content == api.get("/v1/models/none").content
    answer = api.post("/v1/images/generations", {"prompt": "a kite", "model": usual.name})
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "model")


def test_the_create_page_is_no_way_around(alice, other):
    usual = Checkpoint.objects.get(is_default=True)
    api = limited(alice, checkpoints=[other.pk])
    page = Client.post(api, "/", SMALL | {"checkpoint": usual.name})
    assert page.status_code == 422
    assert not GenerationJob.objects.exists()
