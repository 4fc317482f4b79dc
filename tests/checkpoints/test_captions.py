"""Do captions say what the picture shows, and do held-out combinations stay out?"""

import numpy as np
import pytest

from checkpoints.recipe.captions import Sampler, caption, held_out_background, held_out_style, held_out_tint, tintable
from checkpoints.recipe.compose import BACKGROUNDS, TINTS
from checkpoints.recipe.sources import STYLES, Icon

THINGS = ("cat", "dog", "red apple", "house", "owl", "key", "star", "boat", "cup", "drum", "kite", "pear")
ICONS = [Icon(thing, thing, style, "Objects", core=True) for thing in THINGS for style in STYLES]


@pytest.fixture(scope="module")
def examples():
    sampler = Sampler(ICONS, core_share=1.0, seed=0)
    return [(ICONS[example.row], example) for example in (sampler.next() for _ in range(2000))]


def test_a_caption_names_the_thing_its_tint_style_and_background():
    text = caption("owl", "noto", tint="blue", background="teal", rng=np.random.default_rng(0))

    assert "blue owl" in text
    assert "teal" in text


def test_a_vowel_is_given_its_article():
    texts = {caption("owl", None, tint=None, background=None, rng=np.random.default_rng(n)) for n in range(20)}

    assert "an owl" in texts
    assert "a owl" not in texts


def test_no_example_shows_a_held_out_style(examples):
    assert any(held_out_style(icon.concept) for icon in ICONS)
    assert not [icon for icon, _ in examples if held_out_style(icon.concept) == icon.style]


def test_no_example_shows_a_held_out_tint_or_background(examples):
    assert not [1 for icon, example in examples if example.tint == held_out_tint(icon.concept)]
    named = [(icon, example) for icon, example in examples if "background" in example.caption]
    assert not [1 for icon, example in named if example.background == held_out_background(icon.concept)]


def test_a_thing_whose_name_holds_a_colour_is_not_tinted(examples):
    assert not tintable("red apple")
    assert not [1 for icon, example in examples if icon.concept == "red apple" and example.tint]


def test_every_colour_is_seen(examples):
    assert {example.tint for _, example in examples} - {None} == set(TINTS)
    assert {example.background for _, example in examples} == set(BACKGROUNDS)
