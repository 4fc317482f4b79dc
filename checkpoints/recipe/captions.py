"""Which picture comes next, and what would a person have typed for it?"""

import zlib
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from checkpoints.recipe.compose import BACKGROUNDS, TINTS, moved, on_background, shade_of, tinted
from checkpoints.recipe.concepts import FAVOURITES
from checkpoints.recipe.sources import STYLES, Icon
from checkpoints.recipe.together import NUMBERS, RELATIONS, Scene, count_of, countable, held_out, laid_out, two_of

STYLE_WORDS = {
    "fluent": ("fluent style", "3d style", "glossy 3d style", "fluent 3d style"),
    "flat": ("flat style", "flat vector style", "flat design", "flat color style"),
    "noto": ("noto style", "cartoon style", "noto cartoon style", "emoji style"),
}
# Fluent comes most often and most often without being named: so a prompt that names no style has one clear answer.
STYLE_SHARE = {"fluent": 0.4, "flat": 0.22, "noto": 0.38}
UNNAMED_STYLE = {"fluent": 0.45, "flat": 0.08, "noto": 0.08}
OPENINGS = ("a picture of", "a drawing of", "an icon of", "an illustration of", "a photo of", "an emoji of")
FILLERS = ("cute", "detailed", "high quality", "beautiful", "simple", "best quality", "digital art", "4k")
DISLIKES = (
    "blurry",
    "low quality",
    "ugly",
    "deformed",
    "text",
    "watermark",
    "noise",
    "bad",
    "worst quality",
    "cropped",
)
COLOUR_WORDS = set(TINTS) | {"white", "gold", "golden", "rainbow", "grey", "light"}


@dataclass(frozen=True)
class Example:
    """One training pair before it is drawn: an icon, perhaps a tint, a background, and the caption."""

    row: int
    tint: str | None
    background: str
    caption: str
    scene: Scene | None = None  # several things instead of the one in `row`


