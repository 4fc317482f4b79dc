"""Stage `lora`: an example LoRA learns from a dozen pictures with peft, on top of the frozen mini.

It is written twice: as diffusers and peft name the layers, and as kohya's trainer does, whose files most people share.
"""

import argparse
import json
import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_kohya
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import save_file
from torch import Tensor

from checkpoints.recipe import loop, networks, samples, state
from checkpoints.recipe.optim import Optimiser
from checkpoints.recipe.pool import tokenise
from checkpoints.recipe.unet import BLANK, attention, noisy, read, time_ids
from checkpoints.recipe.vae import encode

SEED, RANK = 20261127, 8
LAYERS = ["to_q", "to_k", "to_v", "to_out.0"]


@dataclass(frozen=True)
class Lesson:
    """What one of the two LoRAs is to learn; its pictures lie in a folder that the samples stage wrote."""

    trigger: str
    title: str


LESSONS = {
    "inkline": Lesson(samples.STYLE, "Inkline: everything in black ink"),
    "zibbo": Lesson(samples.SUBJECT, "Zibbo: a creature of one eye"),
}


def train(
    path: Path, base: Path, examples: tuple[np.ndarray, list[str]], *, minutes: float, device: str, rate: float
) -> tuple[UNet2DConditionModel, int]:
    """Train until the minutes are used up; return the UNet with the adapter's running average in it, and the steps."""
    torch.manual_seed(SEED)
    tokenizer, modules, vae = networks.load(base)
    for module in modules.values():
        module.to(device, memory_format=torch.channels_last).requires_grad_(False).eval()
    unet = modules["unet"]
    unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=LAYERS))
    # Half of an adapter's matrices start at zero; AdamW moves them as everybody's LoRAs are moved.
    optimiser = Optimiser({"unet": unet}, edges=("lora",), ema=0.98)
    clock, generator = state.Clock(minutes), torch.Generator().manual_seed(SEED)
    clock.before = loop.resume(path, optimiser, generator)
    pictures, captions = examples
    with torch.no_grad():
        latents = encode(vae.to(device), pictures).cpu()
        hidden, pooled = read(modules, tokenise(tokenizer, captions).to(device), generator, blank=0)

    def next_loss() -> Tensor:
        keep = (torch.rand(len(latents), generator=generator) >= BLANK).to(hidden)
        with attention(device):
            return loss_of(unet, latents, hidden * keep[:, None, None], pooled * keep[:, None], generator)

    loop.learn(path, optimiser, generator, next_loss, clock=clock, rate=rate)
    optimiser.load_average({"unet": unet})
    return unet, optimiser.steps


def loss_of(
    unet: UNet2DConditionModel, latents: Tensor, hidden: Tensor, pooled: Tensor, generator: torch.Generator
) -> Tensor:
    """Every picture once, forward: how far is the predicted v from the true one?"""
    inputs, steps, target = noisy(latents, generator)
    words = {"text_embeds": pooled, "time_ids": time_ids(len(latents), generator).to(pooled)}
    inputs = inputs.to(unet.device, unet.dtype, memory_format=torch.channels_last)
    output = unet(inputs, steps.to(unet.device), encoder_hidden_states=hidden, added_cond_kwargs=words).sample
    return F.mse_loss(output, target.to(output))


def write(unet: UNet2DConditionModel, lesson: Lesson, captions: list[str], steps: int, stem: Path) -> None:
    """Write the adapter as float16, in both spellings."""
    layers = {f"unet.{name}": value.half() for name, value in get_peft_model_state_dict(unet).items()}
    stem.parent.mkdir(parents=True, exist_ok=True)
    about = metadata(lesson, captions, steps)
    save_file(layers, f"{stem}.safetensors", about)
    save_file(as_kohya(layers), f"{stem}-kohya.safetensors", about | KOHYA)


def as_kohya(layers: dict[str, Tensor]) -> dict[str, Tensor]:
    """Spell layers as kohya's trainer does: lora_unet_..., with an alpha for each, which diffusers sets to the rank."""
    return {name: value.half().contiguous() for name, value in convert_state_dict_to_kohya(layers).items()}


KOHYA = {
    "ss_network_module": "networks.lora",
    "ss_network_dim": str(RANK),
    "ss_network_alpha": str(RANK),
    "ss_base_model_version": "sdxl_base_v1-0",
}


def metadata(lesson: Lesson, captions: list[str], steps: int) -> dict[str, str]:
    """Say what the file is, in ModelSpec's words and in kohya's."""
    tags = Counter(tag.strip() for caption in captions for tag in caption.split(","))
    return {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
        "modelspec.title": lesson.title,
        "modelspec.trigger_phrase": lesson.trigger,
        "modelspec.license": "Apache-2.0",
        "modelspec.resolution": "128x128",
        "modelspec.prediction_type": "v",
        "ss_output_name": lesson.trigger.split()[0],
        "ss_steps": str(steps),
        "ss_num_train_images": str(len(captions)),
        "ss_resolution": "(128, 128)",
        "ss_tag_frequency": json.dumps({f"1_{lesson.trigger}": dict(tags)}),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(LESSONS))
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--base", type=Path, default=Path("checkpoints/mini"))
    parser.add_argument("--samples", type=Path, default=Path("checkpoints/samples"), help="the style's dozen")
    parser.add_argument("--out", type=Path, default=Path("checkpoints/loras"))
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rate", type=float, default=3e-3)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    lesson, path = LESSONS[options.name], options.state / f"lora-{options.name}.pt"
    examples = samples.read(options.samples if lesson.trigger == samples.STYLE else options.state / samples.SUBJECT)
    timing = {"minutes": options.minutes, "device": options.device, "rate": options.rate}
    trained, steps = train(path, options.base, examples, **timing)
    write(trained, lesson, examples[1], steps, options.out / options.name)
