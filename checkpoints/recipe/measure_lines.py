"""Does the picture follow the lines a ControlNet is shown, where the words alone would have put the thing elsewhere?"""

import numpy as np
import torch
from diffusers import ControlNetModel, StableDiffusionXLControlNetPipeline
from PIL import Image

from checkpoints.recipe.bench import SEED, Bench, core_icon, prompts
from checkpoints.recipe.compose import moved, on_background, shade_of
from checkpoints.recipe.controlnet import DEFAULTS
from checkpoints.recipe.draw import BATCH, STEPS, draw
from generation.engine.edges import KINDS, widened


def measure(bench: Bench) -> dict[str, dict[str, float]]:
    """Compare the lines of what is drawn with those asked for, for each ControlNet of the family, with and without."""
    kinds = [kind for kind in KINDS if (bench.family / f"mini-{kind}").exists()]
    return {kind: measure_kind(bench, kind) for kind in kinds}


def measure_kind(bench: Bench, kind: str) -> dict[str, float]:
    """Measure one ControlNet."""
    examples = bench.asked(core_icon)
    lines = [KINDS[kind](picture) for picture in moved_pictures(bench)]
    drawn = draw_along(bench, kind, prompts(examples), lines)
    free = draw(bench.base, prompts(examples), bench.seeds)
    return {"F1 with": mean_f1(kind, drawn, lines), "F1 without": mean_f1(kind, free, lines)}


def moved_pictures(bench: Bench) -> list[np.ndarray]:
    """Compose what the prompts ask for, each in a place of its own."""
    rng = np.random.default_rng(SEED)
    return [
        on_background(moved(np.asarray(bench.pixels[each.row]), rng), shade_of(each.background, rng))
        for each in bench.asked(core_icon)
    ]


@torch.no_grad()
def draw_along(bench: Bench, kind: str, asked: list[str], lines: list[np.ndarray]) -> np.ndarray:
    """Draw along lines bool [128, 128], seeds counted from 0: uint8 [n, 128, 128, 3]."""
    controlnet = ControlNetModel.from_pretrained(bench.family / f"mini-{kind}").to(bench.device)
    pipeline = StableDiffusionXLControlNetPipeline(**bench.base.components, controlnet=controlnet)
    pipeline.set_progress_bar_config(disable=True)
    pictures = []
    for start in range(0, len(asked), BATCH):
        part = slice(start, start + BATCH)
        noise = [torch.Generator().manual_seed(start + number) for number in range(len(asked[part]))]
        drawn = pipeline(
            asked[part], image=[as_image(each) for each in lines[part]], num_inference_steps=STEPS, generator=noise,
            guidance_scale=DEFAULTS["guidance_scale"], controlnet_conditioning_scale=DEFAULTS["conditioning_scale"],
            width=128, height=128, output_type="np",
        )  # fmt: skip
        pictures.append((drawn.images * 255).round().astype(np.uint8))
    return np.concatenate(pictures)


def as_image(lines: np.ndarray) -> Image.Image:
    """Make the control image of lines: white on black."""
    return Image.fromarray(lines.astype(np.uint8) * 255).convert("RGB")


def mean_f1(kind: str, pictures: np.ndarray, lines: list[np.ndarray]) -> float:
    """Average the agreement of the pictures' lines with those asked for."""
    return float(np.mean([f1(KINDS[kind](picture), each) for picture, each in zip(pictures, lines, strict=True)]))


def f1(found: np.ndarray, asked: np.ndarray) -> float:
    """Score lines by precision and recall; a pixel beside the line is on it."""
    precision = (found & widened(asked)).sum() / max(1, found.sum())
    recall = (asked & widened(found)).sum() / max(1, asked.sum())
    return float(2 * precision * recall / max(1e-9, precision + recall))
