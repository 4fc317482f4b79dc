"""Ask for pictures with LoRAs, and get them: by id, name or hash, each with a weight, never another tenant's."""

import io
import json

import openai
import PIL.Image
import pytest
from django.test import RequestFactory

from generation.models import GenerationJob
from generation.services import request_generation
from generation.views import Generations
from jobs import leases
from loras.models import Lora, LoraVersion
from loras.services import remove_lora
from tests.conftest import perform
from tests.fakes import pixel_of

ROUTE = "/api/v1/generations"


def ask(person, *loras, **fields):
    body = {"prompt": "a red kite", "size": "64x64", "steps": 1, "loras": list(loras), **fields}
    return person.api.post(ROUTE, body)


def picture_of(person, image) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(person.api.get(f"/api/v1/images/{image.pk}/content").content))


def test_a_lora_reaches_from_the_url_to_the_stored_file(alice, shelve, make_image):
    version = shelve("kites")
    image = make_image(alice, size="64x64", steps=1, loras=[{"name": "kites", "weight": 0.5}])
    picture = picture_of(alice, image)
    assert picture.getpixel((0, 0)) == pixel_of(image.job.spec.loras[0])
    assert "<lora:kites:0.5>" in picture.text["parameters"]
    assert f'Lora hashes: "kites: {version.autov3[:12]}"' in picture.text["parameters"]
    told = [{"name": "kites", "sha256": version.sha256, "weight": 0.5}]
    assert json.loads(picture.text["receipt"])["loras"] == image.receipt["loras"] == told


def test_several_are_named_by_id_name_and_hash_and_keep_their_order(alice, shelve):
    one, two, three = (shelve(f"lora {number}", number) for number in (1, 2, 3))
    asked = ({"hash": three.autov2, "weight": 2}, {"id": one.lora_id, "weight": -0.25}, {"name": "lora 2"})
    shown = ask(alice, *asked).json()["spec"]["loras"]
    told = [(each["id"], each["name"], each["sha256"], each["weight"]) for each in shown]
    versions = ((three, 2.0), (one, -0.25), (two, 1.0))
    assert told == [(each.lora_id, each.lora.name, each.sha256, weight) for each, weight in versions]


@pytest.mark.parametrize("kind", ["sha256", "autov1", "autov2", "autov3", "crc32"])
def test_every_hash_finds_the_file(alice, shelve, kind):
    version = shelve()
    (shown,) = ask(alice, {"hash": getattr(version, kind).upper()}).json()["spec"]["loras"]
    assert shown["sha256"] == version.sha256


def test_twelve_digits_of_autov3_find_the_file_as_automatic1111_shows_it(alice, shelve):
    version = shelve()
    assert ask(alice, {"hash": version.autov3[:12]}).status_code == 202
    assert ask(alice, {"hash": version.autov3[:13]}).status_code == 404


def test_a_name_means_the_newest_version_and_a_hash_its_own(alice, shelve):
    old, new = shelve("kites", 1), shelve("kites", 2)
    assert ask(alice, {"name": "kites"}).json()["spec"]["loras"][0]["sha256"] == new.sha256
    assert ask(alice, {"hash": old.sha256}).json()["spec"]["loras"][0]["sha256"] == old.sha256


def test_a_job_keeps_its_version_when_a_newer_one_comes(alice, shelve, run_jobs):
    old = shelve("kites", 1)
    job = ask(alice, {"name": "kites"}).json()
    shelve("kites", 2)
    run_jobs()
    done = alice.api.get(job["urls"]["self"]).json()
    assert done["images"][0]["receipt"]["loras"][0]["sha256"] == old.sha256


def test_a_weight_of_zero_equals_none(alice, shelve, make_image):
    shelve("kites")
    nothing = make_image(alice, size="64x64", steps=1, seed=7)
    zero = make_image(alice, size="64x64", steps=1, seed=7, loras=[{"name": "kites", "weight": 0}])
    assert picture_of(alice, zero).tobytes() == picture_of(alice, nothing).tobytes()
    assert zero.receipt["loras"] == []
    assert alice.api.get(f"{ROUTE}/{zero.job_id}").json()["spec"]["loras"][0]["weight"] == 0


def test_another_tenants_lora_looks_like_none(alice, charlie, shelve):
    theirs = shelve("secret", tenant=charlie.tenant)
    missing = ask(alice, {"id": "lora_00000000000000000000000000"})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "lora_not_found")
    for named in ({"id": theirs.lora_id}, {"name": "secret"}, {"hash": theirs.sha256}):
        foreign = ask(alice, named)
        assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert ask(charlie, {"name": "secret"}).status_code == 202


def test_members_share_their_tenants_loras(alice, bob, shelve):
    shelve("ours", tenant=alice.tenant)
    assert ask(bob, {"name": "ours"}).status_code == 202


def test_a_tenants_own_goes_before_the_operators(alice, charlie, shelve):
    own, offered = shelve("kites", 1, tenant=alice.tenant), shelve("kites", 2)
    assert ask(alice, {"name": "kites"}).json()["spec"]["loras"][0]["sha256"] == own.sha256
    assert ask(charlie, {"name": "kites"}).json()["spec"]["loras"][0]["sha256"] == offered.sha256


