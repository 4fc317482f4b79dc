"""Are pictures composed, halved and scored as they should?"""

import numpy as np
import pytest

from checkpoints.recipe.captions import Example
from checkpoints.recipe.compose import BACKGROUNDS, on_background, tinted
from checkpoints.recipe.score import Judge, gradient_energy, nearest_background
from checkpoints.recipe.sources import STYLES, Icon


def icon(shape: str, shade: int) -> np.ndarray:
    rgba = np.zeros((128, 128, 4), np.uint8)
    area = (slice(20, 108), slice(50, 78)) if shape == "bar" else (slice(40, 88), slice(20, 108))
    rgba[area] = (shade, shade, 255 - shade, 255)
    return rgba


ICONS = [Icon(shape, shape, style, "Objects", core=True) for shape in ("bar", "brick") for style in STYLES]
PIXELS = np.stack([icon(each.name, 60 + 60 * STYLES.index(each.style)) for each in ICONS])


def test_a_transparent_icon_leaves_only_the_background():
    picture = on_background(np.zeros((128, 128, 4), np.uint8), BACKGROUNDS["teal"])

    assert (picture == BACKGROUNDS["teal"]).all()
    assert nearest_background(picture) == "teal"


def test_a_tint_keeps_the_shape_and_changes_the_colour():
    red = tinted(PIXELS[0], "red")

    assert (red[..., 3] == PIXELS[0][..., 3]).all()
    assert red[64, 64, 0] > 2 * red[64, 64, 2]


def test_a_blurred_edge_has_less_energy_than_a_crisp_one():
    crisp = on_background(PIXELS[0], BACKGROUNDS["white"])
    blurred = (crisp.astype(float) + np.roll(crisp, 1, 0) + np.roll(crisp, 1, 1)) / 3

    assert gradient_energy(blurred) < 0.9 * gradient_energy(crisp)


@pytest.mark.parametrize("row", range(len(ICONS)))
def test_the_real_icon_gets_the_best_score(row):
    asked = Example(row, None, "lime", "")

    [score] = Judge(ICONS, PIXELS).score_all([asked], on_background(PIXELS[row], BACKGROUNDS["lime"])[None])

    assert (score.rank, score.style, score.background, score.sharpness) == (0, True, True, 1.0)


def test_another_concept_is_told_apart():
    asked = Example(0, None, "white", "")

    other = on_background(PIXELS[len(STYLES)], BACKGROUNDS["white"])

    assert Judge(ICONS, PIXELS).score_all([asked], other[None])[0].rank == 1
