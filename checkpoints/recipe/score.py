"""How good is a picture? Measured against the real icons it should look like."""

from dataclasses import dataclass

import numpy as np

from checkpoints.recipe.captions import Example
from checkpoints.recipe.compose import BACKGROUNDS, on_background, tinted
from checkpoints.recipe.sources import Icon

MARGIN = 6  # the outermost pixels, where no icon reaches


@dataclass(frozen=True)
class Score:
    """What one picture earned."""

    rank: int  # how many other concepts are nearer to it than the asked one; 0 is best
    style: bool  # of the asked concept's own icons, the one in the asked style is the nearest
    background: bool
    sharpness: float  # gradient energy; the real icon's is 1


class Judge:
    """Knows the real icons, at 64x64 pixels, and compares pictures with them."""

    def __init__(self, icons: list[Icon], pixels: np.ndarray) -> None:
        self.icons, self.pixels = icons, pixels
        self.rows = {
            style: np.array([row for row, icon in enumerate(icons) if icon.style == style])
            for style in {icon.style for icon in icons}
        }
        self.small = np.concatenate([halved_rgba(part) for part in np.array_split(pixels, 32)])

    def score(self, example: Example, picture: np.ndarray) -> Score:
        """Score one picture uint8 [128, 128, 3]."""
        return Score(
            rank=self.rank(example, picture),
            style=self.style(example, picture) == self.icons[example.row].style,
            background=nearest_background(picture) == example.background,
            sharpness=gradient_energy(picture) / gradient_energy(composed(self.pixels[example.row], example)),
        )

    def rank(self, example: Example, picture: np.ndarray) -> int:
        """Count the concepts whose icon in the asked style, composed alike, is nearer than the asked one."""
        rows = self.rows[self.icons[example.row].style]
        distances = self._distances(example, picture, rows)
        return int((distances < distances[rows == example.row]).sum())

    def style(self, example: Example, picture: np.ndarray) -> str:
        """Name the style of the asked concept's own icon that is the nearest."""
        name = self.icons[example.row].name
        rows = np.array([row for row, icon in enumerate(self.icons) if icon.name == name])
        return self.icons[rows[self._distances(example, picture, rows).argmin()]].style

    def _distances(self, example: Example, picture: np.ndarray, rows: np.ndarray) -> np.ndarray:
        candidates = composed(self.small[rows], example).astype(np.float32)
        return np.square(candidates - halved(picture.astype(np.float32))).sum((1, 2, 3))


def composed(rgba: np.ndarray, example: Example) -> np.ndarray:
    """Put icons uint8 [..., 4] under an example's tint and on its background."""
    return on_background(tinted(rgba, example.tint) if example.tint else rgba, BACKGROUNDS[example.background])


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


def nearest_background(picture: np.ndarray) -> str:
    """Name the background colour nearest to the picture's margin."""
    edge = np.ones(picture.shape[:2], bool)
    edge[MARGIN:-MARGIN, MARGIN:-MARGIN] = False
    margin = np.median(picture[edge], axis=0)
    return min(BACKGROUNDS, key=lambda name: float(np.square(margin - BACKGROUNDS[name]).sum()))


def gradient_energy(picture: np.ndarray) -> float:
    """Sum the squared steps between neighbouring pixels: a crisp edge counts more than the same edge blurred."""
    values = picture.astype(np.float32)
    return float(np.square(np.diff(values, axis=0)).sum() + np.square(np.diff(values, axis=1)).sum())
