"""Does the base count to four, draw two things, and put them where the words say?"""

import numpy as np

from checkpoints.recipe.bench import SEED, SPOKEN, Bench, core_icon
from checkpoints.recipe.compose import BACKGROUNDS, halved, on_background
from checkpoints.recipe.draw import draw
from checkpoints.recipe.score import flat
from checkpoints.recipe.together import NUMBERS, RELATIONS, Scene, count_of, countable, held_out, two_of

ROWS = {"counts": tuple(NUMBERS), "two things": RELATIONS[:1], "position words": RELATIONS[1:]}


def measure(bench: Bench) -> dict[str, float]:
    """Ask for scenes training has never shown; a picture is right if every place holds its thing."""
    return {name: measure_row(bench, kinds) for name, kinds in ROWS.items()}


def measure_row(bench: Bench, kinds: tuple) -> float:
    """Ask for one row's scenes, on white."""
    scenes = scenes_of(bench, kinds)
    words = [f"{scene.words}, {SPOKEN[bench.icons[scene.rows[0]].style]}" for scene in scenes]
    pictures = draw(bench.base, words, bench.seeds)
    return float(np.mean([is_right(bench, scene, drawn) for scene, drawn in zip(scenes, pictures, strict=True)]))


def scenes_of(bench: Bench, kinds: tuple) -> list[Scene]:
    """Make up as many held-out scenes as a row has prompts, of core icons in one style each."""
    rng = np.random.default_rng(SEED)
    scenes: list[Scene] = []
    rows = [row for row, icon in enumerate(bench.icons) if core_icon(icon) and countable(icon.concept)]
    while len(scenes) < bench.count:
        kind, row = kinds[len(scenes) % len(kinds)], int(rng.choice(rows))
        other = int(rng.choice([each for each in rows if bench.icons[each].style == bench.icons[row].style]))
        concepts = (bench.icons[row].concept, bench.icons[other].concept)
        scene = count_of(row, concepts[0], kind) if isinstance(kind, int) else two_of((row, other), concepts, kind)
        if held_out(scene.words) and concepts[0] != concepts[1]:
            scenes.append(scene)
    return scenes


def is_right(bench: Bench, scene: Scene, picture: np.ndarray) -> bool:
    """Tell whether each place of a picture is nearer to its icon than to any other core icon of that style."""
    style = bench.icons[scene.rows[0]].style
    rows = [row for row, icon in enumerate(bench.icons) if icon.core and icon.style == style]
    icons = flat(halved(on_background(bench.judge.small[rows], BACKGROUNDS["white"])))
    for row, (x, y) in zip(scene.rows, scene.places, strict=True):
        place = flat(halved(picture[y : y + 64, x : x + 64]))
        if rows[int(np.square(icons - place).mean(-1).argmin())] != row:
            return False
    return True
