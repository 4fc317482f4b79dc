"""Does the form order pictures, and say beside each field what is wrong with it?"""

import re

import pytest
from django.utils import timezone

from generation.models import GenerationJob
from jobs.models import Status, Worker
from tenants.models import Membership

FORM = {"prompt": "a red kite", "size": "custom", "width": "64", "height": "96", "n": "2", "seed": "7", "steps": "3"}
HTMX = {"HX-Request": "true"}


def order(person, **fields):
    return person.browser.post("/", FORM | fields, headers=HTMX)


def test_a_form_becomes_a_job(alice):
    order(alice, scheduler="HeunDiscreteScheduler", output_format="webp", output_quality="70")
    job = GenerationJob.objects.get()
    assert (job.tenant, job.key, job.spec.seed, job.spec.n) == (alice.tenant, None, 7, 2)
    assert (job.width, job.height, job.scheduler, job.output_format) == (64, 96, "HeunDiscreteScheduler", "webp")


def test_htmx_gets_the_jobs_card_with_its_events(alice):
    card = order(alice).content.decode()
    job = GenerationJob.objects.get()
    assert f'data-events="/api/v1/generations/{job.pk}/events"' in card
    assert "<html" not in card


def test_a_bare_browser_is_led_to_the_jobs_page(alice):
    answer = alice.browser.post("/", FORM)
    assert answer["Location"] == f"/generations/{GenerationJob.objects.get().pk}"
    page = alice.browser.get(answer["Location"]).content.decode()
    assert '<noscript><meta http-equiv="refresh"' in page


def test_a_chosen_size_goes_before_the_free_one(alice):
    order(alice, size="1344x768")
    job = GenerationJob.objects.get()
    assert (job.width, job.height) == (1344, 768)


def test_empty_fields_take_the_checkpoints_defaults(alice):
    alice.browser.post("/", {"prompt": "a red kite", "seed": "", "steps": ""})
    job = GenerationJob.objects.get()
    assert (job.width, job.steps, job.guidance_scale, job.n) == (1024, 30, 7.5, 1)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("prompt", " ", "Prompt must not be empty."),
        ("width", "100", "Width must be a multiple of 8; the nearest is 96."),
        ("n", "11", "Pictures must be at most 10."),
        ("steps", "0", "Steps must be at least 1."),
        ("steps", "many", "Enter a whole number."),
        ("guidance_scale", "31", "Guidance must be between 0.0 and 30.0."),
        ("seed", "4294967296", "Seed must be at most 4294967295."),
        ("size", "9x9", "Size must have sides from 64 to 2048"),
    ],
)
def test_each_error_stands_beside_its_field(alice, field, value, sentence):
    answer = order(alice, **{field: value})
    assert (answer.status_code, answer["HX-Retarget"]) == (422, "#composer")
    beside = answer.context["form"][field].errors
    assert beside[0].startswith(sentence)
    assert not GenerationJob.objects.exists()


def test_what_no_field_can_see_alone_stands_above_the_form(alice):
    page = order(alice, width="2048", height="2048", n="10", steps="100").content.decode()
    assert "This asks for 1000 % of what one request may." in page


def test_a_bare_browser_keeps_what_was_typed(alice):
    answer = alice.browser.post("/", FORM | {"steps": "500"})
    assert answer.status_code == 422
    assert ">a red kite</textarea>" in answer.content.decode().replace("\n", "")


def test_a_full_queue_is_told_in_a_sentence(alice, allow):
    allow(alice, queued_jobs=1)
    order(alice)
    answer = order(alice)
    assert (answer.status_code, answer["Content-Type"]) == (429, "text/plain; charset=utf-8")
    assert "1 job of yours may wait" in answer.content.decode()


def test_a_viewer_may_look_and_not_make(alice):
    Membership.objects.filter(user=alice.user).update(role=Membership.Role.VIEWER)
    assert "Your role may only look at pictures" in alice.browser.get("/").content.decode()
    assert alice.browser.post("/", FORM).status_code == 403


def test_a_missing_worker_is_visible_until_one_is_ready(alice):
    assert "No worker is ready" in alice.browser.get("/").content.decode()
    Worker.objects.create(name="w", ready=True, seen_at=timezone.now())
    assert "No worker is ready" not in alice.browser.get("/").content.decode()
    assert "No worker is ready" not in alice.browser.get("/worker-notice", headers=HTMX).content.decode()


