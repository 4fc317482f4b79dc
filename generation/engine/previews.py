"""What does an unfinished picture look like? As the UNet sees it: the noise that it predicts, taken away."""

import torch
from diffusers import AutoencoderKL, SchedulerMixin
from PIL import Image

from generation.engine.decode import decode

SIDE = 32  # latents: a preview has 256 pixels, and costs SDXL's VAE a sixteenth of the picture


def clean_estimate(
    scheduler: SchedulerMixin, scaled: torch.Tensor, noise: torch.Tensor, timestep: torch.Tensor
) -> torch.Tensor:
    """Estimate the finished latents in the middle of the denoising.

    Every scheduler shows the UNet latents of unit variance, so that one formula serves all (Progressive Distillation,
    appendix D: epsilon and v).
    """
    signal = scheduler.alphas_cumprod[int(timestep.round())].to(scaled)
    kind = scheduler.config.prediction_type
    if kind == "v_prediction":
        return signal.sqrt() * scaled - (1 - signal).sqrt() * noise
    if kind == "sample":
        return noise
    return (scaled - (1 - signal).sqrt() * noise) / signal.sqrt()


@torch.inference_mode()
def preview(vae: AutoencoderKL, latents: torch.Tensor) -> Image.Image:
    """Return a small picture of latents. Raises InvalidOutput."""
    scale = min(1.0, SIDE / max(latents.shape[-2:]))
    size = [max(1, round(side * scale)) for side in latents.shape[-2:]]
    return decode(vae, torch.nn.functional.interpolate(latents, size=size, mode="area")).image
