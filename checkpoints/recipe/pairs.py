"""What does the base draw where the real picture is known? Pairs of latents, from which the refiner learns."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from checkpoints.recipe import sources, state
from checkpoints.recipe.captions import Sampler
from checkpoints.recipe.draw import GUIDANCE, open_pipeline
from checkpoints.recipe.pool import tokenise
from checkpoints.recipe.vae import encode

log = logging.getLogger(__name__)
SEED, STEPS, CHUNK = 20261128, 8, 25


@dataclass
class Pairs:
    """Latents the base drew, those of the real pictures, these themselves (uint8), and the captions' tokens."""

    drawn: Tensor
    real: Tensor
    pictures: Tensor
    tokens: Tensor

    def pick(self, count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Pick `count` random pairs."""
        chosen = torch.randint(len(self.drawn), (count,), generator=generator)
        return self.drawn[chosen], self.real[chosen], self.pictures[chosen], self.tokens[chosen]


def make(folder: Path, base: Path, count: int, *, far: float, device: str) -> Pairs:
    """Ask the base for `count` pictures that are known, once: what it drew is kept in pairs.pt and added to.

    Where latents differ by more than `far` (mean square; their deviation is 1), it has drawn something else.
    """
    path = folder / "pairs.pt"
    parts = [saved["parts"]] if (saved := state.load(path)) else []
    made = saved["made"] if saved else 0
    if made < count:
        pipeline, (icons, pixels) = open_pipeline(base, device), sources.load(folder)
    while made < count:
        sampler = Sampler(icons, core_share=1.0, seed=SEED + made)
        parts.append(draw_pairs(pipeline, sampler, pixels, first=made, far=far))
        parts, made = [{key: torch.cat([part[key] for part in parts]) for key in parts[0]}], made + CHUNK
        state.save(path, {"parts": parts[0], "made": made})
    if not len(parts[0]["drawn"]):
        raise SystemExit(f"{base} drew none of {made} pictures as asked: train the base first")
    log.info("%d of %d pictures are what was asked for", len(parts[0]["drawn"]), made)
    return Pairs(**parts[0])


@torch.no_grad()
def draw_pairs(
    pipeline: StableDiffusionXLPipeline, sampler: Sampler, pixels: np.ndarray, *, first: int, far: float
) -> dict[str, Tensor]:
    """Draw one chunk and leave out what is not a drawing of the same picture."""
    examples = [sampler.next() for _ in range(CHUNK)]
    captions = [example.caption for example in examples]
    drawn = pipeline(
        captions, num_inference_steps=STEPS, guidance_scale=GUIDANCE, width=sources.SIDE, height=sources.SIDE,
        generator=[torch.Generator().manual_seed(first + number) for number in range(CHUNK)], output_type="latent",
    ).images.cpu()  # fmt: skip
    pictures = np.stack([sampler.draw(example, pixels) for example in examples])
    real = encode(pipeline.vae, pictures).cpu()
    near = (drawn - real).square().mean((1, 2, 3)) < far
    pair = {"drawn": drawn, "real": real, "pictures": torch.from_numpy(pictures)}
    pair["tokens"] = tokenise(pipeline.tokenizer, captions)
    return {name: values[near] for name, values in pair.items()}
