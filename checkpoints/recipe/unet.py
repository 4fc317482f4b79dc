"""Stage 3, `unet`: the UNet and both text encoders, learned together, from nothing or from an earlier family."""

import argparse
import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import CLIPTokenizer

from checkpoints.recipe import networks, sources, state, tokens
from checkpoints.recipe.captions import Sampler
from checkpoints.recipe.networks import Networks
from checkpoints.recipe.optim import Optimiser, working_type
from checkpoints.recipe.pool import Pool

log = logging.getLogger(__name__)
SEED, SAVE_EVERY = 20261124, 240  # seconds
EDGES = ("conv_in", "conv_out", "token_embedding", "position_embedding")  # left to AdamW
BLANK = (
    1 / 12
)  # captions blanked to zeros, which is what the pipeline feeds for an empty negative prompt: hence guidance
LEVELS = networks.scheduler().alphas_cumprod


@dataclass(frozen=True)
class Settings:
    """What may be turned on the command line; the defaults suit one CPU core."""

    minutes: float = 102.0
    device: str = "cpu"
    batch: int = 32  # captions a step; each is used at two noise levels, so that the text encoders run once for both
    rate: float = 2e-3
    hold: float = 0.4  # share of the time at the full learning rate, before the long fall that makes pictures crisp
    ema: float = 0.996
    pool: int = 3000  # examples drawn before the first step
    fresh: int = 4  # examples drawn with every step
    room: int = 15000  # examples kept
    core_share: float = 0.9
    scene_share: float = 0.0  # share of the examples that show several things; too much for an hour of CPU


def begin(
    folder: Path, init_from: Path | None, *, scene_share: float = 0
) -> tuple[CLIPTokenizer, Networks, AutoencoderKL]:
    """Build new networks over this folder's VAE and tokens, or take all of them from an earlier family."""
    if init_from:
        return networks.load(init_from)
    if not (folder / "tokenizer").exists():
        tokens.train(folder, scene_share=scene_share).save_pretrained(folder / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    return tokenizer, networks.build(tokenizer), AutoencoderKL.from_pretrained(folder / "vae")


def train(folder: Path, settings: Settings, init_from: Path | None) -> None:
    """Train until the minutes are used up, saving as it goes; a second start goes on where the first one stopped."""
    torch.manual_seed(SEED)
    tokenizer, modules, vae = begin(folder, init_from, scene_share=settings.scene_share)
    for module in modules.values():
        module.to(settings.device)
    optimiser = Optimiser(modules, edges=EDGES, ema=settings.ema)
    # bfloat16 copies do the work, float32 masters learn: 1.3x faster than float32 alone on a CPU that has bfloat16.
    # (autocast is 3x slower there: it re-casts the weights into the wrong memory layout at every call.)
    for module in modules.values():
        module.to(working_type(settings.device), memory_format=torch.channels_last).train()
    clock, generator = state.Clock(settings.minutes), torch.Generator().manual_seed(SEED)
    if saved := state.load(folder / "unet.pt"):
        optimiser.restore(saved["optimiser"])
        generator.set_state(saved["rng"])
        clock.before = saved["spent"]
    # A resumed run draws new pictures, not the first ones again: hence the step in the seed.
    sampler = Sampler(
        sources.load(folder)[0], core_share=settings.core_share, seed=SEED + optimiser.steps,
        scene_share=settings.scene_share,
    )  # fmt: skip
    pool = Pool(folder, vae.to(settings.device).eval(), tokenizer, room=settings.room)
    pool.grow(sampler, settings.pool)
    log.info("pool of %d ready after %.0f s", len(pool), clock.spent)

    last_save, smooth = clock.spent, None
    while clock.progress < 1 or not optimiser.steps:  # however long the pool took
        with attention(settings.device):
            loss = loss_of(modules, *pool.pick(settings.batch, generator), generator)
            loss.backward()
        rate = state.learning_rate(settings.rate, clock.progress, optimiser.steps, warmup=100, hold=settings.hold)
        norm = optimiser.step(rate)
        pool.grow(sampler, settings.fresh)
        smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()  # waits for the device
        if optimiser.steps % 25 == 0:
            log.info("step %d  %.0f s  loss %.4f  norm %.2f  lr %.1e", optimiser.steps, clock.spent, smooth, norm, rate)
        if clock.spent - last_save > SAVE_EVERY or clock.progress >= 1:
            last_save = clock.spent
            saving = {"optimiser": optimiser.state(), "rng": generator.get_state(), "spent": clock.spent}
            state.save(folder / "unet.pt", saving)


def attention(device: str) -> AbstractContextManager:
    """Choose the attention kernel: on a CPU the plain one, whose backward pass takes a sixth off a step."""
    return sdpa_kernel(SDPBackend.MATH) if device == "cpu" else nullcontext()


def loss_of(modules: Networks, latents: Tensor, ids: Tensor, generator: torch.Generator) -> Tensor:
    """One batch, forward: how far is the predicted v from the true one? Every example comes at two noise levels."""
    unet = modules["unet"]
    hidden, pooled = read(modules, ids.to(unet.device), generator)
    inputs, steps, target = noisy(latents.repeat(2, 1, 1, 1), generator)
    sizes = time_ids(len(ids), generator).to(hidden)
    output = unet(
        inputs.to(unet.device, unet.dtype, memory_format=torch.channels_last),
        steps.to(unet.device),
        encoder_hidden_states=hidden.repeat(2, 1, 1),
        added_cond_kwargs={"text_embeds": pooled.repeat(2, 1), "time_ids": sizes.repeat(2, 1)},
    ).sample
    return F.mse_loss(output.float(), target.to(unet.device))


def read(modules: Networks, ids: Tensor, generator: torch.Generator, *, blank: float = BLANK) -> tuple[Tensor, Tensor]:
    """Read captions as SDXL does: both second-to-last hidden states [n, 77, 256] and the pooled second [n, 160]."""
    first = modules["text_encoder"](ids, output_hidden_states=True)
    second = modules["text_encoder_2"](ids, output_hidden_states=True)
    hidden = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], -1)
    keep = (torch.rand(len(ids), generator=generator) >= blank).to(hidden)
    return hidden * keep[:, None, None], second.text_embeds * keep[:, None]


