"""Do the two example LoRAs bring in what the base does not know: a style, and a creature?"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from checkpoints.recipe import sources
from checkpoints.recipe.bench import SEED, Bench
from checkpoints.recipe.captions import article
from checkpoints.recipe.compose import BACKGROUNDS, halved, halved_rgba, on_background
from checkpoints.recipe.draw import draw
from checkpoints.recipe.samples import STYLE, STYLE_PICTURES, SUBJECT, SUBJECT_GROUNDS, subject
from checkpoints.recipe.score import flat
from checkpoints.recipe.style_judge import StyleJudge


def measure(bench: Bench) -> dict[str, dict[str, float]]:
    """Measure both LoRAs, with and without."""
    return {"inkline": measure_style(bench), "zibbo": measure_subject(bench)}


def measure_style(bench: Bench) -> dict[str, float]:
    """Ask for the style with things that are not among its dozen."""
    concepts = [icon.concept for icon in sources.load(bench.state, sources.UNSEEN)[0] if icon.core]
    left = sorted(set(concepts) - set(STYLE_PICTURES))
    chosen = np.random.default_rng(SEED).permutation(left)[: bench.count]
    asked, judge = [f"{article(concept)}, {STYLE}" for concept in chosen], StyleJudge(bench.state)

    def share() -> float:
        drawn = draw(bench.base, asked, list(range(len(asked))))
        return float(np.mean([style == sources.UNSEEN for style in judge.styles(drawn)]))

    without = share()
    with lora_on(bench, "inkline"):
        return {"judged inkline with": share(), "judged inkline without": without}


def measure_subject(bench: Bench) -> dict[str, float]:
    """Ask for the creature on the backgrounds it was never shown on."""
    grounds = [ground for ground in BACKGROUNDS if ground not in SUBJECT_GROUNDS]
    asked = [f"{article(SUBJECT)}, on {article(ground)} background" for ground in grounds]

    def share() -> float:
        drawn = draw(bench.base, asked, list(range(len(asked))))
        return float(np.mean([is_subject(bench, each, ground) for each, ground in zip(drawn, grounds, strict=True)]))

    without = share()
    with lora_on(bench, SUBJECT):
        return {"nearest is the zibbo with": share(), "nearest is the zibbo without": without}


@contextmanager
def lora_on(bench: Bench, name: str) -> Iterator[None]:
    """Put one of the family's LoRAs on the base, and take it off."""
    bench.base.load_lora_weights(bench.family / "loras", weight_name=f"{name}.safetensors")
    try:
        yield
    finally:
        bench.base.unload_lora_weights()


def is_subject(bench: Bench, picture: np.ndarray, ground: str) -> bool:
    """Tell whether a picture is nearer to the creature than to any core icon."""
    core = [row for row, icon in enumerate(bench.icons) if icon.core]
    known = np.concatenate([bench.judge.small[core], halved_rgba(subject())[None]])
    distances = np.square(flat(on_background(known, BACKGROUNDS[ground])) - flat(halved(picture))).mean(-1)
    return int(distances.argmin()) == len(core)
