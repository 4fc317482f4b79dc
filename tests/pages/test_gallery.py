"""Does the history show what was made, page by page, and each picture with all that is known of it?"""

import re
from html import unescape

import pytest

from generation.composing.form import ComposeForm
from generation.models import GenerationJob, Image
from jobs.models import Status
from tests.pages.conftest import queries_of

SPEC = {"size": "64x64", "steps": 3, "seed": 7, "negative_prompt": "clouds", "scheduler": "HeunDiscreteScheduler"}


def form_of(person, address) -> ComposeForm:
    return person.browser.get(address).context["form"]


def without_token(page) -> str:
    return re.sub(r'(name="csrfmiddlewaretoken") value="\w+"', r"\1", page.content.decode())


def test_an_empty_history_invites_to_create(alice):
    assert "Make the first one" in alice.browser.get("/history").content.decode()


def test_the_history_shows_the_tenants_images_alone(alice, bob, charlie, make_image):
    image = make_image(alice, **SPEC)
    assert image.pk in bob.browser.get("/history").content.decode()
    assert image.pk not in charlie.browser.get("/history").content.decode()


def test_older_pages_follow_and_cost_the_same_queries(alice, many_images):
    newest = [image.pk for image in many_images(30)][::-1]
    first, queries = queries_of(alice.browser, "/history")
    older = unescape(re.search(r'href="([^"]*after=[^"]*)"', first).group(1))
    second, queries_of_second = queries_of(alice.browser, older)
    assert re.findall(r'href="/images/(img_\w+)"', first + second) == newest
    assert queries == queries_of_second


def test_htmx_gets_the_older_page_as_a_part(alice, many_images):
    last = many_images(2)[1].pk
    part = alice.browser.get(f"/history?after={last}", headers={"HX-Request": "true"}).content.decode()
    assert "img_" in part
    assert "<html" not in part


def test_a_wrong_cursor_is_refused_in_a_page(alice):
    answer = alice.browser.get("/history?after=nonsense")
    assert answer.status_code == 400
    assert "<html" in answer.content.decode()


def test_cancelled_generations_are_found_again(alice):
    alice.api.post("/api/v1/generations", {"prompt": "a lost kite"})
    GenerationJob.objects.update(status=Status.CANCELLED)
    assert "a lost kite" in alice.browser.get("/history?show=cancelled").content.decode()
    assert "a lost kite" not in alice.browser.get("/history?show=failed").content.decode()


def test_a_picture_shows_every_parameter(alice, make_image):
    image = make_image(alice, **SPEC)
    page = alice.browser.get(f"/images/{image.pk}").content.decode()
    told = ["a red kite", "clouds", "HeunDiscreteScheduler", "fake-sdxl", image.sha256, "&quot;receipt&quot;: 1"]
    assert [fact for fact in told if fact not in page] == []


def test_a_strangers_picture_is_like_a_missing_one(alice, charlie, make_image):
    image = make_image(alice, **SPEC)
    theirs = charlie.browser.get(f"/images/{image.pk}")
    missing = charlie.browser.get("/images/img_00000000000000000000000000")
    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert without_token(theirs) == without_token(missing)


def test_a_picture_leads_to_its_neighbours(alice, make_image):
    older, middle, newer = (make_image(alice, **SPEC).pk for _ in range(3))
    page = alice.browser.get(f"/images/{middle}").content.decode()
    assert f'rel="prev" href="/images/{newer}"' in page
    assert f'rel="next" href="/images/{older}"' in page


def test_settings_are_used_again_with_the_pictures_own_seed(alice, make_image):
    image = make_image(alice, **SPEC | {"n": 2})
    form = form_of(alice, f"/?from={image.pk}")
    asked = {name: form[name].value() for name in ("prompt", "negative_prompt", "steps", "scheduler")}
    assert asked == {"prompt": "a red kite", **{name: SPEC[name] for name in ("negative_prompt", "steps", "scheduler")}}
    assert (form.chosen_size, form["width"].value(), form["height"].value()) == ("custom", 64, 64)
    assert (form["seed"].value(), form["n"].value()) == (8, 1)


def test_a_generation_is_used_again_as_it_was(alice, make_image):
    image = make_image(alice, **SPEC | {"n": 2})
    form = form_of(alice, f"/?from={image.job_id}")
    assert (form["seed"].value(), form["n"].value()) == (7, 2)


def test_a_strangers_settings_are_not_told(alice, charlie, make_image):
    image = make_image(alice, **SPEC)
    assert charlie.browser.get(f"/?from={image.pk}").status_code == 404
    assert charlie.browser.get(f"/?from={image.job_id}").status_code == 404


def test_a_deleted_picture_is_gone_with_its_files(alice, make_image, generations, settings):
    image = make_image(alice, **SPEC)
    answer = alice.browser.post(f"/images/{image.pk}/delete", follow=True)
    assert "The picture is deleted." in answer.content.decode()
    assert not Image.objects.exists()
    assert alice.browser.get(f"/api/v1/images/{image.pk}/content").status_code == 404


@pytest.mark.parametrize("path", ["/images/{}/delete", "/images/{}"])
def test_nobody_deletes_a_strangers_picture(alice, charlie, make_image, path):
    image = make_image(alice, **SPEC)
    charlie.browser.post(path.format(image.pk))
    assert Image.objects.filter(pk=image.pk).exists()
