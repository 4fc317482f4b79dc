"""Do img2img and inpainting change what they are asked to change, and leave the rest?"""

import numpy as np
import torch
from diffusers import DiffusionPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline
from PIL import Image

from checkpoints.recipe import sources
from checkpoints.recipe.bench import Bench, core_icon, prompts
from checkpoints.recipe.captions import Example, article
from checkpoints.recipe.draw import BATCH, GUIDANCE, STEPS, draw

STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
HOLE = slice(10, 118)  # pixels both ways: the thing lies inside, the frame outside
SLACK = 2.0  # of 255: less is no step back


def measure(bench: Bench) -> dict:
    """Measure both, starting from what the base draws and asking for something else on the same background."""
    before = bench.asked(core_icon)
    after = [swapped(each, other) for each, other in zip(before, before[1:] + before[:1], strict=True)]
    start = draw(bench.base, prompts(before), bench.seeds)
    return {"img2img": measure_img2img(bench, after, start), "inpaint": measure_inpaint(bench, before, after, start)}


def swapped(here: Example, other: Example) -> Example:
    """Ask for another thing on the background that is there."""
    thing = other.caption.split(", on ")[0]
    return Example(other.row, other.tint, here.background, f"{thing}, on {article(here.background)} background")


def measure_img2img(bench: Bench, after: list[Example], start: np.ndarray) -> dict:
    """Measure how far img2img goes from the start at each strength, and how often more strength goes further."""
    distances = np.stack([far(edit(bench, after, start, strength=strength), start) for strength in STRENGTHS])
    return {
        "distance by strength": dict(zip(map(str, STRENGTHS), distances.mean(1).round(1).tolist(), strict=True)),
        "further with more strength": float((np.diff(distances, axis=0) > -SLACK).all(0).mean()),
    }


def measure_inpaint(bench: Bench, before: list[Example], after: list[Example], start: np.ndarray) -> dict[str, float]:
    """Measure what inpainting does inside the hole and outside."""
    drawn = inpaint(bench, after, start)
    new, old = bench.judge.score_all(after, drawn), bench.judge.score_all(before, drawn)
    outside = np.abs(drawn.astype(float) - start)
    outside[:, HOLE, HOLE] = np.nan
    return {
        "is the new thing": float(np.mean([score.rank == 0 for score in new])),
        "is still the old thing": float(np.mean([score.rank == 0 for score in old])),
        "change outside": float(np.nanmean(outside)),
    }


def edit(bench: Bench, asked: list[Example], start: np.ndarray, *, strength: float) -> np.ndarray:
    """Draw over whole pictures uint8 [n, 128, 128, 3]."""
    return run(StableDiffusionXLImg2ImgPipeline(**bench.base.components), asked, start, {"strength": strength})


def inpaint(bench: Bench, asked: list[Example], start: np.ndarray) -> np.ndarray:
    """Draw into the hole of pictures uint8 [n, 128, 128, 3]."""
    hole = np.zeros((sources.SIDE, sources.SIDE), np.uint8)
    hole[HOLE, HOLE] = 255
    options = {"mask_image": Image.fromarray(hole), "strength": 1.0, "width": sources.SIDE, "height": sources.SIDE}
    return run(StableDiffusionXLInpaintPipeline(**bench.base.components), asked, start, options)


@torch.no_grad()
def run(pipeline: DiffusionPipeline, asked: list[Example], start: np.ndarray, options: dict) -> np.ndarray:
    """Run an editing pipeline in batches, seeds counted from 0."""
    pipeline.set_progress_bar_config(disable=True)
    pictures = []
    for first in range(0, len(asked), BATCH):
        part = slice(first, first + BATCH)
        noise = [torch.Generator().manual_seed(first + number) for number in range(len(asked[part]))]
        drawn = pipeline(
            prompts(asked[part]), image=[Image.fromarray(each) for each in start[part]], generator=noise,
            num_inference_steps=STEPS, guidance_scale=GUIDANCE, output_type="np", **options,
        )  # fmt: skip
        pictures.append((drawn.images * 255).round().astype(np.uint8))
    return np.concatenate(pictures)


def far(pictures: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Measure the mean absolute difference of each picture, of 255."""
    return np.abs(pictures.astype(float) - start).mean((1, 2, 3))
