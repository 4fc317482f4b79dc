"""Does a viewer see everything, and no button that would be refused?"""

from html import unescape

import pytest

from tests.tenants.members.team import promote

SPEC = {"prompt": "a red kite", "size": "64x64", "steps": 1}


@pytest.fixture
def viewer(alice, bob):
    """The browser of bob, who may only look."""
    promote(bob, "viewer")
    return bob.browser


def test_the_page_to_create_says_so(viewer):
    page = viewer.get("/").content.decode()
    assert "Your role may only look at pictures" in page
    assert "press Generate" not in page
    assert 'id="composer"' not in page


def test_a_picture_is_shown_without_what_makes_or_deletes(alice, viewer, make_image):
    image = make_image(alice, **{key: SPEC[key] for key in ("size", "steps")})
    for person, offered in ((viewer, False), (alice.browser, True)):
        page = person.get(f"/images/{image.pk}").content.decode()
        assert f"/api/v1/images/{image.pk}/content" in page
        assert [words in page for words in ("Use these settings again", "Use as start", "/delete")] == [offered] * 3


@pytest.mark.parametrize("path", ["/", "/generations/{}"])
def test_a_waiting_generation_is_shown_without_cancel(alice, viewer, path):
    job = alice.api.post("/api/v1/generations", SPEC).json()["id"]
    for person, offered in ((viewer, False), (alice.browser, True)):
        page = person.get(path.format(job)).content.decode()
        assert job in page
        assert (f"/generations/{job}/cancel" in page) == offered


def test_a_finished_one_is_shown_without_use_again(alice, viewer, make_image):
    make_image(alice)
    assert "Use again" not in viewer.get("/").content.decode()
    assert "Use again" in alice.browser.get("/").content.decode()


def test_a_batch_is_shown_without_cancel(alice, viewer):
    batch = alice.api.post("/api/v1/batches", {"specs": [SPEC] * 2}).json()["id"]
    assert "0 of 2 done" in viewer.get(f"/batches/{batch}").content.decode()
    assert "Cancel the rest" not in viewer.get(f"/batches/{batch}").content.decode()
    assert "Cancel the rest" in alice.browser.get(f"/batches/{batch}").content.decode()


def test_a_cancelled_one_is_shown_without_use_again(alice, viewer):
    job = alice.api.post("/api/v1/generations", SPEC).json()["id"]
    alice.api.post(f"/api/v1/generations/{job}/cancel")
    page = viewer.get("/history?show=cancelled").content.decode()
    assert job in page
    assert "Use again" not in page


@pytest.mark.parametrize("page", ["keys", "webhooks", "audit"])
def test_settings_lead_nowhere_that_a_viewer_is_refused(alice, viewer, page):
    for person, offered in ((viewer, False), (alice.browser, True)):
        assert (f'href="/settings/{page}"' in person.get("/settings/usage").content.decode()) == offered


def test_a_refusal_names_the_roles_that_may_and_a_way_out(viewer):
    page = unescape(viewer.get("/settings/keys").content.decode())
    assert "These may: owner, admin. An owner or admin of this tenant can give you another." in page
    assert "scope" not in page


def test_everybody_finds_the_settings(viewer):
    assert '<a href="/settings/usage">Settings</a>' in viewer.get("/").content.decode()
