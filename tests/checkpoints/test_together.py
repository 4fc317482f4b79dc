"""Do several things lie where the words say?"""

import numpy as np
import pytest

from checkpoints.recipe.captions import Sampler
from checkpoints.recipe.sources import STYLES, Icon
from checkpoints.recipe.together import count_of, held_out, laid_out, plural, two_of

THINGS = ("cat", "dog", "apple", "house", "owl", "key", "cup of coffee", "cherry")
ICONS = [Icon(thing, thing, style, "Objects", core=True) for thing in THINGS for style in STYLES]
PIXELS = np.stack([np.full((128, 128, 4), 10 + row, np.uint8) for row in range(len(ICONS))])


@pytest.fixture(scope="module")
def scenes():
    sampler = Sampler(ICONS, core_share=1.0, seed=0, scene_share=1.0)
    return [sampler.next() for _ in range(500)]


@pytest.mark.parametrize(
    ("one", "many"),
    [("cat", "cats"), ("fox", "foxes"), ("cherry", "cherries"), ("toy", "toys"), ("cup of coffee", "cups of coffee"),
     ("mouse", "mice"), ("red apple", "red apples")],
)  # fmt: skip
def test_a_thing_is_put_in_the_plural(one, many):
    assert plural(one) == many


@pytest.mark.parametrize(
    ("relation", "here", "there"),
    [("left of", (32, 64), (96, 64)), ("right of", (96, 64), (32, 64)), ("above", (64, 32), (64, 96)),
     ("below", (64, 96), (64, 32)), ("and", (32, 64), (96, 64))],
)  # fmt: skip
def test_the_first_of_two_things_lies_where_the_word_says(relation, here, there):
    picture = laid_out(PIXELS, two_of((0, 5), ("cat", "dog"), relation))

    assert (picture[here[::-1]][0], picture[there[::-1]][0]) == (10, 15)


def test_four_of_a_kind_fill_the_picture():
    scene = count_of(3, "owl", 4)

    assert scene.words == "four owls"
    assert (laid_out(PIXELS, scene) == 13).all()


def test_scenes_come_in_one_style_and_never_the_held_out_ones(scenes):
    assert all(len({ICONS[row].style for row in each.scene.rows}) == 1 for each in scenes)
    assert not [each for each in scenes if held_out(each.scene.words)]
    assert {len(each.scene.rows) for each in scenes} == {2, 3, 4}


def test_without_a_share_there_are_no_scenes():
    sampler = Sampler(ICONS, core_share=1.0, seed=0)

    assert not [1 for _ in range(200) if sampler.next().scene]