def held_out_style(concept: str) -> str | None:
    """Name the style this concept is never shown in, if it is one of the held-out ones (about one in nine)."""
    draw = zlib.crc32(f"style {concept}".encode())
    return STYLES[draw // 9 % 3] if draw % 9 == 0 else None


def held_out_tint(concept: str) -> str:
    """Name the one tint of ten this concept is never shown in."""
    return list(TINTS)[zlib.crc32(f"tint {concept}".encode()) % len(TINTS)]


def held_out_background(concept: str) -> str:
    """Name the one background of sixteen this concept is never shown on."""
    return list(BACKGROUNDS)[zlib.crc32(f"background {concept}".encode()) % len(BACKGROUNDS)]


def tintable(concept: str) -> bool:
    """Tell whether "a blue ..." makes sense: not where the name already holds a colour."""
    return not COLOUR_WORDS & set(concept.split())


def article(words: str) -> str:
    """Put a or an before words."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def caption(
    concept: str, style: str | None, *, tint: str | None, background: str | None, rng: np.random.Generator
) -> str:
    """Write one of the many ways to ask for a picture; `None` leaves a part unsaid."""
    thing = f"{tint} {concept}" if tint else concept
    if rng.random() < 0.05:
        thing = f"{rng.choice(FILLERS[:2])} {thing}"
    text = thing if rng.random() < 0.25 else article(thing)
    return dressed(text, style, background=background, rng=rng)


def dressed(text: str, style: str | None, *, background: str | None, rng: np.random.Generator) -> str:
    """Add an opening, the style, the background and a filler to the words for a thing, or leave them out."""
    if rng.random() < 0.08:
        text = f"{rng.choice(OPENINGS)} {text}"
    if style:
        text += str(rng.choice([", ", ", ", " in "])) + str(rng.choice(STYLE_WORDS[style]))
    if background:
        on = f"on {article(background)} background"
        text += str(rng.choice([f", {on}", f" {on}", f", {on}", f" on {background}", f", {background} background"]))
    if rng.random() < 0.05:
        text += f", {rng.choice(FILLERS)}"
    return text


def weight_of(icon: Icon) -> float:
    """Say how often an icon comes up among its like: never in a held-out style, twice as often if it is a favourite."""
    if icon.core and held_out_style(icon.concept) == icon.style:
        return 0.0
    return STYLE_SHARE[icon.style] * (2 if icon.name in FAVOURITES else 1)


class Sampler:
    """Draws examples: core concepts get `core_share` of them, held-out combinations never come up.

    `moved_share` of the pictures have their icon elsewhere, which the caption does not say: for ControlNets, whose
    control image says it. `scene_share` of the examples show several things; the shipped weights saw none.
    """

    def __init__(
        self, icons: list[Icon], *, core_share: float, seed: int, moved_share: float = 0, scene_share: float = 0
    ) -> None:
        self.icons, self.rng = icons, np.random.default_rng(seed)
        self.moved_share, self.scene_share = moved_share, scene_share
        weight = np.array([weight_of(icon) for icon in icons])
        core = np.array([icon.core for icon in icons])
        for group, share in ((core, core_share), (~core, 1 - core_share)):
            if group.any():
                weight[group] *= share / weight[group].sum()
        self.chance = weight / weight.sum()
        self.rows_of: dict[str, list[int]] = defaultdict(list)
        for row, icon in enumerate(icons):
            self.rows_of[icon.name].append(row)

    def next(self) -> Example:
        """Draw one example."""
        rng = self.rng
        if self.scene_share and rng.random() < self.scene_share:
            return self._scene()
        row = int(rng.choice(len(self.icons), p=self.chance))
        icon = self.icons[row]
        tints = [tint for tint in TINTS if tint != held_out_tint(icon.concept)]
        tint = str(rng.choice(tints)) if tintable(icon.concept) and rng.random() < 0.2 else None
        grounds = [name for name in BACKGROUNDS if name != held_out_background(icon.concept) and name != tint]
        background = None if rng.random() < 0.35 else str(rng.choice(grounds))
        style = None if rng.random() < UNNAMED_STYLE[icon.style] else icon.style
        if rng.random() < 0.02:  # so that a negative prompt means nothing in particular, instead of noise
            text = ", ".join(rng.choice(DISLIKES, rng.integers(1, 6), replace=False))
        else:
            text = caption(icon.concept, style, tint=tint, background=background, rng=rng)
        return Example(row, tint, background or "white", text)

    def _scene(self) -> Example:
        """Draw an example of several things in one style."""
        rng = self.rng
        while True:
            row, other = (int(each) for each in rng.choice(len(self.icons), 2, p=self.chance))
            icon = self.icons[row]
            mates = [
                number for number in self.rows_of[self.icons[other].name] if self.icons[number].style == icon.style
            ]
            if rng.random() < 0.5 and countable(icon.concept):
                scene = count_of(row, icon.concept, int(rng.choice(list(NUMBERS))))
            elif mates and self.chance[mates[0]]:
                concepts = (icon.concept, self.icons[mates[0]].concept)
                scene = two_of((row, mates[0]), concepts, str(rng.choice(RELATIONS)))
            else:
                continue
            if not held_out(scene.words):
                break
        background = None if rng.random() < 0.35 else str(rng.choice(list(BACKGROUNDS)))
        style = None if rng.random() < UNNAMED_STYLE[icon.style] else icon.style
        text = dressed(scene.words, style, background=background, rng=rng)
        return Example(row, None, background or "white", text, scene)

    def draw(self, example: Example, pixels: np.ndarray) -> np.ndarray:
        """Compose the picture an example asks for: uint8 [128, 128, 3]."""
        rgba = laid_out(pixels, example.scene) if example.scene else np.asarray(pixels[example.row])
        if example.tint:
            rgba = tinted(rgba, example.tint)
        if self.moved_share and self.rng.random() < self.moved_share:
            rgba = moved(rgba, self.rng)
        return on_background(rgba, shade_of(example.background, self.rng))
