"""Do all pages carry what pages must: the policy, our own refusals, and nothing from elsewhere?"""

import re

import pytest
from django.test import Client

from generation.composing.fields import scheduler_label
from generation.shapes import shapes_for
from loras.models import Checkpoint

PAGES = ["/", "/history", "/history?show=failed", "/developers", "/sign-in", "/nothing/here"]


@pytest.mark.parametrize("address", PAGES)
def test_pages_allow_nothing_inline_and_load_nothing_from_elsewhere(alice, address):
    answer = alice.browser.get(address, follow=True)
    page = answer.content.decode()
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert not re.search(r'(src|href|action)="(https?:)?//|<script>|<style| style="| on\w+="', page)


def test_the_admin_and_the_documentation_keep_their_inline_scripts(operator):
    assert "Content-Security-Policy" not in operator.get("/admin/")
    assert "Content-Security-Policy" not in Client().get("/api/v1/docs")


def test_a_missing_page_is_ours_with_the_navigation(alice):
    page = alice.browser.get("/nothing/here")
    assert page.status_code == 404
    assert "Nothing here" in page.content.decode()
    assert 'href="/history"' in page.content.decode()


def test_a_bug_shows_our_page_and_nothing_of_its_inside(alice, settings):
    settings.MAX_QUEUED = "a bug"
    alice.browser.raise_request_exception = False
    page = alice.browser.post("/", {"prompt": "a red kite"})
    assert page.status_code == 500
    assert "The fault is ours" in page.content.decode()
    assert "TypeError" not in page.content.decode()


def test_the_chosen_theme_is_kept(alice):
    assert 'data-theme="dark"' in alice.browser.get("/").content.decode()
    alice.browser.cookies["theme"] = "light"
    assert 'data-theme="light"' in alice.browser.get("/").content.decode()


def test_the_examples_name_this_server(alice, settings):
    settings.PUBLIC_URL = "https://pictures.example.com"
    page = alice.browser.get("/developers").content.decode()
    assert "https://pictures.example.com/v1" in page
    assert "https://pictures.example.com/api/v1/generations" in page


def test_sizes_are_sdxls_own_at_1024_and_its_ratios_below():
    large, small = shapes_for(Checkpoint()), shapes_for(Checkpoint(width=128, height=128))
    assert [shape.size for shape in large] == ["1024x1024", "896x1152", "1152x896", "768x1344", "1344x768"]
    assert [shape.size for shape in small] == ["128x128", "112x144", "144x112", "96x168", "168x96"]


def test_schedulers_are_called_by_their_words():
    assert scheduler_label("EulerAncestralDiscreteScheduler") == "Euler Ancestral"
    assert scheduler_label("KDPM2AncestralDiscreteScheduler") == "KDPM2 Ancestral"
    assert scheduler_label("DPMSolverMultistepScheduler") == "DPM Solver Multistep"