KITES = {"name": "kites"}
REFUSED = [
    ([KITES] * 21, "too_many_loras", "loras"),
    ([KITES, KITES], "duplicate_lora", "loras[1]"),
    ([KITES | {"weight": 100}], "number_out_of_range", "loras[0].weight"),
    ([KITES | {"weight": -2.01}], "number_out_of_range", "loras[0].weight"),
    ([KITES | {"weight": "1"}], "invalid_type", "loras[0].weight"),
    ([KITES | {"weight": None}], "invalid_type", "loras[0].weight"),
    ([KITES | {"strength": 1}], "unknown_parameter", "loras[0].strength"),
    ([KITES, {"weight": 1}], "invalid_value", "loras[1]"),
    ([KITES | {"id": "lora_1"}], "invalid_value", "loras[0]"),
    ([{"name": 5}], "invalid_type", "loras[0].name"),
    ([{"name": ""}], "empty_string", "loras[0].name"),
    (["kites"], "invalid_type", "loras[0]"),
    ([["kites"]], "invalid_type", "loras[0]"),
    ([5], "invalid_type", "loras[0]"),
    ({"name": "kites"}, "invalid_type", "loras"),
    ("kites", "invalid_type", "loras"),
    (None, "invalid_type", "loras"),
]


@pytest.mark.parametrize(("loras", "code", "param"), REFUSED)
def test_what_no_request_may_say_is_refused_by_name(alice, shelve, loras, code, param):
    shelve("kites")
    answer = alice.api.post(ROUTE, {"prompt": "a red kite", "loras": loras})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert error["message"].endswith(".")
    assert not GenerationJob.objects.exists()


@pytest.mark.parametrize("hash", ["nonsense", "12", "*" * 12, "%" * 12, "é" * 10])
def test_what_is_no_hash_finds_nothing(alice, shelve, hash):
    shelve("kites")
    answer = ask(alice, {"hash": hash})
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "loras[0]")


def test_a_lora_for_another_base_is_refused_where_that_is_known(alice, shelve, generations):
    version = shelve("kites")
    LoraVersion.objects.update(context_width=2048)
    assert ask(alice, {"name": "kites"}).status_code == 202
    type(GenerationJob.objects.get().checkpoint).objects.update(context_width=256)
    error = ask(alice, {"name": "kites"}).json()["error"]
    assert (error["code"], error["param"]) == ("lora_base_mismatch", "loras[0]")
    assert f"{version.lora.name} was trained for a checkpoint that reads text 2048 wide" in error["message"]


def test_a_list_costs_one_query_more_for_all_loras(alice, shelve, django_assert_num_queries):
    for number in range(3):
        shelve(f"lora {number}", number + 1)
    for count in (0, 1, 3):
        ask(alice, *({"name": f"lora {number}"} for number in range(count)))
    request = RequestFactory().get(ROUTE, headers={"Authorization": f"Bearer {alice.secret}"})
    with django_assert_num_queries(12):  # key, page, images, LoRAs, ControlNets; seven to look at the queue
        answer = Generations.as_view()(request)
    assert [len(job["spec"]["loras"]) for job in answer.data["data"]] == [3, 1, 0]


def test_twenty_are_found_with_one_query(alice, shelve, django_assert_max_num_queries):
    for number in range(20):
        shelve(f"lora {number}", number + 1)
    names = [{"name": f"lora {number}"} for number in range(20)]
    with django_assert_max_num_queries(16):
        assert len(ask(alice, *names).json()["spec"]["loras"]) == 20


def test_openais_client_brings_them_in_its_extra_body(alice, server, worker, shelve):
    version = shelve("kites")
    client = openai.OpenAI(base_url=f"{server}/v1", api_key=alice.secret)
    client.images.generate(prompt="a kite", size="64x64", extra_body={"loras": [{"id": version.lora_id, "weight": 2}]})
    (chosen,) = GenerationJob.objects.get().loras.all()
    assert (chosen.version, chosen.weight) == (version, 2)
    with pytest.raises(openai.NotFoundError) as error:
        client.images.generate(prompt="a kite", extra_body={"loras": [{"id": "lora_1"}]})
    assert (error.value.code, error.value.param) == ("lora_not_found", "loras[0]")


def test_a_removed_lora_stays_for_whoever_runs_with_it(alice, shelve, generations):
    version = shelve("kites")
    job_id = ask(alice, {"name": "kites"}).json()["id"]
    running = leases.claim(GenerationJob, "w")
    assert not remove_lora(version.lora)
    perform(running, generations)
    assert alice.api.get(f"{ROUTE}/{job_id}").json()["status"] == "succeeded"
    assert ask(alice, {"name": "kites"}).json()["error"]["code"] == "lora_not_found"


def test_a_lora_removed_while_it_is_asked_for_is_not_found(alice, shelve, caller_and_order):
    caller, order = caller_and_order(alice, [{"name": shelve("kites").lora.name, "weight": 1.0}])
    Lora.objects.all().delete()
    with pytest.raises(Exception, match="There is no such LoRA") as refusal:
        request_generation(caller, order)
    assert refusal.value.code == "lora_not_found"
    assert not GenerationJob.objects.exists()


def test_a_lost_file_fails_the_job_in_words(alice, shelve, run_jobs, settings):
    version = shelve("kites")
    job = ask(alice, {"name": "kites"}).json()
    (settings.STORAGES["weights"]["OPTIONS"]["location"] / version.blob).unlink()
    run_jobs()
    error = alice.api.get(job["urls"]["self"]).json()["error"]
    assert error["code"] == "lora_unavailable"
    assert "the operator can install it again" in error["message"]
