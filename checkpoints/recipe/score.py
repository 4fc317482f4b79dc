"""How good is a picture? Measured against the real icons it should look like."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from checkpoints.recipe.captions import Example
from checkpoints.recipe.compose import BACKGROUNDS, halved, halved_rgba, on_background, tinted
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
        self.small = np.concatenate([halved_rgba(part) for part in np.array_split(pixels, min(32, len(pixels)))])
        self.styles = np.array([icon.style for icon in icons])
        self.names = np.array([icon.name for icon in icons])

    def score_all(self, examples: list[Example], pictures: np.ndarray) -> list[Score]:
        """Score pictures uint8 [n, 128, 128, 3]; those asked for alike share the work of composing the other icons."""
        alike: dict[tuple, list[int]] = defaultdict(list)
        for number, example in enumerate(examples):
            alike[self.icons[example.row].style, example.tint, example.background].append(number)
        scores = {}
        for (style, *_), numbers in alike.items():
            rows = np.flatnonzero(self.styles == style)
            candidates = flat(composed(self.small[rows], examples[numbers[0]]))
            for number in numbers:
                distances = np.square(candidates - flat(halved(pictures[number]))).mean(-1)
                rank = int((distances < distances[rows == examples[number].row]).sum())
                scores[number] = self._score(examples[number], pictures[number], rank)
        return [scores[number] for number in range(len(examples))]

    def _score(self, example: Example, picture: np.ndarray, rank: int) -> Score:
        return Score(
            rank=rank,
            style=self._nearest_style(example, picture) == self.icons[example.row].style,
            background=nearest_background(picture) == example.background,
            sharpness=gradient_energy(picture) / gradient_energy(composed(self.pixels[example.row], example)),
        )

    def _nearest_style(self, example: Example, picture: np.ndarray) -> str:
        rows = np.flatnonzero(self.names == self.icons[example.row].name)
        candidates = flat(composed(self.small[rows], example))
        return str(self.styles[rows[np.square(candidates - flat(halved(picture))).sum(-1).argmin()]])


def flat(values: np.ndarray) -> np.ndarray:
    """Lay each picture out as one row of float32."""
    return values.astype(np.float32).reshape(*values.shape[:-3], -1)


def composed(rgba: np.ndarray, example: Example) -> np.ndarray:
    """Put icons uint8 [..., 4] under an example's tint and on its background."""
    return on_background(tinted(rgba, example.tint) if example.tint else rgba, BACKGROUNDS[example.background])


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
