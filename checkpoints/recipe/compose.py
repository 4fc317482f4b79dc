"""How does an icon become a training picture? Background, tint, and the colours both are named by."""

import numpy as np
from PIL import Image

BACKGROUNDS = {
    "white": (255, 255, 255), "black": (20, 20, 20), "gray": (128, 128, 128), "red": (215, 40, 40),
    "orange": (245, 135, 30), "yellow": (250, 215, 50), "green": (45, 145, 65), "lime": (150, 215, 45),
    "teal": (20, 135, 140), "blue": (40, 90, 215), "sky blue": (130, 200, 240), "navy": (25, 30, 90),
    "purple": (125, 55, 170), "pink": (250, 150, 190), "brown": (125, 80, 45), "beige": (235, 220, 185),
}  # fmt: skip

TINTS = {
    "red": (220, 40, 45), "orange": (245, 130, 30), "yellow": (250, 210, 45), "green": (50, 160, 70),
    "blue": (45, 100, 225), "purple": (135, 60, 185), "pink": (250, 130, 180), "brown": (130, 85, 50),
    "gray": (130, 130, 135), "black": (45, 45, 50),
}  # fmt: skip

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def tinted(rgba: np.ndarray, tint: str) -> np.ndarray:
    """Repaint an icon in one colour, keeping its light and shade: dark stays dark, highlights go towards white."""
    light = (rgba[..., :3].astype(np.float32) @ LUMA)[..., None] / 255
    colour = np.array(TINTS[tint], np.float32)
    shade = np.where(
        light < 0.6, colour * (0.35 + 0.65 * light / 0.6), colour + (255 - colour) * (light - 0.6) / 0.4 * 0.8
    )
    return np.concatenate([shade.clip(0, 255).astype(np.uint8), rgba[..., 3:]], -1)


def on_background(rgba: np.ndarray, colour: tuple[int, ...] | np.ndarray) -> np.ndarray:
    """Lay an icon on a flat colour: uint8 [128, 128, 3]."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    flat = np.broadcast_to(np.asarray(colour, np.float32), rgba[..., :3].shape)
    return (rgba[..., :3] * alpha + flat * (1 - alpha) + 0.5).clip(0, 255).astype(np.uint8)


def moved(
    rgba: np.ndarray, rng: np.random.Generator, *, scales: tuple[float, float] = (0.7, 1.1), turn: float = 20
) -> np.ndarray:
    """Put an icon somewhere else: smaller or a little larger, turned by up to `turn` degrees, mirrored, shifted."""
    side = len(rgba)
    scale, angle = rng.uniform(*scales), np.deg2rad(rng.uniform(-turn, turn))
    room = max(0.0, side * (0.95 - 0.85 * scale)) / 2  # how far it can go and still be seen whole
    centre = side / 2 + rng.uniform(-room, room, 2)
    cos, sin, mirror = np.cos(angle) / scale, np.sin(angle) / scale, rng.choice([-1, 1])
    # PIL asks from where each pixel of the new picture comes.
    right, down = np.array([mirror * cos, mirror * sin]), np.array([-sin, cos])
    shift = [side / 2 - right @ centre, side / 2 - down @ centre]
    matrix = (*right, shift[0], *down, shift[1])
    turned = Image.fromarray(rgba).transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    return np.asarray(turned)


def halved(values: np.ndarray) -> np.ndarray:
    """Average 2x2 pixels: float [..., 2h, 2w, c] -> [..., h, w, c]."""
    *batch, height, width, channels = values.shape
    return values.reshape(*batch, height // 2, 2, width // 2, 2, channels).mean((-4, -2))


def halved_rgba(rgba: np.ndarray) -> np.ndarray:
    """Halve icons without letting the colour of transparent pixels bleed in."""
    values = rgba.astype(np.float32)
    alpha = halved(values[..., 3:])
    colour = halved(values[..., :3] * values[..., 3:]) / np.maximum(alpha, 1)
    return np.concatenate([colour, alpha], -1).round().astype(np.uint8)


def shade_of(name: str, rng: np.random.Generator) -> np.ndarray:
    """Pick a background a touch (6 steps of 255) beside the named colour; plain white stays white."""
    return (np.array(BACKGROUNDS[name]) + rng.integers(-6, 7, 3) * (name != "white")).clip(0, 255)


def random_picture(icons: np.ndarray, index: int, rng: np.random.Generator) -> np.ndarray:
    """Compose one icon without a caption, as the VAE learns from: any tint, any background."""
    rgba = np.asarray(icons[index])
    if rng.random() < 0.25:
        rgba = tinted(rgba, str(rng.choice(list(TINTS))))
    if rng.random() < 0.2:
        return on_background(rgba, (255, 255, 255))
    if rng.random() < 0.3:
        return on_background(rgba, rng.integers(0, 256, 3))
    return on_background(rgba, shade_of(str(rng.choice(list(BACKGROUNDS))), rng))