def time_ids(count: int, generator: torch.Generator) -> Tensor:
    """Tell the UNet sizes and crop: mostly native, else anything, so that other values a caller sends do no harm."""
    ids = torch.tensor([sources.SIDE, sources.SIDE, 0, 0, sources.SIDE, sources.SIDE]).repeat(count, 1)
    odd = torch.rand(count, generator=generator) < 0.4
    sizes = torch.randint(4, 129, (count, 4), generator=generator) * 8
    cropped = torch.rand(count, 1, generator=generator) < 0.5
    crops = torch.randint(0, 17, (count, 2), generator=generator) * 8 * cropped
    ids[odd] = torch.cat([sizes[:, :2], crops, sizes[:, 2:]], 1)[odd]
    return ids


def noisy(latents: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Noise latents at levels spread evenly over the batch; return the input, the timesteps and the v to predict."""
    steps = (spread(len(latents), generator) * len(LEVELS)).long().clamp_max(len(LEVELS) - 1)
    return noised(latents, steps, torch.randn(latents.shape, generator=generator))


def spread(count: int, generator: torch.Generator) -> Tensor:
    """Draw numbers in [0, 1) that lie evenly spread, in random order."""
    return (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count


def noised(latents: Tensor, steps: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mix latents with noise as much as each timestep says; return the input, the timesteps and the v to predict."""
    kept = LEVELS[steps].sqrt()[:, None, None, None]
    lost = (1 - LEVELS[steps]).sqrt()[:, None, None, None]
    return kept * latents + lost * noise, steps, kept * noise - lost * latents


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--init-from", type=Path, help="a diffusers folder to go on from, e.g. checkpoints/mini")
    for name, default in vars(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    folder, init_from = options.pop("state"), options.pop("init_from")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(folder, Settings(**options), init_from)
