"""Does a batch's page show how far it is, its pictures, and nothing of others'?"""

import re
from html import unescape

import pytest

from generation.models import GenerationJob, Image
from jobs import leases
from tests.pages.conftest import queries_of

HTMX = {"HX-Request": "true"}
SPEC = {"prompt": "a red kite", "size": "64x64", "steps": 1}


@pytest.fixture
def batch(alice):
    """The id of a batch of alice's whose three generations wait."""
    return alice.api.post("/api/v1/batches", {"specs": [SPEC] * 3}).json()["id"]


def news_address(page):
    return unescape(re.search(r'hx-get="([^"]*/batches/[^"]*)"', page).group(1))


def test_a_waiting_batch_shows_its_places_and_asks_again(alice, batch):
    page = alice.browser.get(f"/batches/{batch}").content.decode()
    assert "0 of 3 done" in page
    assert page.count('class="cell"') == 3
    assert f"/batches/{batch}?since=" in news_address(page)


def test_htmx_gets_the_head_and_the_cells_that_ended(alice, batch, generations):
    page = alice.browser.get(f"/batches/{batch}").content.decode()
    job = GenerationJob.objects.earliest("pk")
    alice.api.post(f"/api/v1/generations/{job.pk}/cancel")
    news = alice.browser.get(news_address(page), headers=HTMX).content.decode()
    assert "1 of 3 done" in news
    assert re.findall(r'class="cell" id="(\w+)" hx-swap-oob="true"', news) == [job.pk]
    assert "<html" not in news


def test_a_finished_batch_shows_its_pictures_and_asks_no_more(alice, batch, run_jobs):
    run_jobs()
    page = alice.browser.get(f"/batches/{batch}").content.decode()
    images = [image.pk for image in Image.objects.order_by("job__batch_index")]
    assert re.findall(r'href="/images/(img_\w+)"', page) == images
    assert "hx-get" not in page
    assert f"/api/v1/batches/{batch}/archive" in page


def test_a_sweep_leads_to_its_sheet(alice, run_jobs):
    axes = [{"field": "steps", "values": [1, 2]}]
    sweep = alice.api.post("/api/v1/sweeps", {"spec": SPEC, "axes": axes}).json()
    assert f"/api/v1/batches/{sweep['id']}/sheet" in alice.browser.get(f"/batches/{sweep['id']}").content.decode()


def test_the_rest_of_a_batch_is_cancelled(alice, batch):
    answer = alice.browser.post(f"/batches/{batch}/cancel", follow=True)
    assert "3 cancelled" in answer.content.decode()
    assert leases.claim(GenerationJob, "w1") is None


def test_batches_are_listed_newest_first_and_only_the_tenants_own(alice, bob, charlie, batch):
    newer = bob.api.post("/api/v1/batches", {"specs": [SPEC]}).json()["id"]
    page = bob.browser.get("/batches").content.decode()
    assert re.findall(r'href="/batches/(batch_\w+)"', page) == [newer, batch]
    assert "No batches yet" in charlie.browser.get("/batches").content.decode()


@pytest.mark.parametrize("htmx", [{}, HTMX])
def test_a_strangers_batch_is_like_a_missing_one(charlie, batch, htmx):
    theirs = charlie.browser.get(f"/batches/{batch}", headers=htmx)
    missing = charlie.browser.get("/batches/batch_" + "0" * 26, headers=htmx)
    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert charlie.browser.post(f"/batches/{batch}/cancel").status_code == 404


def test_the_page_to_create_shows_batches_as_one(alice, batch):
    page = alice.browser.get("/").content.decode()
    assert f'href="/batches/{batch}"' in page
    assert not re.search(r'<article class="card', page)


def test_a_larger_batch_costs_no_more_queries(alice, run_jobs):
    small, large = (alice.api.post("/api/v1/batches", {"specs": [SPEC] * n}).json()["id"] for n in (1, 12))
    run_jobs()
    costs = [queries_of(alice.browser, f"/batches/{id}")[1] for id in (small, large)]
    assert costs[0] == costs[1]
