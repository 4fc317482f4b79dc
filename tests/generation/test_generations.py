"""Ask for pictures through the native API, and get them."""

import io

import PIL.Image
import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.fields import Field

from generation.views import Generations

ROUTE = "/api/v1/generations"


def test_a_finished_generation_has_its_picture(alice, run_jobs):
    job = alice.api.post(ROUTE, {"prompt": "a red kite", "seed": 7}).json()
    run_jobs()
    done = alice.api.get(job["urls"]["self"]).json()
    assert done["status"] == "succeeded"
    assert done["images"][0]["seed"] == 7


def test_a_picture_reaches_from_the_url_to_the_stored_file(alice, make_image):
    image = make_image(alice, width=96, height=64, output_format="webp")
    content = alice.api.get(f"/api/v1/images/{image.pk}/content")
    picture = PIL.Image.open(io.BytesIO(content.content))
    assert content["Content-Type"] == "image/webp"
    assert picture.format == "WEBP"
    assert picture.size == (96, 64)


def test_accepting_answers_202_with_the_location(alice):
    answer = alice.api.post(ROUTE, {"prompt": "a red kite"})
    assert answer.status_code == 202
    assert answer["Location"] == answer.json()["urls"]["self"]
    assert answer.json()["status"] == "queued"


def test_absent_fields_take_the_checkpoints_defaults(alice):
    spec = alice.api.post(ROUTE, {"prompt": "a red kite"}).json()["spec"]
    assert (spec["width"], spec["height"], spec["scheduler"]) == (1024, 1024, "EulerDiscreteScheduler")
    assert (spec["steps"], spec["guidance_scale"]) == (30, 7.5)


@pytest.mark.parametrize("asked", [{}, {"seed": None}, {"seed": -1}])
def test_a_random_seed_is_told(alice, asked):
    spec = alice.api.post(ROUTE, {"prompt": "a red kite", **asked}).json()["spec"]
    assert 0 <= spec["seed"] < 2**32


def test_n_pictures_have_consecutive_seeds(alice, run_jobs):
    job = alice.api.post(ROUTE, {"prompt": "kites", "n": 3, "seed": 2**32 - 1, "size": "64x64"}).json()
    run_jobs()
    images = alice.api.get(f"{ROUTE}/{job['id']}").json()["images"]
    assert [image["seed"] for image in images] == [2**32 - 1, 0, 1]


def test_preferring_to_wait_answers_200_with_the_picture(alice, worker):
    answer = alice.api.post(ROUTE, {"prompt": "a red kite", "size": "64x64"}, headers={"Prefer": "wait=30"})
    assert answer.status_code == 200
    assert len(answer.json()["images"]) == 1


