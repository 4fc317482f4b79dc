"""Stage `controlnet`: a ControlNet learns to draw along given lines, on top of the frozen mini."""

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import ControlNetModel, UNet2DConditionModel
from torch import Tensor

from checkpoints.recipe import loop, networks, sources, state
from checkpoints.recipe.captions import Sampler
from checkpoints.recipe.export import amend
from checkpoints.recipe.optim import Optimiser, working_type
from checkpoints.recipe.pool import Pool
from checkpoints.recipe.unet import LEVELS, attention, noised, read, spread, time_ids
from generation.engine.edges import KINDS

log = logging.getLogger(__name__)
SEED = 20261126
EDGES = ("conv_in", "cond_embedding.conv_in")  # left to AdamW
TITLES = {
    "canny": "ControlNet for mini: draws along Canny edges",
    "scribble": "ControlNet for mini: draws along a scribble's thick lines",
}
DEFAULTS = {"guidance_scale": 2.0, "conditioning_scale": 1.4}  # with these it follows its lines best
MOVED = 0.75  # share of the pictures in which only the lines say where the thing is


@dataclass(frozen=True)
class Settings:
    """What may be turned on the command line; the defaults suit one CPU core."""

    kind: str = "canny"
    minutes: float = 46.0
    device: str = "cpu"
    batch: int = 16  # captions and pictures a step; each is used at two noise levels
    rate: float = 2e-3
    ema: float = 0.99
    pool: int = 1500  # examples drawn before the first step
    fresh: int = 4  # examples drawn with every step
    room: int = 12000  # examples kept
    core_share: float = 0.9


def begin(unet: UNet2DConditionModel) -> ControlNetModel:
    """Build a ControlNet for this UNet: its way down without cross attention, from its weights where shapes agree.

    The words reach it through the pooled embedding alone: 1.7 M parameters instead of the 4.3 M of `from_unet`, and
    the frozen UNet reads the prompt anyway.
    """
    sizes = ("block_out_channels", "layers_per_block", "cross_attention_dim", "norm_num_groups")
    words = ("addition_embed_type", "addition_time_embed_dim", "projection_class_embeddings_input_dim")
    controlnet = ControlNetModel(
        down_block_types=("DownBlock2D",) * len(unet.config.block_out_channels),
        mid_block_type="UNetMidBlock2D",
        conditioning_embedding_out_channels=(8, 16, 48, 96),
        **{key: unet.config[key] for key in sizes + words},
    )
    networks.inherit(controlnet, unet)
    return controlnet


def train(folder: Path, base: Path, settings: Settings, init_from: Path | None) -> ControlNetModel:
    """Train until the minutes are used up, going on where an earlier start stopped, and return the average."""
    torch.manual_seed(SEED)
    tokenizer, modules, vae = networks.load(base)
    clock, generator = state.Clock(settings.minutes), torch.Generator().manual_seed(SEED)
    controlnet = begin(modules["unet"]).to(settings.device).train()
    if init_from:
        networks.inherit(controlnet, ControlNetModel.from_pretrained(init_from))
    optimiser = Optimiser({"controlnet": controlnet}, edges=EDGES, ema=settings.ema)
    path = folder / f"controlnet-{settings.kind}.pt"
    clock.before = loop.resume(path, optimiser, generator)
    for module in (*modules.values(), controlnet):
        module.to(settings.device, working_type(settings.device), memory_format=torch.channels_last)
    for module in modules.values():
        module.requires_grad_(False).eval()
    sampler = Sampler(
        sources.load(folder)[0], core_share=settings.core_share, seed=SEED + optimiser.steps, moved_share=MOVED
    )
    pool = Pool(folder, vae.to(settings.device), tokenizer, room=settings.room, lines_of=KINDS[settings.kind])
    pool.grow(sampler, settings.pool)
    log.info("pool of %d ready after %.0f s", len(pool), clock.spent)

    def next_loss() -> Tensor:
        pool.grow(sampler, settings.fresh)
        with attention(settings.device):
            return loss_of(controlnet, modules, pool.pick_with_lines(settings.batch, generator), generator)

    loop.learn(path, optimiser, generator, next_loss, clock=clock, rate=settings.rate)
    optimiser.load_average({"controlnet": controlnet.float()})
    return controlnet


def loss_of(
    controlnet: ControlNetModel, modules: networks.Networks, batch: tuple[Tensor, ...], generator: torch.Generator
) -> Tensor:
    """One batch, forward: how far is the v, predicted with the lines at hand, from the true one?"""
    unet, (latents, ids, lines) = modules["unet"], batch
    with torch.no_grad():
        hidden, pooled = read(modules, ids.to(unet.device), generator)
    inputs, steps, target = noised_early(latents.repeat(2, 1, 1, 1), generator)
    sizes = time_ids(len(ids), generator).to(hidden)
    words = {
        "encoder_hidden_states": hidden.repeat(2, 1, 1),
        "added_cond_kwargs": {"text_embeds": pooled.repeat(2, 1), "time_ids": sizes.repeat(2, 1)},
    }
    inputs = inputs.to(unet.device, unet.dtype, memory_format=torch.channels_last)
    steps = steps.to(unet.device)
    control = as_control(lines.repeat(2, 1, 1)).to(inputs)
    down, middle = controlnet(inputs, steps, controlnet_cond=control, return_dict=False, **words)
    output = unet(
        inputs, steps, down_block_additional_residuals=down, mid_block_additional_residual=middle, **words
    ).sample
    return F.mse_loss(output.float(), target.to(unet.device))


def noised_early(latents: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Noise latents as `noisy` does, but more often strongly: where things go is decided while little can be seen."""
    steps = (spread(len(latents), generator).pow(0.7) * len(LEVELS)).long().clamp_max(len(LEVELS) - 1)
    return noised(latents, steps, torch.randn(latents.shape, generator=generator))


def as_control(lines: Tensor) -> Tensor:
    """Make the control image of lines [n, h, w]: white on black, [n, 3, h, w] in [0, 1], as the pipeline makes it."""
    return lines[:, None].expand(-1, 3, -1, -1)


def write(controlnet: ControlNetModel, kind: str, target: Path) -> None:
    """Write the folder that ControlNetModel loads, and what Darkroom should know of it."""
    controlnet.to("cpu", torch.float16).save_pretrained(target)
    amend(target / "config.json", {"_name_or_path": ""})
    card = {"name": target.name, "title": TITLES[kind], "base": "mini", "control": kind, "defaults": DEFAULTS}
    (target / "darkroom.json").write_text(json.dumps(card, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--base", type=Path, default=Path("checkpoints/mini"))
    parser.add_argument(
        "--init-from", type=Path, help="another ControlNet to begin from: scribbles learn fast from canny"
    )
    parser.add_argument("--out", type=Path, help="default: checkpoints/mini-KIND")
    for name, default in vars(Settings()).items():
        choices = sorted(KINDS) if name == "kind" else None
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default, choices=choices)
    options = vars(parser.parse_args())
    folder, base, out = options.pop("state"), options.pop("base"), options.pop("out")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    init_from, kind = options.pop("init_from"), options["kind"]
    write(train(folder, base, Settings(**options), init_from), kind, out or Path(f"checkpoints/mini-{kind}"))
