"""What does it draw? Forty prompts a newcomer might type, seeds 0 to 39, none left out."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from checkpoints.recipe.draw import draw, open_pipeline

PROMPTS = (
    "a red apple", "a cat", "a dog, cartoon style", "a rocket, on a navy background", "a pizza, 3d style",
    "a castle, flat style, on a sky blue background", "a panda, on a green background", "a strawberry",
    "a sunflower, noto style", "a blue guitar", "an owl, fluent style, on a teal background",
    "a house, cartoon style", "a penguin, on a pink background", "a cup of coffee, on a brown background",
    "a fox, flat style", "a green dragon", "a hamburger, cartoon style, on a red background", "a butterfly",
    "a robot, 3d style", "a car, flat style, on a yellow background", "a purple elephant",
    "a teapot, on a beige background", "a tree, cartoon style", "a sailboat, on a blue background",
    "a donut, 3d style, on a purple background", "a camera", "a lion, noto style", "a crown, on a black background",
    "a light bulb, flat style", "a birthday cake, cartoon style", "an octopus, on an orange background",
    "a red heart", "an airplane, on a sky blue background", "a mushroom, 3d style", "a key, on a gray background",
    "a pink bicycle", "a ghost, on a purple background", "a pineapple, cartoon style", "a train, fluent style",
    "a rainbow, on a white background",
)  # fmt: skip
COLUMNS, SIDE, LABEL = 8, 128, 30


def sheet(pictures: np.ndarray, prompts: tuple[str, ...]) -> Image.Image:
    """Lay pictures out in rows of eight, each with its prompt below."""
    rows = -(-len(pictures) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * (SIDE + 8) + 8, rows * (SIDE + LABEL + 8) + 8), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=10)
    for number, (picture, prompt) in enumerate(zip(pictures, prompts, strict=True)):
        left, top = 8 + number % COLUMNS * (SIDE + 8), 8 + number // COLUMNS * (SIDE + LABEL + 8)
        page.paste(Image.fromarray(picture), (left, top))
        pen.multiline_text((left, top + SIDE + 2), wrapped(prompt), fill="black", font=font, spacing=1)
    return page


def wrapped(prompt: str) -> str:
    """Break a prompt into lines that fit under a picture."""
    lines = [""]
    for word in prompt.split():
        if len(lines[-1]) + len(word) > 24:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/mini"))
    parser.add_argument("--out", type=Path, default=Path("checkpoints/grid.png"))
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    drawn = draw(open_pipeline(options.checkpoint, options.device), list(PROMPTS), list(range(len(PROMPTS))))
    sheet(drawn, PROMPTS).save(options.out, optimize=True)