def test_a_jobs_own_page_says_so_too_while_the_job_waits(alice):
    order(alice)
    address = f"/generations/{GenerationJob.objects.get().pk}"
    assert "No worker is ready" in alice.browser.get(address).content.decode()
    Worker.objects.create(name="w", ready=True, seen_at=timezone.now())
    assert "No worker is ready" not in alice.browser.get(address).content.decode()


def test_unfinished_jobs_are_shown_again_to_the_whole_tenant_alone(alice, bob, charlie):
    order(alice, prompt="first")
    order(alice, prompt="second")
    page = bob.browser.get("/").content.decode()
    assert page.index("second") < page.index("first")
    assert "number <span data-position>2</span> in your queue" in page
    assert "first" not in charlie.browser.get("/").content.decode()


def test_the_last_finished_are_found_without_sorting_all(alice, plan_of):
    plan = plan_of("LIMIT 6", lambda: alice.browser.get("/"))
    assert "generationjob_newest" in plan
    assert "TEMP B-TREE" not in plan


def test_those_being_made_are_found_by_their_state(alice, plan_of):
    plan = plan_of('AND "generation_generationjob"."status" IN', lambda: alice.browser.get("/"))
    assert "generationjob_by_status" in plan


def test_only_the_last_six_finished_are_shown(alice):
    for number in range(8):
        order(alice, prompt=f"kite {number}")
    GenerationJob.objects.update(status=Status.SUCCEEDED)
    order(alice, prompt="one more")
    page = alice.browser.get("/").content.decode()
    shown = [number for number in range(8) if f"kite {number}" in page]
    assert (shown, "one more" in page) == ([2, 3, 4, 5, 6, 7], True)


def test_a_waiting_job_is_cancelled_on_its_card(alice):
    order(alice)
    job = GenerationJob.objects.get()
    card = alice.browser.post(f"/generations/{job.pk}/cancel", headers=HTMX).content.decode()
    assert 'data-status="cancelled"' in card
    assert GenerationJob.objects.get().status == Status.CANCELLED


def test_a_strangers_job_is_neither_shown_nor_cancelled(alice, charlie):
    order(alice)
    job = GenerationJob.objects.get()
    assert charlie.browser.get(f"/generations/{job.pk}").status_code == 404
    assert charlie.browser.post(f"/generations/{job.pk}/cancel").status_code == 404
    assert GenerationJob.objects.get().status == Status.QUEUED


def test_a_failed_job_says_why(alice):
    order(alice)
    GenerationJob.objects.update(status=Status.FAILED, error_code="gpu_out_of_memory", error_message="It does not fit.")
    assert "It does not fit." in alice.browser.get("/").content.decode()
    assert "It does not fit." in alice.browser.get("/history?show=failed").content.decode()


def cost_of(person, **fields):
    return person.browser.post("/cost", FORM | fields, headers=HTMX).content.decode().strip()


def test_the_form_says_what_it_would_cost(alice):
    assert re.fullmatch(r"About [\d.]+ GPU-seconds, [\d.]+ at most. It would be done in about \d+ s.", cost_of(alice))
    assert not GenerationJob.objects.exists()


def test_it_says_so_before_there_is_a_prompt(alice):
    assert cost_of(alice, prompt=" ") == cost_of(alice)


def test_larger_costs_more(alice):
    small, large = (float(cost_of(alice, size=size).split()[1]) for size in ("512x512", "1024x1024"))
    assert large > 3 * small > 0


def test_a_form_that_would_be_refused_has_no_cost(alice):
    assert cost_of(alice, steps="1000") == ""


def test_it_says_what_would_be_refused_now(alice, allow):
    allow(alice, images_per_day=0)
    assert "Now it would be refused: Your limit is 0 images a day" in cost_of(alice)


def test_it_says_when_it_would_begin_behind_others(alice):
    kite = {"prompt": "a kite", "size": "1024x1024", "steps": 50, "tier": "interactive"}
    alice.api.post("/api/v1/batches", {"specs": [kite] * 40})
    assert "It would begin in about" in cost_of(alice)


def test_who_may_only_look_is_told_no_cost(alice, bob):
    Membership.objects.filter(user=bob.user).update(role=Membership.Role.VIEWER)
    assert bob.browser.post("/cost", FORM, headers=HTMX).status_code == 403
