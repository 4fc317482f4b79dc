"""The pictures that encoders are measured with: from what they like to what none can shrink, without downloads."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

GRID = Path(__file__).parents[1] / "checkpoints" / "grid.png"
CELL, COLUMNS, ACROSS, DOWN = 128, 8, 136, 166  # px: where the grid has its forty pictures of mini's


def pictures(side: int) -> dict[str, Image.Image]:
    """Return RGB pictures of side x side by what they are; the same ones each time."""
    chance = np.random.default_rng(7)
    return {
        "photo-like": photo_like(chance, side, grain=0),
        "photo-like, grainy": photo_like(chance, side, grain=1),
        "many of mini's": many_icons(side),
        "one of mini's, enlarged": icon(0).resize((side, side), Image.Resampling.BICUBIC),
        "smooth": smooth(side),
        "noise": Image.fromarray(chance.integers(0, 256, (side, side, 3), dtype=np.uint8)),
    }


def photo_like(chance: np.random.Generator, side: int, *, grain: float) -> Image.Image:
    """Draw dead leaves: discs that hide each other, whose radii follow a power law, have the edges of photographs.

    Over them lie a texture whose amplitude falls with frequency and the sensor's grain (standard deviation in levels).
    """
    leaves = Image.new("RGB", (2 * side, 2 * side))
    draw = ImageDraw.Draw(leaves)
    for radius in ((chance.pareto(1.2, 6000) + 1) * side / 100).clip(max=side / 2):
        x, y = chance.uniform(-radius, 2 * side + radius, 2)
        colour = tuple((chance.integers(20, 230) + chance.normal(0, 25, 3)).clip(0, 255).astype(int).tolist())
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    edges = np.asarray(leaves.resize((side, side), Image.Resampling.LANCZOS), dtype=float)
    levels = edges + 8 * texture(chance, side)[:, :, None] + grain * chance.standard_normal(edges.shape)
    return Image.fromarray(levels.clip(0, 255).round().astype(np.uint8))


def texture(chance: np.random.Generator, side: int) -> np.ndarray:
    """Return noise [side, side] of unit variance whose amplitude falls a little faster than 1 / frequency."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = np.inf
    grey = np.fft.irfft2(np.fft.rfft2(chance.standard_normal((side, side))) / frequency**1.2, s=(side, side))
    return grey / grey.std()


def icon(index: int) -> Image.Image:
    row, column = divmod(index, COLUMNS)
    left, top = 8 + column * ACROSS, 8 + row * DOWN
    with Image.open(GRID) as grid:
        return grid.convert("RGB").crop((left, top, left + CELL, top + CELL))


def many_icons(side: int) -> Image.Image:
    sheet = Image.new("RGB", (side, side))
    places = [(left, top) for top in range(0, side, CELL) for left in range(0, side, CELL)]
    for index, place in enumerate(places):
        sheet.paste(icon(index % 40), place)
    return sheet


def smooth(side: int) -> Image.Image:
    down, right = np.mgrid[0:side, 0:side] / side
    waves = [127 + 120 * np.sin(10 * down + 5 * right), 127 + 120 * np.cos(7 * down), 120 * (down + right)]
    return Image.fromarray(np.stack(waves, axis=-1).round().astype(np.uint8))
