"""Stage 4, `decoder`: the VAE's decoder learns to be crisp from latents a little wrong, as a UNet's always are.

The encoder stays as it is, so the latents the UNet has learned stay valid: this stage can run at any time after `vae`.
"""

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from checkpoints.recipe import sources, state
from checkpoints.recipe.captions import Sampler
from checkpoints.recipe.optim import Optimiser
from checkpoints.recipe.vae import EDGES, encode, reconstruction_loss

log = logging.getLogger(__name__)
SEED, SAVE_EVERY = 20261125, 60  # seconds
ERROR = 0.15  # the largest deviation of the noise put on latents, whose own deviation is 1


def parts(vae: AutoencoderKL) -> dict[str, torch.nn.Module]:
    """Name the half of the VAE that learns here."""
    return {"decoder": vae.decoder, "post_quant_conv": vae.post_quant_conv}


def train(folder: Path, minutes: float, *, device: str, batch: int, rate: float) -> None:
    """Train on whole pictures until the minutes are used up, then write `vae-crisp` beside `vae`."""
    icons, pixels = sources.load(folder)
    vae = AutoencoderKL.from_pretrained(folder / "vae").to(device, memory_format=torch.channels_last)
    vae.requires_grad_(False)
    for module in parts(vae).values():
        module.requires_grad_(True)
    optimiser, clock = Optimiser(parts(vae), edges=EDGES, ema=0.995), state.Clock(minutes)
    if saved := state.load(folder / "decoder.pt"):
        optimiser.restore(saved["optimiser"])
        clock.before = saved["spent"]
    generator = torch.Generator().manual_seed(SEED + optimiser.steps)
    sampler = Sampler(icons, core_share=0.75, seed=SEED + optimiser.steps)

    last_save = clock.spent
    while clock.progress < 1:
        pictures = np.stack([sampler.draw(sampler.next(), pixels) for _ in range(batch)])
        latents = spoiled(encode(vae, pictures), generator)
        target = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        output = vae.decode(latents).sample
        loss, plain = reconstruction_loss(output, target)
        (loss + crispness_loss(output, target)).backward()
        speed = state.learning_rate(rate, clock.progress, optimiser.steps, warmup=50, hold=0.3)
        optimiser.step(speed)
        if optimiser.steps % 50 == 0:
            log.info("step %d  %.0f s  loss %.4f  L1 %.4f", optimiser.steps, clock.spent, loss.item(), plain.item())
        if clock.spent - last_save > SAVE_EVERY or clock.progress >= 1:
            last_save = clock.spent
            state.save(folder / "decoder.pt", {"optimiser": optimiser.state(), "spent": clock.spent})
    optimiser.load_average(parts(vae))
    vae.to("cpu").save_pretrained(folder / "vae-crisp")


def crispness_loss(output: Tensor, target: Tensor) -> Tensor:
    """Ask every 8x8 patch for edges as steep as the real ones, wherever exactly they lie.

    Where latents leave the place of an edge open, comparing pixels alone is cheapest with a blur halfway between.
    """
    return F.l1_loss(steepness(output), steepness(target))


def steepness(pictures: Tensor) -> Tensor:
    """Root mean square of the steps between neighbouring pixels, in 8x8 patches: float [n, 3, 16, 16]."""
    squares = pictures.diff(dim=2)[..., :-1].square() + pictures.diff(dim=3)[..., :-1, :].square()
    return (F.avg_pool2d(squares, 8, ceil_mode=True) + 1e-4).sqrt()


def spoiled(latents: Tensor, generator: torch.Generator) -> Tensor:
    """Put a little noise on latents [n, 4, 16, 16], more on some than on others."""
    amount = ERROR * torch.rand(len(latents), 1, 1, 1, generator=generator)
    return latents + (amount * torch.randn(latents.shape, generator=generator)).to(latents)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    train(options.state, options.minutes, device=options.device, batch=options.batch, rate=options.rate)
