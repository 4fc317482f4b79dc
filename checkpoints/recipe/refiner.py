"""Stage `refiner`: a small UNet of SDXL's refiner kind learns the last fifth of the way, where pictures become crisp.

It reads the second text encoder alone and is told a score of beauty instead of a target size, as SDXL's refiner is.
Sharpness is asked of the decoded picture: the latents that the encoder makes of a real icon decode to half its
gradient energy, so latents alone would teach the refiner to blur.
"""

import argparse
import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, StableDiffusionXLImg2ImgPipeline, UNet2DConditionModel
from torch import Tensor

from checkpoints.recipe import loop, networks, pairs, sources, state
from checkpoints.recipe.decoder import crispness_loss
from checkpoints.recipe.draw import open_pipeline
from checkpoints.recipe.export import OTHER_SCHEDULERS, amend
from checkpoints.recipe.networks import FIRST, SECOND, TIME, Networks
from checkpoints.recipe.optim import Optimiser, working_type
from checkpoints.recipe.pairs import Pairs
from checkpoints.recipe.unet import BLANK, LEVELS, attention, noised, read, spread, time_ids
from checkpoints.recipe.vae import reconstruction_loss

SEED = 20261129
EDGES = ("conv_in", "conv_out")  # left to AdamW
EARLIEST = (150, 300)  # the timestep at which the base hands over, drawn from here; in use it is 200
BEAUTY, PLAINNESS = 6.0, 2.5  # the scores the pipeline gives with a prompt and without
V_WEIGHT, CRISPNESS = 0.05, 6.0  # beside the comparison of pixels, edges and colours
HANDOVER, REFINER_GUIDANCE = 0.8, 5.0  # the base takes four fifths of the steps
SHARED = ("vae", "text_encoder_2", "tokenizer_2")


@dataclass(frozen=True)
class Settings:
    """What may be turned on the command line; the defaults suit one CPU core."""

    minutes: float = 29.0
    device: str = "cpu"
    batch: int = 24
    rate: float = 2e-3
    ema: float = 0.99
    pairs: int = 800  # pictures the base is asked for before the first step
    far: float = 0.3  # mean squared distance of latents beyond which it has drawn something else


@dataclass(frozen=True)
class Batch:
    """Noised latents, the v that leads to the real pictures, these (uint8), and the captions' tokens."""

    steps: Tensor
    inputs: Tensor
    target: Tensor
    pictures: Tensor
    ids: Tensor


def build(base: UNet2DConditionModel) -> UNet2DConditionModel:
    """Build the refiner: 2.9 M parameters, from the base's weights where shapes agree."""
    refiner = UNet2DConditionModel(
        sample_size=sources.SIDE // 8,
        block_out_channels=(48, 80, 96),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        transformer_layers_per_block=1,
        attention_head_dim=(1, 2, 3),  # diffusers' name for the number of heads
        cross_attention_dim=SECOND,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME,
        projection_class_embeddings_input_dim=SECOND + 5 * TIME,
        use_linear_projection=True,
        norm_num_groups=8,
    )
    networks.inherit(refiner, base)
    return refiner


def train(folder: Path, base: Path, settings: Settings) -> UNet2DConditionModel:
    """Train until the minutes are used up, going on where an earlier start stopped, and return the average."""
    torch.manual_seed(SEED)
    _, modules, vae = networks.load(base)
    clock, generator = state.Clock(settings.minutes), torch.Generator().manual_seed(SEED)
    refiner = build(modules["unet"]).to(settings.device).train()
    optimiser = Optimiser({"refiner": refiner}, edges=EDGES, ema=settings.ema)
    clock.before = loop.resume(folder / "refiner.pt", optimiser, generator)
    known = pairs.make(folder, base, settings.pairs, far=settings.far, device=settings.device)
    for module in (*modules.values(), refiner):
        module.to(settings.device, working_type(settings.device), memory_format=torch.channels_last)
    vae.to(settings.device).requires_grad_(False)

    def next_loss() -> Tensor:
        with attention(settings.device):
            batch = batch_of(known, settings.batch, generator)
            return loss_of(refiner, modules, vae, batch, generator)

    loop.learn(folder / "refiner.pt", optimiser, generator, next_loss, clock=clock, rate=settings.rate)
    optimiser.load_average({"refiner": refiner.float()})
    return refiner


