"""A page of pictures fits on one sheet, whatever their shapes."""

from pathlib import Path

from PIL import Image

from darkroom.up.showcase import PAGE, Shown, contact_sheet
from generation.engine.spec import SCHEDULERS


def test_the_sheet_has_room_for_every_picture():
    shapes = [(128, 128), (192, 128), (128, 192), (1024, 1024), (64, 2048)]
    page = [Shown(PAGE[0], Image.new("RGB", shape, "red"), Path("x.png"), 1.0) for shape in shapes]
    assert contact_sheet(page).size == (4 * 272, 2 * (272 + 40))


def test_the_page_asks_for_schedulers_that_exist():
    assert {wish.scheduler for wish in PAGE} <= set(SCHEDULERS)
