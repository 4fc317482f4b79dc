"""A sweep's contact sheet, looked at as a picture: every cell where its values say, and none but its own."""

import io

import numpy as np
import PIL.Image
import pytest

from generation.batches.labels import font, wrapped
from generation.batches.sheet import Cell, contact_sheet, label
from generation.models import GenerationJob, Image
from tests.generation.batches.conftest import SMALL, SWEEPS

RED, GREEN, BLUE = 0xE01010, 0x10E010, 0x1010E0  # seeds, which the fake engine paints


@pytest.fixture
def sheet_of(alice, run_jobs):
    """Sweep these axes, change something, and return the sheet as an array of pixels."""

    def make(*axes, change=lambda: None, **spec):
        asked = [{"field": field, "values": values} for field, values in axes]
        sweep = alice.api.post(SWEEPS, {"spec": SMALL | spec, "axes": asked}).json()
        run_jobs()
        change()
        answer = alice.api.get(sweep["urls"]["sheet"])
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
        return np.asarray(PIL.Image.open(io.BytesIO(answer.content)))

    return make


def boxes(pixels, seed):
    """Return where there is this colour: (left, top, right, bottom) of every patch, in reading order."""
    colour = np.array([seed >> 16, seed >> 8 & 255, seed & 255])
    mask = (np.abs(pixels.astype(int) - colour) < 12).all(axis=2)
    columns, rows = (runs(mask.any(axis=axis)) for axis in (0, 1))
    return [(left, top, right, bottom) for top, bottom in rows for left, right in columns
            if mask[top:bottom, left:right].mean() > 0.99]  # fmt: skip


def runs(line):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line, [0]])))
    return list(zip(edges[::2], edges[1::2], strict=True))


def test_two_axes_run_down_and_across(sheet_of):
    pixels = sheet_of(("steps", [1, 2]), ("seed", [RED, GREEN, BLUE]))
    (red, red_below), (green, _), (blue, _) = (boxes(pixels, seed) for seed in (RED, GREEN, BLUE))
    assert red[0] < green[0] < blue[0]
    assert red[1] == green[1] == blue[1] < red_below[1]
    assert (red[2] - red[0], red[3] - red[1]) == (64, 64)


def test_the_first_axis_runs_down(sheet_of):
    pixels = sheet_of(("seed", [RED, GREEN]), ("steps", [1, 2, 3]))
    red, green = boxes(pixels, RED), boxes(pixels, GREEN)
    assert (len(red), len(green)) == (3, 3)
    assert {box[1] for box in red} != {box[1] for box in green}


def test_a_third_axis_makes_grids_one_below_the_other(sheet_of):
    pixels = sheet_of(("prompt", ["a kite", "a cat"]), ("steps", [1, 2]), ("seed", [RED, GREEN]))
    red = boxes(pixels, RED)
    tops = [box[1] for box in red]
    assert len({box[0] for box in red}) == 1
    assert np.diff(tops)[1] > np.diff(tops)[0] == np.diff(tops)[2]  # the second grid's title stands between


def test_a_single_axis_is_laid_in_lines_of_ten(sheet_of):
    pixels = sheet_of(("seed", [RED] * 10 + [GREEN]))
    red, (green,) = boxes(pixels, RED), boxes(pixels, GREEN)
    assert len({box[1] for box in red}) == 1
    assert green[0] == red[0][0]
    assert green[1] > red[0][1]


def test_a_cell_is_its_pictures_thumbnail(sheet_of, alice):
    pixels = sheet_of(("seed", [RED, GREEN]), size="512x256", n=2)
    image = Image.objects.get(seed=RED, index=0)
    answer = alice.api.get(f"/api/v1/images/{image.pk}/content?size=thumbnail")
    thumbnail = np.asarray(PIL.Image.open(io.BytesIO(answer.content)).convert("RGB")).astype(int)
    ((left, top, right, bottom),) = boxes(pixels, RED)
    assert (right - left, bottom - top) == (256, 128)
    assert np.abs(pixels[top:bottom, left:right] - thumbnail).max() <= 1


def test_a_cell_without_a_picture_is_grey_and_the_others_stay_in_place(sheet_of):
    def lose_the_first():
        Image.objects.filter(job__batch_index=0).delete()
        GenerationJob.objects.filter(batch_index=0).update(status="failed")

    axes = ("seed", [RED, GREEN])
    whole, lossy = sheet_of(axes), sheet_of(axes, change=lose_the_first)
    left, top, right, bottom = boxes(whole, RED)[0]
    assert boxes(lossy, RED) == []
    assert boxes(lossy, GREEN) == boxes(whole, GREEN)
    cell = lossy[top:bottom, left:right]
    assert (cell[0, 0] == cell[-1, -1]).all()
    assert 0 < (cell != cell[0, 0]).any(axis=2).mean() < 0.3  # a word stands in it


def test_a_batch_that_is_no_sweep_has_no_sheet(alice, make_batch):
    answer = alice.api.get(f"/api/v1/batches/{make_batch(alice, {})['id']}/sheet")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_sheet")


def test_a_colleague_sees_the_sheet(alice, bob):
    axes = [{"field": "steps", "values": [1, 2]}]
    sweep = alice.api.post(SWEEPS, {"spec": SMALL, "axes": axes}).json()
    assert bob.api.get(sweep["urls"]["sheet"]).status_code == 200


def test_a_hundred_cells_with_the_longest_labels_stay_within_bounds():
    axes = [{"field": "prompt", "values": ["word " * 800] * 50}, {"field": "steps", "values": [1, 2]}]
    sheet = contact_sheet(axes, [Cell((2048, 2048), None, "queued")] * 100)
    assert sheet.width * sheet.height < 12_000_000


def test_labels_name_their_field_unless_they_speak_for_themselves():
    assert label("guidance_scale", 7.5) == "guidance scale 7.5"
    assert label("prompt", "a red kite") == "a red kite"
    assert label("scheduler", "DDIMScheduler") == "DDIM"


@pytest.mark.parametrize("text", ["a red kite over the sea and " * 20, "kite" * 200, "風車" * 50, "a\n\nb" * 99])
def test_a_long_label_is_wrapped_and_shortened_within_its_width(text):
    lines = wrapped(text, 120, 3)
    assert len(lines) == 3
    assert all(font().getlength(line) <= 120 for line in lines)
    assert lines[-1].endswith("…")


def test_a_short_label_is_left_alone():
    assert wrapped("a red  kite", 200, 3) == ["a red kite"]
    assert wrapped("", 200, 3) == []
