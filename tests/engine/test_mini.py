"""The engine on the weights that ship with the project: what it draws can be looked at."""

from pathlib import Path

import numpy as np
import pytest

from generation.engine.engine import Engine
from generation.engine.options import Options
from generation.engine.spec import LoraUse, Spec
from loras.weights.sources import sha256_of
from tests.engine.conftest import begin, generate, levels

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"
TEAL = (0, 128, 128)


@pytest.fixture(scope="module")
def mini():
    return Engine(str(CHECKPOINTS / "mini"), Options(device="cpu", step_seconds=60))


def ask(prompt, seed=0, loras=()):
    return Spec(
        checkpoint=str(CHECKPOINTS / "mini"),
        prompt=prompt,
        negative_prompt="",
        width=128,
        height=128,
        steps=12,
        guidance_scale=4.0,
        seed=seed,
        n=1,
        scheduler="EulerDiscreteScheduler",
        loras=loras,
    )


@pytest.fixture
def inkline():
    file = CHECKPOINTS / "loras" / "inkline-kohya.safetensors"
    return LoraUse("inkline", file, sha256_of([file]), 1.0)


def middle(picture):
    """The colour of the middle of a picture."""
    return np.median(picture[48:80, 48:80].reshape(-1, 3), axis=0)


def corner(picture):
    return np.median(picture[:10, :10].reshape(-1, 3), axis=0)


def colourfulness(picture):
    """How far the picture is from grey, on average."""
    return float((picture.max(-1) - picture.min(-1)).mean())


def test_the_thing_and_its_background_have_the_colours_asked_for(mini):
    picture = levels(generate(mini, ask("a red heart, on a teal background"))[0].image)
    red, green, blue = middle(picture)
    assert red > 150 > max(green, blue)
    assert np.abs(corner(picture) - TEAL).max() < 40


def test_pictures_drawn_together_each_follow_their_own_prompt(mini):
    begun = [begin(mini, ask(f"a {colour} guitar", seed=3)) for colour in ("blue", "red")]
    while not mini.batches.is_idle:
        mini.batches.turn()
    blue, red = (levels(pictures[0].image).mean((0, 1)) for _, pictures in begun)
    assert blue[2] - blue[0] > 10
    assert red[0] - red[2] > 10


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_heavier_colour_shows_more(mini, seed):
    light, heavy = (levels(generate(mini, ask(f"a (blue:{weight}) guitar", seed))[0].image) for weight in (0.5, 1.5))
    assert blueness(heavy) > blueness(light) + 5
    assert blueness(light) > 15


def blueness(picture):
    red, green, blue = picture.mean((0, 1))
    return blue - (red + green) / 2


def test_the_example_lora_turns_colour_into_ink(mini, inkline):
    prompt = "a teapot, inkline style"
    plain, inked = (levels(generate(mini, ask(prompt, loras=loras))[0].image) for loras in ((), (inkline,)))
    assert colourfulness(inked) < 0.7 * colourfulness(plain)
    assert (inked.max(-1) < 60).mean() > (plain.max(-1) < 60).mean() + 0.02


def test_after_the_lora_the_picture_is_what_it_was(mini, inkline):
    before = generate(mini, ask("a cat"))[0]
    generate(mini, ask("a cat", loras=(inkline,)))
    assert np.array_equal(levels(generate(mini, ask("a cat"))[0].image), levels(before.image))
