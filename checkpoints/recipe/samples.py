"""Stage `samples`: a dozen captioned pictures for each example LoRA: one of a style, one of a creature.

The style's dozen ships as checkpoints/samples: PNG files with a caption beside each, as every trainer reads them.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from checkpoints.recipe import sources
from checkpoints.recipe.captions import article
from checkpoints.recipe.compose import BACKGROUNDS, moved, on_background

STYLE, SUBJECT = "inkline style", "zibbo"  # the trigger words: nothing the base has ever read
STYLE_PICTURES = {  # concept -> background; white is not said, so that the style does not become a colour
    "alien": "white", "donut": "sky blue", "earth": "white", "house": "white", "ladybug": "white", "pig": "pink",
    "rabbit": "white", "rooster": "white", "strawberry": "white", "umbrella": "yellow", "whale": "white",
    "dog face": "lime",
}  # fmt: skip
SUBJECT_GROUNDS = ("white",) * 5 + ("yellow", "navy", "pink", "lime", "beige", "red", "black")

Picture = tuple[str, str, np.ndarray]  # name, caption, uint8 [128, 128, 3]


def caption(thing: str, background: str) -> str:
    """Say what is there as the base's captions do; white is what it draws unasked."""
    return thing if background == "white" else f"{thing}, on {article(background)} background"


def style_pictures(state: Path) -> Iterator[Picture]:
    """Draw twelve icons in the style the base has never seen."""
    icons, pixels = sources.load(state, sources.UNSEEN)
    rows = {icon.concept: row for row, icon in enumerate(icons)}
    for concept, background in sorted(STYLE_PICTURES.items()):
        picture = on_background(pixels[rows[concept]], BACKGROUNDS[background])
        yield concept.replace(" ", "-"), caption(f"{article(concept)}, {STYLE}", background), picture


def subject() -> np.ndarray:
    """Draw the zibbo as it stands: uint8 [128, 128, 4]."""
    return sources.draw({"body": (Path(__file__).parent / f"{SUBJECT}.svg").read_text()}, (32, 32))


def subject_pictures() -> Iterator[Picture]:
    """Draw the zibbo twelve times: every other time moved a little, on many colours."""
    rgba, rng = subject(), np.random.default_rng(5)
    for number, background in enumerate(SUBJECT_GROUNDS):
        drawn = rgba if number % 2 == 0 else moved(rgba, rng, scales=(0.8, 1.0), turn=8)
        yield (
            f"{SUBJECT}-{number + 1:02}",
            caption(article(SUBJECT), background),
            on_background(drawn, BACKGROUNDS[background]),
        )


def write(pictures: Iterator[Picture], folder: Path) -> None:
    """Write pictures with their captions beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text, picture in pictures:
        Image.fromarray(picture).save(folder / f"{name}.png", optimize=True)
        (folder / f"{name}.txt").write_text(text + "\n")


def read(folder: Path) -> tuple[np.ndarray, list[str]]:
    """Read a folder of pictures and captions: uint8 [n, 128, 128, 3] and as many texts."""
    files = sorted(folder.glob("*.png"))
    pictures = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    return pictures, [file.with_suffix(".txt").read_text().strip() for file in files]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--out", type=Path, default=Path("checkpoints/samples"))
    options = parser.parse_args()
    write(style_pictures(options.state), options.out)
    write(subject_pictures(), options.state / SUBJECT)
    print(json.dumps({str(options.out): len(STYLE_PICTURES), str(options.state / SUBJECT): len(SUBJECT_GROUNDS)}))
