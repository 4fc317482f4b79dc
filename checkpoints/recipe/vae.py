"""Stage 2, `vae`: pictures into 16x16x4 latents and back, learned from random 64x64 crops."""

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from checkpoints.recipe import compose, sources, state
from checkpoints.recipe.networks import build_vae
from checkpoints.recipe.optim import Optimiser

log = logging.getLogger(__name__)
SEED, SAVE_EVERY, CROP = 20261123, 120, 64  # seconds, pixels
EDGES = ("conv_in", "conv_out", "quant_conv")  # left to AdamW


def held_out(icons: list[sources.Icon]) -> np.ndarray:
    """Mark the icons the VAE never sees (every 30th of the concepts outside the core): its figure is taken on these."""
    others = sorted({icon.concept for icon in icons if not icon.core})
    return np.isin([icon.concept for icon in icons], others[::30])


def train(folder: Path, minutes: float, *, device: str, batch: int, rate: float) -> None:
    """Train until the minutes are used up, saving as it goes; a second start goes on where the first one stopped."""
    icons, pixels = sources.load(folder)
    rows = np.flatnonzero(~held_out(icons))
    rng = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    vae = build_vae().to(device, memory_format=torch.channels_last)
    optimiser, clock = Optimiser({"vae": vae}, edges=EDGES, ema=0.998), state.Clock(minutes)
    if saved := state.load(folder / "vae.pt"):
        optimiser.restore(saved["optimiser"])
        rng.bit_generator.state, clock.before = saved["rng"], saved["spent"]
        torch.set_rng_state(saved["torch_rng"])

    last_save = clock.spent
    while clock.progress < 1:
        target = batch_of_crops(pixels, rows, rng, batch).to(device, memory_format=torch.channels_last)
        posterior = vae.encode(target).latent_dist
        loss, plain = reconstruction_loss(vae.decode(posterior.sample()).sample, target)
        kl = 0.5 * (posterior.mean**2 + posterior.var - 1 - posterior.logvar).mean()
        (loss + 3e-4 * kl).backward()
        speed = state.learning_rate(rate, clock.progress, optimiser.steps, warmup=50, hold=0.5)
        norm = optimiser.step(speed)
        if optimiser.steps % 50 == 0:
            figures = (optimiser.steps, clock.spent, loss.item(), plain.item(), kl.item(), norm, speed)
            log.info("step %d  %.0f s  loss %.4f  L1 %.4f  KL %.2f  norm %.2f  lr %.1e", *figures)
        if clock.spent - last_save > SAVE_EVERY or clock.progress >= 1:
            last_save = clock.spent
            saving = {"optimiser": optimiser.state(), "rng": rng.bit_generator.state, "spent": clock.spent}
            state.save(folder / "vae.pt", saving | {"torch_rng": torch.get_rng_state()})
    finish(folder, optimiser, pixels, rows)


def batch_of_crops(pixels: np.ndarray, rows: np.ndarray, rng: np.random.Generator, size: int) -> Tensor:
    """Cut `size` crops out of fresh compositions: float [size, 3, 64, 64] in [-1, 1]."""
    crops = []
    for index in rng.choice(rows, size):
        top, left = rng.integers(0, sources.SIDE - CROP + 1, 2)
        picture = compose.random_picture(pixels[:, top : top + CROP, left : left + CROP], index, rng)
        crops.append(picture[:, ::-1] if rng.random() < 0.5 else picture)
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1


def reconstruction_loss(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Compare pixels, edges and, on a coarse grid, colours; return the loss and the plain L1 part."""
    plain = F.l1_loss(output, target)
    loss = plain + 0.5 * edge_loss(output, target)
    half_output, half_target = F.avg_pool2d(output, 2), F.avg_pool2d(target, 2)
    loss = loss + F.l1_loss(half_output, half_target) + 0.5 * edge_loss(half_output, half_target)
    # Left alone, four channels first learn brightness and one colour axis and paint purple grey: hence a colour term.
    difference = F.avg_pool2d(output - target, 8)
    chroma = difference - difference.mean(1, keepdim=True)
    return loss + 1.5 * difference.abs().mean() + chroma.abs().mean(), plain


def edge_loss(output: Tensor, target: Tensor) -> Tensor:
    """Compare the steps between neighbouring pixels, so that blurring costs something."""
    difference = output - target
    return difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean()


@torch.no_grad()
def finish(folder: Path, optimiser: Optimiser, pixels: np.ndarray, rows: np.ndarray) -> None:
    """Write the averaged VAE with latents of mean 0 and deviation 1, so that the scheduler's noise levels fit them."""
    vae = build_vae().eval()
    optimiser.load_average({"vae": vae})
    rng = np.random.default_rng(SEED + 1)
    pictures = np.stack([compose.random_picture(pixels, index, rng) for index in rng.choice(rows, 512)])
    latents = torch.cat([encode(vae, part) for part in np.array_split(pictures, 16)])
    normalise(vae, latents.mean((0, 2, 3)), latents.std((0, 2, 3)))
    vae.save_pretrained(folder / "vae")
    log.info("latent mean %s deviation %s", latents.mean((0, 2, 3)).tolist(), latents.std((0, 2, 3)).tolist())


def encode(vae: AutoencoderKL, pictures: np.ndarray) -> Tensor:
    """Encode uint8 pictures [n, 128, 128, 3] to the means of their latents [n, 4, 16, 16]."""
    values = torch.from_numpy(pictures).to(vae.device).permute(0, 3, 1, 2).to(vae.dtype) / 127.5 - 1
    return vae.encode(values.contiguous(memory_format=torch.channels_last)).latent_dist.mean.float()


def normalise(vae: AutoencoderKL, mean: Tensor, deviation: Tensor) -> None:
    """Fold the latents' mean and deviation into the two 1x1 convolutions around them; decoding stays the same."""
    vae.quant_conv.weight[:4] /= deviation.view(4, 1, 1, 1)
    vae.quant_conv.bias[:4] = (vae.quant_conv.bias[:4] - mean) / deviation
    vae.quant_conv.bias[4:] -= 2 * deviation.log()
    vae.post_quant_conv.bias += vae.post_quant_conv.weight[..., 0, 0] @ mean
    vae.post_quant_conv.weight *= deviation.view(1, 4, 1, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--minutes", type=float, default=22)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(options.state, options.minutes, device=options.device, batch=options.batch, rate=options.rate)
