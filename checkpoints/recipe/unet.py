"""Stage 3, `unet`: the UNet and both text encoders, learned together from nothing."""

import argparse
import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from checkpoints.recipe import sources, state, tokens
from checkpoints.recipe.captions import Sampler
from checkpoints.recipe.optim import Optimiser
from checkpoints.recipe.vae import encode

log = logging.getLogger(__name__)
SEED, SAVE_EVERY = 20261124, 240
NATIVE = (sources.SIDE, sources.SIDE, 0, 0, sources.SIDE, sources.SIDE)
EDGES = ("conv_in", "conv_out", "token_embedding", "position_embedding")  # left to AdamW


@dataclass(frozen=True)
class Settings:
    """What may be turned on the command line."""

    minutes: float = 80
    device: str = "cpu"
    batch: int = 32  # captions a step; each is used at two noise levels, so that the text encoders run once for both
    rate: float = 2e-3
    hold: float = 0.4
    ema: float = 0.996
    pool: int = 3000
    fresh: int = 4
    core_share: float = 0.9
    init_from: Path | None = None


def text_config(tokenizer: CLIPTokenizer, width: int, layers: int) -> CLIPTextConfig:
    """Configure a small CLIP text model for our own vocabulary."""
    return CLIPTextConfig(
        vocab_size=len(tokenizer), max_position_embeddings=tokenizer.model_max_length,
        hidden_size=width, intermediate_size=4 * width, projection_dim=width,
        num_hidden_layers=layers, num_attention_heads=width // 32, hidden_act="gelu",
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip


def build(tokenizer: CLIPTokenizer) -> dict[str, nn.Module]:
    """Build the three networks, randomly initialised, all of stock classes."""
    torch.manual_seed(SEED)
    return {
        "text_encoder": CLIPTextModel(text_config(tokenizer, 96, 2)),
        "text_encoder_2": CLIPTextModelWithProjection(text_config(tokenizer, 160, 3)),
        "unet": UNet2DConditionModel(
            sample_size=16,
            block_out_channels=(48, 96, 176),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            transformer_layers_per_block=(1, 1, 1),
            attention_head_dim=(1, 2, 4),  # diffusers' name for the number of heads
            cross_attention_dim=96 + 160,
            addition_embed_type="text_time",
            addition_time_embed_dim=32,
            projection_class_embeddings_input_dim=160 + 6 * 32,
            use_linear_projection=True,
            norm_num_groups=16,
        ),
    }


def scheduler() -> EulerDiscreteScheduler:
    """SDXL's noise schedule with v-prediction; the same levels serve training and every sampler."""
    return EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
        prediction_type="v_prediction", timestep_spacing="trailing", steps_offset=1,
    )  # fmt: skip


class Pool:
    """Compositions already encoded to latents, with their captions' tokens: drawing and encoding is paid once."""

    def __init__(self, folder: Path, vae: AutoencoderKL, tokenizer: CLIPTokenizer, sampler: Sampler) -> None:
        _, self.pixels = sources.load(folder)
        self.vae, self.tokenizer, self.sampler = vae, tokenizer, sampler
        self.latents = torch.empty(0, 4, 16, 16)
        self.tokens = torch.empty(0, tokenizer.model_max_length, dtype=torch.long)

    @torch.no_grad()
    def grow(self, count: int) -> None:
        """Draw, encode and tokenise `count` new examples."""
        examples = [self.sampler.next() for _ in range(count)]
        pictures = np.stack([self.sampler.draw(example, self.pixels) for example in examples])
        self.latents = torch.cat([self.latents, encode(self.vae, pictures).cpu()])
        self.tokens = torch.cat([self.tokens, tokenise(self.tokenizer, [example.caption for example in examples])])

    def pick(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pick `count` random examples: their latents [n, 4, 16, 16] and tokens [n, 77]."""
        chosen = torch.randint(len(self.latents), (count,), generator=generator)
        return self.latents[chosen], self.tokens[chosen]


def tokenise(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """Tokenise as the pipeline will: always padded to the full length, since attention sees the padding too."""
    return tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt").input_ids


def embed(modules: dict[str, nn.Module], ids: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Read captions as SDXL does: second-to-last hidden states of both encoders, and the pooled projection of the second.

    One in twelve is blanked to zeros, which is what the pipeline feeds for an empty negative prompt: hence guidance.
    """
    first = modules["text_encoder"](ids, output_hidden_states=True)
    second = modules["text_encoder_2"](ids, output_hidden_states=True)
    hidden = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], -1)
    keep = (torch.rand(len(ids), generator=generator) >= 1 / 12).to(hidden)
    return hidden * keep[:, None, None], second.text_embeds * keep[:, None]


def time_ids(count: int, generator: torch.Generator) -> Tensor:
    """Micro-conditioning: mostly the native size, else anything, so that other values a caller sends do no harm."""
    ids = torch.tensor(NATIVE).repeat(count, 1)
    odd = torch.rand(count, generator=generator) < 0.4
    sizes = torch.randint(4, 129, (count, 4), generator=generator) * 8
    crops = torch.randint(0, 17, (count, 2), generator=generator) * 8 * (torch.rand(count, 1, generator=generator) < 0.5)
    ids[odd] = torch.cat([sizes[:, :2], crops, sizes[:, 2:]], 1)[odd]
    return ids