def test_a_wait_that_ends_too_early_answers_the_job(alice):
    answer = alice.api.post(ROUTE, {"prompt": "a red kite"}, headers={"Prefer": "wait=1"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"


def test_a_waiting_job_knows_its_place(alice, bob, charlie):
    charlie.api.post(ROUTE, {"prompt": "theirs"})
    alice.api.post(ROUTE, {"prompt": "first"})
    second = bob.api.post(ROUTE, {"prompt": "second"}).json()
    assert second["queue"]["position"] == 2


def test_lists_are_paged_newest_first(alice):
    made = [alice.api.post(ROUTE, {"prompt": f"kite {i}"}).json()["id"] for i in range(3)]
    first = alice.api.get(f"{ROUTE}?limit=2").json()
    rest = alice.api.get(f"{ROUTE}?limit=2&after={first['last_id']}").json()
    assert [job["id"] for job in first["data"] + rest["data"]] == made[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)


def test_a_list_costs_the_same_queries_however_long(alice, django_assert_num_queries):
    for index in range(5):
        alice.api.post(ROUTE, {"prompt": f"kite {index}"})
    request = RequestFactory().get(ROUTE, headers={"Authorization": f"Bearer {alice.secret}"})
    # The key, the page, images, LoRAs, ControlNets; and how they stand: what waits, what runs, limits, shares, spread,
    # workers, own order.
    with django_assert_num_queries(5 + 7):
        answer = Generations.as_view()(request)
    assert len(answer.data["data"]) == 5


def test_a_submission_looks_the_limits_up_once(alice):
    alice.api.post(ROUTE, {"prompt": "a red kite"})  # which its request rate was looked up for
    body = {"data": {"prompt": "a red kite"}, "content_type": "application/json"}
    request = RequestFactory().post(ROUTE, **body, headers={"Authorization": f"Bearer {alice.secret}"})
    with CaptureQueriesContext(connection) as queries:
        assert Generations.as_view()(request).status_code == 202
    assert sum('"quotas_allowance"."max_n"' in each["sql"] for each in queries) == 2  # and once beside others'


def test_a_list_whose_jobs_all_began_this_moment_asks_for_none_of_them_again(alice, monkeypatch, count_queries):
    monkeypatch.setattr("generation.views.prospects", lambda *asked: {})
    request = RequestFactory().get(ROUTE, headers={"Authorization": f"Bearer {alice.secret}"})
    counted = []
    for _ in range(2):
        alice.api.post(ROUTE, {"prompt": "a red kite"})
        counted.append(count_queries(Generations.as_view(), request))
    assert counted[0] == counted[1]


def test_a_list_is_read_in_its_order_though_the_database_knows_how_few_tenants_there_are(alice, plan_of):
    alice.api.post(ROUTE, {"prompt": "a red kite"})
    request = RequestFactory().get(ROUTE, headers={"Authorization": f"Bearer {alice.secret}"})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("UPDATE sqlite_stat1 SET stat = '200000 200000 1' WHERE tbl = 'generation_generationjob'")
        cursor.execute("ANALYZE sqlite_schema")
        plan = plan_of('ORDER BY "generation_generationjob"."id" DESC', lambda: Generations.as_view()(request))
        cursor.execute("DELETE FROM sqlite_stat1")
        cursor.execute("ANALYZE sqlite_schema")
    assert "generationjob_newest" in plan
    assert "TEMP B-TREE" not in plan


def test_a_list_makes_its_serializer_once_however_long(alice, run_jobs):
    def fields_made(address):
        before = Field._creation_counter
        alice.api.get(address)
        return Field._creation_counter - before

    for index in range(3):
        alice.api.post(ROUTE, {"prompt": f"kite {index}"})
    run_jobs()
    assert fields_made(f"{ROUTE}?limit=1") == fields_made(f"{ROUTE}?limit=3")


def test_another_tenants_generation_looks_like_none(alice, charlie):
    job = alice.api.post(ROUTE, {"prompt": "a red kite"}).json()
    foreign = charlie.api.get(f"{ROUTE}/{job['id']}")
    missing = charlie.api.get(f"{ROUTE}/gen_00000000000000000000000000")
    assert (foreign.status_code, foreign.content) == (404, missing.content)


def test_members_share_their_tenants_generations(alice, bob):
    job = alice.api.post(ROUTE, {"prompt": "a red kite"}).json()
    assert bob.api.get(f"{ROUTE}/{job['id']}").status_code == 200


def test_too_many_waiting_jobs_are_refused_for_now(alice, allow):
    allow(alice, queued_jobs=1)
    alice.api.post(ROUTE, {"prompt": "first"})
    answer = alice.api.post(ROUTE, {"prompt": "second"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "queue_full")
    assert int(answer["Retry-After"]) > 0


def test_the_schedulers_are_listed_under_diffusers_names(alice):
    listed = alice.api.get("/api/v1/schedulers").json()["data"]
    assert listed[0]["id"] == "EulerDiscreteScheduler"
    lcm = next(each for each in listed if each["id"] == "LCMScheduler")
    assert lcm == {
        "id": "LCMScheduler", "object": "scheduler", "sampler": "LCM", "sigmas": ["default"], "max_steps": 50,
    }  # fmt: skip
    assert "karras" in listed[0]["sigmas"]


def test_the_loaded_checkpoint_is_listed_with_its_defaults(alice):
    (checkpoint,) = alice.api.get("/api/v1/checkpoints").json()["data"]
    assert checkpoint["defaults"]["width"] == 1024
