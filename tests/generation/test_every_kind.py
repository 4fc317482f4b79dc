"""Every kind of picture, from the URL to the stored file, drawn by the embedded checkpoint: its content is checked."""

import asyncio
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import PIL.Image
import pytest

from generation.dispatch import Generations
from generation.engine.edges import canny
from loras.installing import install_checkpoint, install_controlnet
from loras.services import register_lora
from tests.generation.giving import given, left_half, picture_of

SIDE = 128
HEART = {"prompt": "a red heart, on a teal background", "seed": 3, "steps": 12}
FISH = {"prompt": "a yellow fish, on a teal background", "seed": 3, "steps": 12}
TEAL = (0, 128, 128)


@pytest.fixture
def generations(transactional_db: None, stores: None, settings: Any) -> Iterator[Generations]:
    """What performs generations: the real engine on the processor, and the embedded family on the shelf."""
    family = settings.ROOT / "checkpoints"
    settings.CHECKPOINT, settings.ENGINE_OPTIONS = str(family / "mini"), {"device": "cpu"}
    performer = Generations()
    performer.warm_up()
    install_controlnet(str(family / "mini-canny"))
    install_checkpoint(str(family / "mini-refiner"))
    yield performer
    performer.engine.stop()


@pytest.fixture
def draw(alice, make_image):
    """Ask for a picture and return what was stored, as levels."""

    def drawing(**fields):
        return levels(picture_of(alice, make_image(alice, **fields)))

    return drawing


@pytest.fixture
def inkline(generations, settings):
    """The example LoRA that draws in ink."""
    with (settings.ROOT / "checkpoints" / "loras" / "inkline-kohya.safetensors").open("rb") as file:
        register_lora(file, "inkline")


def levels(picture):
    return np.asarray(picture.convert("RGB")).astype(float)


def picture_from(pixels):
    return given(PIL.Image.fromarray(pixels.astype(np.uint8)))


def apart(one, other):
    """How far two pictures are from each other, in levels on average."""
    return float(np.abs(one - other).mean())


async def received(answer):
    return b"".join([part async for part in answer.streaming_content])


def found_lines(picture, lines):
    """The share of these lines that the picture has too, a pixel beside counting as on the line."""
    drawn = canny(picture.astype(np.uint8))
    near = sum(np.roll(drawn, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)) > 0
    return float((lines & near).sum() / lines.sum())


def test_image_to_image_goes_further_the_stronger_it_is(draw):
    start = draw(**HEART)
    distances = [apart(draw(**FISH, init_image=picture_from(start), strength=each), start) for each in (0.1, 0.3, 0.9)]
    assert distances == sorted(distances)
    assert distances[0] < 0.7 * distances[-1]


@pytest.mark.parametrize("mode", ["white", "alpha"])
def test_inpainting_draws_in_the_mask_and_leaves_every_other_pixel(draw, mode):
    start = draw(**HEART)
    white, clear = left_half(255, 0, (SIDE, SIDE)), left_half((0, 0), (0, 255), (SIDE, SIDE), "LA")
    mask = given(white if mode == "white" else clear)
    picture = draw(**FISH, init_image=picture_from(start), mask=mask, mask_mode=mode)
    half = SIDE // 2
    assert np.array_equal(picture[:, half:], start[:, half:])
    assert apart(picture[:, :half], start[:, :half]) > 10


def test_a_controlnets_lines_are_followed_where_words_alone_would_not_go(draw):
    moved = np.roll(draw(**HEART), 24, axis=1)
    lines = canny(moved.astype(np.uint8))
    asked = HEART | {"guidance_scale": 2}
    control = {"name": "mini-canny", "image": picture_from(moved), "preprocess": "canny"}
    with_lines, without = draw(**asked, controlnets=[control]), draw(**asked)
    assert found_lines(with_lines, lines) > found_lines(without, lines) + 0.25


def test_a_refiner_changes_little_and_less_the_later_it_comes(draw):
    plain = draw(**HEART)
    late, early = (apart(draw(**HEART, refiner={"start": start}), plain) for start in (0.8, 0.4))
    assert 0 < late < early
    assert late < 20


def test_a_second_pass_draws_the_same_picture_larger(draw):
    plain, large = draw(**HEART), draw(**HEART, hires={"scale": 1.5, "strength": 0.4})
    assert large.shape == (192, 192, 3)
    smaller = levels(PIL.Image.fromarray(large.astype(np.uint8)).resize((SIDE, SIDE)))
    assert apart(smaller, plain) < 30
    red, green, blue = np.median(large[72:120, 72:120].reshape(-1, 3), axis=0)
    assert red > 150 > max(green, blue)
    assert np.abs(np.median(large[:15, :15].reshape(-1, 3), axis=0) - TEAL).max() < 40


def test_everything_at_once_is_one_request(draw, inkline):
    start = draw(**HEART)
    picture = draw(
        **FISH,
        init_image=picture_from(start),
        mask=given(left_half(255, 0, (SIDE, SIDE))),
        mask_mode="white",
        loras=[{"name": "inkline", "weight": 0.8}],
        controlnets=[{"name": "mini-canny", "image": picture_from(start), "preprocess": "canny", "end": 0.5}],
        refiner={"start": 0.8},
    )
    assert np.array_equal(picture[:, SIDE // 2 :], start[:, SIDE // 2 :])
    assert apart(picture[:, : SIDE // 2], start[:, : SIDE // 2]) > 10


def test_a_sweep_is_drawn_and_comes_as_one_archive(alice, draw, run_jobs):
    start = draw(**HEART)
    axes = [{"field": "strength", "values": [0.2, 0.9]}]
    sweep = alice.api.post("/api/v1/sweeps", {"spec": FISH | {"init_image": picture_from(start)}, "axes": axes}).json()
    run_jobs()
    archive = zipfile.ZipFile(io.BytesIO(asyncio.run(received(alice.api.get(sweep["urls"]["archive"])))))
    names = sorted(name for name in archive.namelist() if name.endswith(".png"))
    near, far = (levels(PIL.Image.open(archive.open(name))) for name in names)
    assert apart(near, start) < apart(far, start)


def test_what_is_drawn_exactly_is_drawn_again_bit_for_bit(draw):
    assert np.array_equal(draw(**HEART, determinism="exact"), draw(**HEART, determinism="exact"))


def test_a_weight_in_the_prompt_moves_the_colour(draw):
    light, heavy = (draw(prompt=f"a (blue:{weight}) guitar", seed=1, steps=12) for weight in (0.5, 1.5))
    blueness_light, blueness_heavy = (each[..., 2].mean() - each[..., :2].mean() for each in (light, heavy))
    assert blueness_heavy > blueness_light + 5


def test_what_stands_behind_the_first_75_tokens_is_read(draw):
    filler = "icon, " * 38  # of two tokens each
    heart, guitar = (draw(prompt=filler + said, seed=3, steps=12) for said in ("a red heart", "a blue guitar"))
    assert apart(heart, guitar) > 20
    assert heart[..., 0].mean() > heart[..., 2].mean()
    assert guitar[..., 2].mean() > guitar[..., 0].mean()


def test_the_draft_preset_draws_nearly_the_same_in_fewer_steps(draw):
    words = {name: HEART[name] for name in ("prompt", "seed")}
    assert apart(draw(**words, preset="draft"), draw(**words)) < 6