def noisy(latents: Tensor, levels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Noise latents at random levels, spread evenly over the batch; return the input, the timesteps and the v to predict."""
    count = len(latents)
    spread = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count
    steps = (spread * len(levels)).long().clamp_max(len(levels) - 1)
    signal = levels[steps].sqrt()[:, None, None, None]
    noise_share = (1 - levels[steps]).sqrt()[:, None, None, None]
    noise = torch.randn(latents.shape, generator=generator)
    return signal * latents + noise_share * noise, steps, signal * noise - noise_share * latents


def loss_of(modules: dict[str, nn.Module], pool: Pool, settings: Settings, generator: torch.Generator) -> Tensor:
    """One batch, forward: how far is the predicted v from the true one?"""
    unet = modules["unet"]
    latents, ids = pool.pick(settings.batch, generator)
    inputs, steps, target = noisy(latents.repeat(2, 1, 1, 1), scheduler().alphas_cumprod, generator)
    hidden, pooled = embed(modules, ids.to(settings.device), generator)
    sizes = time_ids(settings.batch, generator).to(hidden)
    output = unet(
        inputs.to(settings.device, unet.dtype, memory_format=torch.channels_last),
        steps.to(settings.device),
        encoder_hidden_states=hidden.repeat(2, 1, 1),
        added_cond_kwargs={"text_embeds": pooled.repeat(2, 1), "time_ids": sizes.repeat(2, 1)},
    ).sample
    return F.mse_loss(output.float(), target.to(settings.device))


def attention(device: str) -> AbstractContextManager:
    """Choose the attention kernel: on a CPU the plain one, whose backward pass takes a sixth off a step."""
    return sdpa_kernel(SDPBackend.MATH) if device == "cpu" else nullcontext()


def prepare(folder: Path, settings: Settings) -> tuple[CLIPTokenizer, dict[str, nn.Module], AutoencoderKL]:
    """Begin with new networks, or with the weights of an earlier family (whose tokens and latents must then be kept)."""
    source = settings.init_from
    if source is None:
        if not (folder / "tokenizer").exists():
            tokens.train(folder).save_pretrained(folder / "tokenizer")
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        return tokenizer, build(tokenizer), AutoencoderKL.from_pretrained(folder / "vae")
    tokenizer = CLIPTokenizer.from_pretrained(source / "tokenizer")
    modules = {
        "text_encoder": CLIPTextModel.from_pretrained(source / "text_encoder", dtype=torch.float32),
        "text_encoder_2": CLIPTextModelWithProjection.from_pretrained(source / "text_encoder_2", dtype=torch.float32),
        "unet": UNet2DConditionModel.from_pretrained(source / "unet"),
    }
    return tokenizer, modules, AutoencoderKL.from_pretrained(source / "vae")


def train(folder: Path, settings: Settings) -> None:
    """Train until the minutes are used up, saving as it goes; a second start goes on where the first one stopped."""
    icons, _ = sources.load(folder)
    tokenizer, modules, vae = prepare(folder, settings)
    for module in modules.values():
        module.to(settings.device)
    optimiser = Optimiser(modules, edges=EDGES, ema=settings.ema)
    # bfloat16 copies do the work, the optimiser keeps float32 masters: 1.3x faster on a CPU than float32, and exact enough.
    # (autocast is 3x slower there: it re-casts the weights into the wrong memory layout at every call.)
    for module in modules.values():
        module.to(torch.bfloat16, memory_format=torch.channels_last).train()
    clock = state.Clock(settings.minutes)
    generator = torch.Generator().manual_seed(SEED)
    if saved := state.load(folder / "unet.pt"):
        optimiser.restore(saved["optimiser"])
        generator.set_state(saved["rng"])
        clock.before = saved["spent"]
    # A resumed run draws new pictures, not the first ones again.
    sampler = Sampler(icons, core_share=settings.core_share, seed=SEED + optimiser.steps)
    pool = Pool(folder, vae.to(settings.device).eval(), tokenizer, sampler)
    for _ in range(settings.pool // 50):
        pool.grow(50)
    log.info("pool of %d ready after %.0f s", settings.pool, clock.spent)
    last_save, running = clock.spent, 0.0
    while clock.progress < 1:
        with attention(settings.device):
            loss = loss_of(modules, pool, settings, generator)
            loss.backward()
        rate = state.learning_rate(settings.rate, clock.progress, optimiser.steps, warmup=100, hold=settings.hold)
        norm = optimiser.step(rate)
        pool.grow(settings.fresh)
        value = loss.item()  # waits for the device
        running += (value - running) * max(0.02, 1 / optimiser.steps)
        if optimiser.steps % 25 == 0:
            log.info("step %d  %.0f s  loss %.4f  norm %.2f  lr %.1e", optimiser.steps, clock.spent, running, norm, rate)
        if clock.spent - last_save > SAVE_EVERY or clock.progress >= 1:
            last_save = clock.spent
            state.save(folder / "unet.pt", {"optimiser": optimiser.state(), "rng": generator.get_state(), "spent": clock.spent})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--minutes", type=float, default=Settings.minutes)
    parser.add_argument("--device", default=Settings.device)
    parser.add_argument("--batch", type=int, default=Settings.batch)
    parser.add_argument("--rate", type=float, default=Settings.rate)
    parser.add_argument("--core-share", type=float, default=Settings.core_share)
    parser.add_argument("--init-from", type=Path, help="a diffusers folder to go on from, e.g. checkpoints/mini")
    options = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(options.pop("state"), Settings(**options))
