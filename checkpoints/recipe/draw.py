"""How does the recipe ask its own checkpoint for pictures? Through the stock pipeline, in batches, one seed each."""

from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline

STEPS, GUIDANCE, BATCH = 20, 4.0, 20


def open_pipeline(checkpoint: Path, device: str) -> StableDiffusionXLPipeline:
    """Load a checkpoint as any user of diffusers would."""
    pipeline = StableDiffusionXLPipeline.from_pretrained(checkpoint).to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def draw(pipeline: StableDiffusionXLPipeline, prompts: list[str], seeds: list[int]) -> np.ndarray:
    """Draw one picture for each prompt and seed: uint8 [n, 128, 128, 3]."""
    pictures = []
    for start in range(0, len(prompts), BATCH):
        part = slice(start, start + BATCH)
        noise = [torch.Generator().manual_seed(seed) for seed in seeds[part]]
        drawn = pipeline(
            prompts[part], num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=noise,
            width=128, height=128, output_type="np",
        )  # fmt: skip
        pictures.append((drawn.images * 255).round().astype(np.uint8))
    return np.concatenate(pictures)
