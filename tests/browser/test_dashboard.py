"""Does the dashboard do for a person what it promises? Chromium, uvicorn, worker, scheduler and store, all real."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.composing import compose, expect_pictures
from tests.shelf import lora_at

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_picture_develops_before_the_eyes_without_reload(visitor):
    card = compose(visitor.page, "a red kite", n="2", steps="60")
    expect(card).to_have_attribute("data-status", "running")
    expect(card.locator("[data-step]")).to_have_text(re.compile(r"[1-9]"))
    early = int(card.locator("[data-step]").text_content())
    expect(card.locator("[data-step]")).not_to_have_text(str(early))
    assert card.locator("progress").evaluate("bar => bar.value") > early
    expect_pictures(card, 2)


def test_looks_at_a_picture_come_before_the_picture(visitor):
    card = compose(visitor.page, "a kite that appears", steps="80", n="2")
    expect(card.locator("canvas")).to_have_count(2)
    expect(card).to_have_attribute("data-status", "running")
    expect(card.locator("canvas").nth(1)).to_have_js_property("width", 1024)
    expect_pictures(card, 2)
    expect(card.locator("canvas")).to_have_count(0)


def test_a_reload_in_between_loses_nothing(visitor):
    card = compose(visitor.page, "a kite that survives", steps="80")
    expect(card).to_have_attribute("data-status", "running")
    visitor.page.reload()
    expect(card).to_have_attribute("data-status", "running")
    expect_pictures(card, 1)


def test_who_waits_sees_their_place_and_moves_up(visitor):
    compose(visitor.page, "first", steps="100")
    compose(visitor.page, "second", steps="20")
    last = compose(visitor.page, "third", steps="1")
    expect(last.locator("[data-position]")).to_have_text("2")
    expect(last.locator("[data-position]")).to_have_text("1")
    expect_pictures(last, 1)


def test_a_running_job_is_cancelled(visitor):
    card = compose(visitor.page, "an unwanted kite", steps="100")
    expect(card).to_have_attribute("data-status", "running")
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_have_attribute("data-status", "cancelled")
    visitor.opens("/history?show=cancelled")
    expect(visitor.page.get_by_text("an unwanted kite").first).to_be_visible()


def test_a_picture_is_found_in_the_history_and_its_settings_are_used_again(visitor):
    page = visitor.page
    expect_pictures(compose(page, "a kite to find", seed="4242", steps="2"), 1)
    page.get_by_role("link", name="History").click()
    page.locator(".gallery .thumbnail").first.click()
    expect(page.locator("#prompt")).to_have_text("a kite to find")
    page.get_by_role("link", name="Use these settings again").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a kite to find")
    expect(page.locator("#id_seed")).to_have_value("4242")


def test_a_picture_is_downloaded_and_deleted_after_a_question(visitor):
    page = visitor.page
    expect_pictures(compose(page, "a kite to delete", steps="1"), 1)
    page.locator("#jobs img").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"img_\w+\.png", download.value.suggested_filename)
    page.get_by_role("button", name="Delete").click()
    page.locator("#delete").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The picture is deleted.")).to_be_visible()


def shelve(visitor, file: Path, number: int) -> Page:
    """Put a LoRA on the shelf in the console, and return to the form."""
    page = visitor.opens("/admin/loras/lora/add/")
    page.set_input_files("[type=file]", lora_at(file, number))
    page.get_by_label("Trigger words").fill("wet paper")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    return visitor.opens("/")


def test_a_lora_is_put_onto_a_picture_and_used_again(visitor, tmp_path):
    page = shelve(visitor, tmp_path / "watercolour.safetensors", 1)
    page.get_by_label("Find a LoRA").click()
    page.get_by_role("button", name="watercolour").click()
    page.get_by_role("slider").fill("-0.5")
    expect(page.locator("[name=lora_weight]")).to_have_value("-0.5")
    page.get_by_label("Prompt", exact=True).fill("a kite")
    page.get_by_role("button", name="wet paper").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a kite, wet paper")
    card = compose(page, "a kite on wet paper", steps="1")
    expect_pictures(card, 1)
    expect(card.locator(".worn")).to_have_text("watercolour -0.5")
    card.get_by_role("link", name="Use again").click()
    expect(page.locator("[name=lora_weight]")).to_have_value("-0.5")
    page.get_by_label("Steps").press("Enter")  # which must not press Remove
    expect(page.locator("#jobs .card").first.locator(".worn")).to_have_text("watercolour -0.5")
    page.get_by_role("button", name="Remove watercolour").click()
    expect(page.locator("[name=lora_weight]")).to_have_count(0)


def test_a_lora_is_found_and_put_on_without_javascript(visitor, arrive, tmp_path):
    shelve(visitor, tmp_path / "ink.safetensors", 2)
    page = arrive(java_script_enabled=False).page
    page.get_by_label("Prompt", exact=True).fill("a kite without a script")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name="ink").click()
    page.locator("[name=lora_weight]").fill("0.25")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a kite without a script")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".card[data-status=succeeded] .worn")).to_have_text("ink 0.25", timeout=20_000)


def test_the_admin_opens_with_previews(visitor):
    page = visitor.opens("/admin/")
    expect(page.get_by_text("Workers ready")).to_be_visible()
    page.get_by_role("link", name="Images").click()
    expect(page.locator("#result_list img").first).to_be_visible()


def test_an_error_stands_beside_its_field_and_goes_away(arrive):
    page = arrive().page
    page.get_by_text("More settings").click()
    page.get_by_label("Steps").fill("500")
    page.get_by_label("Prompt", exact=True).fill("a red kite")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".field", has=page.get_by_label("Steps"))).to_contain_text("Steps must be at most 100.")
    expect(page.get_by_label("Steps")).to_be_focused()
    compose(page, "a red kite", steps="1")
    expect(page.get_by_text("Steps must be at most 100.")).to_have_count(0)


def test_it_works_without_javascript(arrive):
    page = arrive(java_script_enabled=False).page
    page.get_by_label("Prompt", exact=True).fill("a kite without a script")
    page.get_by_role("button", name="Generate").click()
    expect(page).to_have_url(re.compile(r"/generations/gen_"))
    expect(page.locator(".card[data-status=succeeded] img")).to_have_count(1, timeout=20_000)


@pytest.mark.parametrize("path", ["/", "/history", "/batches", "/developers"])
def test_nothing_is_wider_than_a_phone(arrive, path):
    page = arrive(viewport={"width": 390, "height": 844}).opens(path)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
