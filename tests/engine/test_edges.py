"""Are edges found where a picture has them, and nowhere else?"""

import numpy as np
import pytest

from generation.engine.edges import canny, scribble


def square(shade: int, ground: int = 255) -> np.ndarray:
    picture = np.full((64, 64, 3), ground, np.uint8)
    picture[16:48, 16:48] = shade
    return picture


def test_a_square_has_a_closed_thin_outline():
    edges = canny(square(0))

    assert edges.any(0)[17:47].all()
    assert edges.any(1)[17:47].all()
    assert not edges[20:44, 20:44].any()
    assert edges.sum() < 4 * 36


def test_a_flat_picture_has_no_edges():
    assert not canny(np.full((32, 32, 3), 77, np.uint8)).any()


@pytest.mark.parametrize(("step", "seen"), [(20, False), (60, True)])
def test_only_a_steep_step_is_an_edge(step, seen):
    assert canny(square(255 - step)).any() == seen


def test_a_faint_line_is_kept_where_it_joins_a_strong_one():
    picture = square(255)
    picture[:, 32:] = 255 - 40  # too faint alone
    assert not canny(picture).any()

    picture[:20, 32:] = 0

    assert canny(picture)[40:, 30:34].any()


def test_colours_of_one_brightness_have_an_edge_between_them():
    picture = np.full((32, 32, 3), (200, 0, 0), np.uint8)
    picture[:, 16:] = (0, 0, 200)

    assert canny(picture)[:, 14:18].any(1).all()


def test_a_scribble_is_thicker_than_edges():
    assert scribble(square(0)).sum() > 2 * canny(square(0)).sum()
