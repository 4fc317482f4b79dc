"""What pictures of every kind need beside the tiny checkpoint: pictures, a mask, ControlNets that have learnt."""

from pathlib import Path

import numpy as np
import torch
from diffusers import ControlNetModel
from PIL import Image

from tests.weights.tiny_others import make_tiny_controlnet


def picture(seed: int, side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))


def right_half(side: int = 64) -> Image.Image:
    """A mask whose right half is drawn anew."""
    levels = np.zeros((side, side), np.uint8)
    levels[:, side // 2 :] = 255
    return Image.fromarray(levels)


def learnt_controlnet(folder: Path, seed: int) -> Path:
    """Make a ControlNet and change its weights: its outputs are all zero before it has learnt anything."""
    model = ControlNetModel.from_pretrained(make_tiny_controlnet(folder))
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.05)
    model.save_pretrained(folder)
    return folder
