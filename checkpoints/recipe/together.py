"""How do several things share a picture? Two things side by side or one above the other, or two to four of a kind."""

import zlib
from dataclasses import dataclass

import numpy as np

from checkpoints.recipe.compose import halved_rgba

# Where a thing half as large lies: the left upper corner's x and y, of a picture 128 pixels wide.
SIDE_BY_SIDE, STACKED = ((0, 32), (64, 32)), ((32, 0), (32, 64))
COUNTED = {2: SIDE_BY_SIDE, 3: ((32, 0), (0, 64), (64, 64)), 4: ((0, 0), (64, 0), (0, 64), (64, 64))}
NUMBERS = {2: "two", 3: "three", 4: "four"}
ODD_PLURALS = {"mouse": "mice", "goose": "geese", "wolf": "wolves", "knife": "knives", "leaf": "leaves", "fish": "fish"}
MANY = {"fries", "glasses", "jeans", "gloves", "grapes", "headphones", "paw prints", "footprints", "books", "pancakes",
        "scissors", "socks", "cherries", "crossed swords", "sunglasses", "popcorn", "bow and arrow"}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """Which icons lie where, and the words for it."""

    rows: tuple[int, ...]
    places: tuple[tuple[int, int], ...]
    words: str


def countable(concept: str) -> bool:
    """Tell whether "two ..." makes sense."""
    return concept not in MANY


def plural(concept: str) -> str:
    """Say a thing in the plural: `cup of coffee` -> `cups of coffee`."""
    head, of, rest = concept.partition(" of ")
    *before, noun = head.split(" ")
    if noun in ODD_PLURALS:
        noun = ODD_PLURALS[noun]
    elif noun.endswith(("s", "sh", "ch", "x")):
        noun += "es"
    elif noun.endswith("y") and noun[-2] not in "aeiou":
        noun = noun[:-1] + "ies"
    else:
        noun += "s"
    return " ".join([*before, noun]) + of + rest


def count_of(row: int, concept: str, number: int) -> Scene:
    """Ask for two to four of a kind."""
    return Scene((row,) * number, COUNTED[number], f"{NUMBERS[number]} {plural(concept)}")


def two_of(rows: tuple[int, int], concepts: tuple[str, str], relation: str) -> Scene:
    """Ask for two things; `relation` is and, left of, right of, above or below."""
    first, second = concepts
    words = f"{_one(first)} {relation} {_one(second)}"
    swapped = relation in ("right of", "below")
    places = STACKED if relation in ("above", "below") else SIDE_BY_SIDE
    return Scene(rows[::-1] if swapped else rows, places, words)


RELATIONS = ("and", "left of", "right of", "above", "below")


def _one(concept: str) -> str:
    return f"{'an' if concept[0] in 'aeiou' else 'a'} {concept}"


def held_out(words: str) -> bool:
    """Tell whether a scene, told by its words, is one of the tenth that training never shows."""
    return zlib.crc32(f"scene {words}".encode()) % 10 == 0


def laid_out(pixels: np.ndarray, scene: Scene) -> np.ndarray:
    """Put half-sized icons in their places: uint8 [128, 128, 4]."""
    side = pixels.shape[1]
    canvas = np.zeros((side, side, 4), np.uint8)
    for row, (x, y) in zip(scene.rows, scene.places, strict=True):
        canvas[y : y + side // 2, x : x + side // 2] = halved_rgba(np.asarray(pixels[row]))
    return canvas
