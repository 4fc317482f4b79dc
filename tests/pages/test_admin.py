"""Does an operator find everything in the admin, and nobody else anything?"""

import pytest

from jobs.models import JobEvent, Worker

LISTS = [
    "tenants/tenant",
    "tenants/user",
    "tenants/apikey",
    "generation/generationjob",
    "generation/image",
    "jobs/jobevent",
    "jobs/worker",
    "quotas/plan",
    "quotas/allowance",
    "loras/checkpoint",
    "loras/controlnet",
    "loras/lora",
]


@pytest.mark.parametrize("name", LISTS)
def test_every_list_is_in_the_sidebar_and_opens(operator, alice, make_image, name):
    make_image(alice, size="64x64", steps=1)
    page = operator.get(f"/admin/{name}/")
    assert page.status_code == 200
    assert f'href="/admin/{name}/"' in operator.get("/admin/").content.decode()


def test_a_generation_shows_its_pictures_and_the_way_to_its_events(operator, alice, make_image):
    image = make_image(alice, size="64x64", steps=1)
    page = operator.get(f"/admin/generation/generationjob/{image.job_id}/change/").content.decode()
    assert f"/files/{image.pk}" in page
    assert f"/admin/jobs/jobevent/?q={image.job_id}" in page
    assert image.sha256 in operator.get(f"/admin/generation/image/{image.pk}/change/").content.decode()


def test_a_generation_shows_its_loras(operator, alice, shelve, make_image):
    shelve("kites")
    image = make_image(alice, size="64x64", steps=1, loras=[{"name": "kites", "weight": 0.5}])
    page = operator.get(f"/admin/generation/generationjob/{image.job_id}/change/").content.decode()
    assert "kites v1 0.5" in page


def test_the_overview_counts_what_is_there(operator, alice, make_image):
    make_image(alice, size="64x64", steps=1)
    alice.api.post("/api/v1/generations", {"prompt": "a red kite"})
    Worker.objects.create(name="w", ready=True)
    numbers = {each["title"]: each["value"] for each in operator.get("/admin/").context["numbers"]}
    assert numbers == {"Waiting": 1, "Running": 0, "Succeeded (1 h)": 1, "Failed (1 h)": 0, "Workers ready": 1}


def test_the_last_failures_lead_to_their_events(operator, alice):
    JobEvent.objects.create(
        tenant=alice.tenant, job_id="gen_1", attempt=1, name="failed", status="failed", detail="oom"
    )
    assert "/admin/jobs/jobevent/?q=gen_1" in operator.get("/admin/").content.decode()


def test_a_member_is_no_operator(alice):
    assert alice.browser.get("/admin/")["Location"].startswith("/admin/login/")
    assert "Operator" not in alice.browser.get("/").content.decode()


def test_lists_load_thumbnails_and_a_pictures_own_page_the_picture(operator, alice, make_image):
    image = make_image(alice, size="64x64", steps=1)
    assert f"/files/{image.pk}-small:" in operator.get("/admin/generation/image/").content.decode()
    assert f"/files/{image.pk}:" in operator.get(f"/admin/generation/image/{image.pk}/change/").content.decode()


def test_the_events_of_a_job_are_found_through_an_index(operator, alice, plan_of):
    plan = plan_of('FROM "jobs_jobevent"', lambda: operator.get("/admin/jobs/jobevent/?q=gen_1"))
    assert "jobevent_of_job" in plan


def test_the_last_failures_are_found_through_an_index(operator, alice, plan_of):
    plan = plan_of("LIMIT 8", lambda: operator.get("/admin/"))
    assert "jobevent_by_time" in plan


def test_events_are_sifted_by_their_kind(operator, alice, make_image):
    make_image(alice, size="64x64", steps=1)
    shown = operator.get("/admin/jobs/jobevent/?move=claimed").context["cl"].result_list
    assert [event.name for event in shown] == ["claimed"]
