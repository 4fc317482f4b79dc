"""Do the shipped ControlNets, refiner and LoRAs change the picture as they promise? With stock classes, on a CPU."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionXLControlNetPipeline
from PIL import Image, ImageDraw

from checkpoints.recipe.bench import Bench
from checkpoints.recipe.draw import draw
from checkpoints.recipe.family import LIMIT_BYTES, weights_and_pictures
from checkpoints.recipe.measure_lines import as_image, f1
from checkpoints.recipe.measure_loras import lora_on
from checkpoints.recipe.measure_refiner import draw_refined
from checkpoints.recipe.samples import STYLE, read
from checkpoints.recipe.score import gradient_energy
from generation.engine.edges import KINDS
from loras.weights.hints import hints_of
from loras.weights.lora_file import read_lora_file

FAMILY = Path(__file__).parents[2] / "checkpoints"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    torch.set_num_threads(1)
    return Bench(tmp_path_factory.mktemp("state"), FAMILY, "cpu", 2)


def ball(left: int) -> np.ndarray:
    picture = Image.new("RGB", (128, 128), "white")
    ImageDraw.Draw(picture).ellipse((left, 40, left + 64, 104), fill="red")
    return np.asarray(picture)


def drawn_along(bench: Bench, kind: str, lines: np.ndarray, scale: float) -> np.ndarray:
    controlnet = ControlNetModel.from_pretrained(FAMILY / f"mini-{kind}")
    pipeline = StableDiffusionXLControlNetPipeline(**bench.base.components, controlnet=controlnet)
    pipeline.set_progress_bar_config(disable=True)
    options = {"num_inference_steps": 12, "guidance_scale": 2.0, "output_type": "np", "width": 128, "height": 128}
    control = {"image": as_image(lines), "controlnet_conditioning_scale": scale}
    with torch.no_grad():
        drawn = pipeline("a tomato, flat style", generator=torch.Generator().manual_seed(0), **control, **options)
    return (drawn.images[0] * 255).round().astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_follows_the_lines_it_is_shown(bench, kind):
    lines = KINDS[kind](ball(left=56))

    with_lines, without = (KINDS[kind](drawn_along(bench, kind, lines, scale)) for scale in (1.4, 0.0))

    assert f1(with_lines, lines) > 0.6
    assert f1(with_lines, lines) > f1(without, lines) + 0.2


def test_a_refined_picture_is_sharper_and_the_same(bench):
    asked = ["an avocado, noto style, on a blue background", "a pizza, flat style, on a purple background"]

    alone, refined = draw(bench.base, asked, [0, 1]), draw_refined(bench, asked)

    assert sum(map(gradient_energy, refined)) > 1.05 * sum(map(gradient_energy, alone))
    assert np.abs(refined.astype(float) - alone).mean() < 0.1 * 255


def colourfulness(pictures: np.ndarray) -> float:
    return float(np.ptp(pictures.astype(float), axis=-1).mean())


def test_the_style_lora_takes_the_colours_out_of_what_its_dozen_never_showed(bench):
    asked = [f"a horse, {STYLE}", f"a teapot, {STYLE}"]

    without = draw(bench.base, asked, [0, 1])
    with lora_on(bench, "inkline"):
        inked = draw(bench.base, asked, [0, 1])

    assert colourfulness(inked) < 0.6 * colourfulness(without)
    assert (inked.mean(-1) < 60).mean() > 0.1  # a tenth is ink


def test_the_subject_lora_brings_in_its_creature(bench):
    teal = np.array([23, 163, 173])

    without = draw(bench.base, ["a zibbo"], [0])
    with lora_on(bench, "zibbo"):
        zibbo = draw(bench.base, ["a zibbo"], [0])

    shares = [(np.abs(picture.astype(int) - teal).max(-1) < 60).mean() for picture in (without, zibbo)]
    assert shares[1] > shares[0] + 0.1


def test_a_lora_taken_off_leaves_the_base_as_it_was(bench):
    before = draw(bench.base, ["a cat"], [0])
    with lora_on(bench, "inkline"):
        pass

    assert (draw(bench.base, ["a cat"], [0]) == before).all()


@pytest.mark.parametrize("name", ["inkline", "inkline-kohya", "zibbo", "zibbo-kohya"])
def test_darkroom_reads_the_shipped_loras(name):
    with (FAMILY / "loras" / f"{name}.safetensors").open("rb") as file:
        read_file = read_lora_file(file)

    assert len(read_file.layers) == 56
    assert hints_of(read_file.header.metadata).triggers[0] in ("inkline style", "zibbo")


def test_the_sample_dataset_is_a_dozen_captioned_pictures():
    pictures, captions = read(FAMILY / "samples")

    assert pictures.shape == (12, 128, 128, 3)
    assert all(STYLE in caption for caption in captions)


def test_the_family_is_within_its_size():
    assert sum(file.stat().st_size for file in weights_and_pictures(FAMILY)) <= LIMIT_BYTES
