"""What does every measurement need? The family to be measured, the real icons, and prompts it has never seen."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from diffusers import StableDiffusionXLPipeline

from checkpoints.recipe import sources
from checkpoints.recipe.captions import Example, article, held_out_background, held_out_style, held_out_tint
from checkpoints.recipe.draw import open_pipeline
from checkpoints.recipe.score import Judge
from checkpoints.recipe.sources import Icon

SEED = 7
SPOKEN = {"fluent": "fluent style", "flat": "flat style", "noto": "noto style"}


@dataclass(frozen=True)
class Bench:
    """The working files, the family's folder (mini, mini-refiner, ...), the device and how many prompts a row has."""

    state: Path
    family: Path
    device: str
    count: int

    @cached_property
    def drawings(self) -> tuple[list[Icon], np.ndarray]:
        return sources.load(self.state)

    @property
    def icons(self) -> list[Icon]:
        return self.drawings[0]

    @property
    def pixels(self) -> np.ndarray:
        return self.drawings[1]

    @cached_property
    def base(self) -> StableDiffusionXLPipeline:
        return open_pipeline(self.family / "mini", self.device)

    @cached_property
    def judge(self) -> Judge:
        return Judge(self.icons, self.pixels)

    @property
    def seeds(self) -> list[int]:
        return list(range(self.count))

    def asked(self, wanted: Callable[[Icon], bool], *, tint: bool = False) -> list[Example]:
        """Write `count` prompts about icons that are wanted, each naming a style and a held-out background."""
        rows = np.random.default_rng(SEED).permutation([row for row, icon in enumerate(self.icons) if wanted(icon)])
        chosen = [int(rows[number % len(rows)]) for number in range(self.count)]
        tints = [held_out_tint(self.icons[row].concept) if tint else None for row in chosen]
        return [example(row, self.icons[row], tint) for row, tint in zip(chosen, tints, strict=True)]


def core_icon(icon: Icon) -> bool:
    """Tell whether an icon is one the base has seen most."""
    return icon.core and held_out_style(icon.concept) != icon.style


def example(row: int, icon: Icon, tint: str | None) -> Example:
    """Write one prompt in the plainest words."""
    background = held_out_background(icon.concept)
    if background == tint:
        background = "white"
    thing = article(f"{tint} {icon.concept}" if tint else icon.concept)
    return Example(row, tint, background, f"{thing}, {SPOKEN[icon.style]}, on {article(background)} background")


def prompts(examples: list[Example]) -> list[str]:
    """Return what the examples ask for."""
    return [each.caption for each in examples]
