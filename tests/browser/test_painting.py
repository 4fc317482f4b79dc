"""Is a part of a picture drawn anew where somebody painted, and nowhere else?"""

import io
from pathlib import Path

import PIL.Image
import pytest
from playwright.sync_api import Page, expect

from tests.browser.composing import compose, expect_pictures
from tests.pictures import picture

pytestmark = [pytest.mark.browser, pytest.mark.processes]
SIZE = (96, 64)
BEFORE = picture(size=SIZE)
INSIDE, OUTSIDE = (24, 32), (80, 32)


@pytest.fixture
def painting(visitor, tmp_path: Path) -> Page:
    """The form with a start picture and its easel open."""
    page = visitor.page
    BEFORE.save(tmp_path / "before.png")
    page.get_by_text("Start from a picture").click()
    page.get_by_label("A picture to begin from").set_input_files(tmp_path / "before.png")
    page.get_by_text("Draw only a part anew").click()
    return page


def stroke(page: Page, *points: tuple[int, int]) -> None:
    """Paint over these pixels of the start picture, once the page listens and stands still."""
    expect(page.locator("[data-painter]")).to_have_attribute("data-ready", "")
    canvas = page.locator("canvas")
    scale = canvas.evaluate("each => each.clientWidth") / SIZE[0]
    for place, (x, y) in enumerate(points):
        canvas.hover(position={"x": x * scale, "y": y * scale})
        if place == 0:
            page.mouse.down()
    page.mouse.up()


def made(page: Page, **fields: str) -> PIL.Image.Image:
    """Press Generate and return the picture."""
    card = compose(page, "a kite", steps="1", seed="255", **fields)
    expect_pictures(card, 1)
    return PIL.Image.open(io.BytesIO(page.request.get(card.locator("img").evaluate("each => each.src")).body()))


def test_what_is_painted_is_drawn_anew_and_the_rest_stays(painting):
    expect(painting.locator("#id_strength")).to_have_attribute("placeholder", "0.75")
    stroke(painting, (20, 20), (24, 32), (20, 44))
    expect(painting.locator("#id_strength")).to_have_attribute("placeholder", "1.0")
    drawn = made(painting)
    assert (drawn.size, drawn.getpixel(INSIDE)) == (SIZE, (0, 0, 255))
    assert drawn.getpixel(OUTSIDE) == BEFORE.getpixel(OUTSIDE)


def test_what_is_undone_is_not_sent_and_a_mask_is_used_again(painting):
    stroke(painting, INSIDE, INSIDE)
    stroke(painting, OUTSIDE, OUTSIDE)
    painting.get_by_role("button", name="Undo").click()
    first = made(painting)
    assert first.getpixel(OUTSIDE) == BEFORE.getpixel(OUTSIDE)
    painting.locator("#jobs .card").first.get_by_role("link", name="Use again").click()
    expect(painting.locator("canvas")).to_be_visible()
    stroke(painting, OUTSIDE, OUTSIDE)
    again = made(painting)
    assert [again.getpixel(place) for place in (INSIDE, OUTSIDE)] == [(0, 0, 255)] * 2


def test_the_keyboard_paints_too(painting):
    painting.locator("canvas").focus()
    for key in ["ArrowLeft"] * 4 + [" "]:
        painting.keyboard.press(key)
    drawn = made(painting)
    assert (drawn.getpixel(INSIDE), drawn.getpixel(OUTSIDE)) == ((0, 0, 255), BEFORE.getpixel(OUTSIDE))