def batch_of(known: Pairs, count: int, generator: torch.Generator) -> Batch:
    """Pick pairs and noise them as the base's own drawings; a quarter as the real pictures.

    On the straight way from where the base hands over to the real picture, the base's error shrinks as the noise does:
    to the sampler it is a part of the noise. So it is added to it, and the v to predict leads to the real picture.
    """
    drawn, real, pictures, ids = known.pick(count, generator)
    low, high = EARLIEST
    start = torch.randint(low, high, (count,), generator=generator)
    steps = (spread(count, generator) * start).long()
    error = (drawn - real) / sigma(start)[:, None, None, None]
    error *= (torch.rand(count, 1, 1, 1, generator=generator) < 0.75).float()
    inputs, _, target = noised(real, steps, error + torch.randn(real.shape, generator=generator))
    return Batch(steps, inputs, target, pictures, ids)


def sigma(steps: Tensor) -> Tensor:
    """Return the noise beside a signal of 1 at each timestep."""
    return ((1 - LEVELS[steps]) / LEVELS[steps]).sqrt()


def loss_of(
    refiner: UNet2DConditionModel, modules: Networks, vae: AutoencoderKL, batch: Batch, generator: torch.Generator
) -> Tensor:
    """One batch, forward: how far is the v from the one that leads to the real picture, and how far is the picture?"""
    with torch.no_grad():
        hidden, pooled = read(modules, batch.ids.to(refiner.device), generator, blank=0)
    keep = torch.rand(len(batch.ids), generator=generator) >= BLANK
    words = {"text_embeds": pooled * keep.to(pooled)[:, None], "time_ids": scored_ids(keep, generator).to(pooled)}
    output = refiner(
        batch.inputs.to(refiner.device, refiner.dtype, memory_format=torch.channels_last),
        batch.steps.to(refiner.device),
        encoder_hidden_states=hidden[..., FIRST:] * keep.to(hidden)[:, None, None],
        added_cond_kwargs=words,
    ).sample.float()
    kept = LEVELS[batch.steps].sqrt().to(output)[:, None, None, None]
    clean = kept * batch.inputs.to(output) - (1 - kept**2).sqrt() * output
    return V_WEIGHT * F.mse_loss(output, batch.target.to(output)) + picture_loss(vae, clean, batch.pictures, generator)


def picture_loss(vae: AutoencoderKL, latents: Tensor, pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Decode one 64x64 window of every picture and compare it with the real one, its crispness above all."""
    top, left = (int(each) for each in torch.randint(0, 9, (2,), generator=generator))
    window = latents[:, :, top : top + 8, left : left + 8]
    output = vae.decode(window.contiguous(memory_format=torch.channels_last)).sample
    real = pictures[:, 8 * top : 8 * top + 64, 8 * left : 8 * left + 64].to(output.device)
    target = real.permute(0, 3, 1, 2).float() / 127.5 - 1
    return reconstruction_loss(output, target)[0] + CRISPNESS * crispness_loss(output, target)


def scored_ids(keep: Tensor, generator: torch.Generator) -> Tensor:
    """Tell size, crop and score [n, 5]: 6 where there is a prompt, 2.5 where there is none; now and then any."""
    scores = torch.where(keep, BEAUTY, PLAINNESS)
    odd = torch.rand(len(keep), generator=generator) < 0.1
    scores[odd] = torch.rand(int(odd.sum()), generator=generator) * 10
    return torch.cat([time_ids(len(keep), generator)[:, :4].float(), scores[:, None]], 1)


def write(refiner: UNet2DConditionModel, base: Path, target: Path) -> None:
    """Write the folder without what it shares with the base, which whoever loads it passes in."""
    parts = open_pipeline(base, "cpu").components
    pipeline = StableDiffusionXLImg2ImgPipeline(
        unet=refiner.to("cpu"), scheduler=networks.scheduler(), text_encoder=None, tokenizer=None,
        requires_aesthetics_score=True, add_watermarker=False, **{name: parts[name] for name in SHARED},
    )  # fmt: skip
    pipeline.to(torch.float16).save_pretrained(target)
    for name in SHARED:
        shutil.rmtree(target / name)
    amend(target / "unet" / "config.json", {"_name_or_path": ""})
    amend(target / "scheduler" / "scheduler_config.json", OTHER_SCHEDULERS)
    card = {
        "name": target.name, "title": "Refiner for mini: the last fifth of the steps, crisper", "base": "mini",
        "shares": list(SHARED),
        "defaults": {"denoising_start": HANDOVER, "guidance_scale": REFINER_GUIDANCE},
    }  # fmt: skip
    (target / "darkroom.json").write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--base", type=Path, default=Path("checkpoints/mini"))
    parser.add_argument("--out", type=Path, default=Path("checkpoints/mini-refiner"))
    for name, default in vars(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    folder, base, out = options.pop("state"), options.pop("base"), options.pop("out")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    write(train(folder, base, Settings(**options)), base, out)
