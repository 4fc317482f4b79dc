"""Is a refined picture sharper, and still the same picture?"""

import numpy as np
import torch
from diffusers import StableDiffusionXLImg2ImgPipeline, StableDiffusionXLPipeline
from torch import Tensor

from checkpoints.recipe.bench import Bench, core_icon, prompts
from checkpoints.recipe.compose import halved
from checkpoints.recipe.draw import BATCH, GUIDANCE, STEPS, draw
from checkpoints.recipe.refiner import HANDOVER, REFINER_GUIDANCE, SHARED


def measure(bench: Bench) -> dict[str, float]:
    """Draw by the base alone and by base and refiner from the same noise; compare with the real icons."""
    examples = bench.asked(core_icon)
    alone = draw(bench.base, prompts(examples), bench.seeds)
    refined = draw_refined(bench, prompts(examples))
    before, after = (bench.judge.score_all(examples, pictures) for pictures in (alone, refined))
    return {
        "sharpness without": float(np.median([score.sharpness for score in before])),
        "sharpness with": float(np.median([score.sharpness for score in after])),
        "top-1 without": float(np.mean([score.rank == 0 for score in before])),
        "top-1 with": float(np.mean([score.rank == 0 for score in after])),
        "content change": float(np.abs(halved(halved(alone)) - halved(halved(refined))).mean() / 255),
    }


def open_refiner(bench: Bench) -> StableDiffusionXLImg2ImgPipeline:
    """Load the refiner as SDXL's is loaded: with what it shares with its base."""
    shared = {name: bench.base.components[name] for name in SHARED}
    refiner = StableDiffusionXLImg2ImgPipeline.from_pretrained(bench.family / "mini-refiner", **shared)
    refiner.set_progress_bar_config(disable=True)
    return refiner.to(bench.device)


@torch.no_grad()
def draw_refined(bench: Bench, asked: list[str]) -> np.ndarray:
    """Let the base take four fifths of the steps and the refiner the rest: uint8 [n, 128, 128, 3]."""
    refiner, pictures = open_refiner(bench), []
    for start in range(0, len(asked), BATCH):
        part = asked[start : start + BATCH]
        handed = hand_over(bench.base, part, start)
        drawn = refiner(
            part, image=handed, num_inference_steps=STEPS, denoising_start=HANDOVER, guidance_scale=REFINER_GUIDANCE,
            output_type="np",
        )  # fmt: skip
        pictures.append((drawn.images * 255).round().astype(np.uint8))
    return np.concatenate(pictures)


def hand_over(base: StableDiffusionXLPipeline, asked: list[str], first: int) -> Tensor:
    """Draw the base's share and return its latents, with what noise is left."""
    noise = [torch.Generator().manual_seed(first + number) for number in range(len(asked))]
    return base(
        asked, num_inference_steps=STEPS, denoising_end=HANDOVER, guidance_scale=GUIDANCE, generator=noise,
        width=128, height=128, output_type="latent",
    ).images  # fmt: skip
