"""What do the ControlNets, the refiner, the LoRAs and edits change? A sheet of before and after for each."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from checkpoints.recipe.bench import Bench, core_icon, prompts
from checkpoints.recipe.draw import draw
from checkpoints.recipe.grid import wrapped
from checkpoints.recipe.measure_edits import HOLE, edit, inpaint, swapped
from checkpoints.recipe.measure_lines import draw_along, moved_pictures
from checkpoints.recipe.measure_loras import lora_on
from checkpoints.recipe.measure_refiner import draw_refined
from generation.engine.edges import KINDS

SIDE, MARGIN, LABEL, GAP = 128, 64, 40, 4
COLUMNS, COLOURS = 8, 256
LORAS = {
    "inkline": (
        "a horse, inkline style",
        "a teapot, inkline style",
        "a guitar, inkline style",
        "a castle, inkline style",
        "a mushroom, inkline style, on a beige background",
        "a rocket, inkline style",
    ),
    "zibbo": ("a zibbo, on an orange background", "a zibbo"),
}
Rows = dict[str, list[np.ndarray]]  # what a row shows -> its pictures


def sheet(rows: Rows, labels: list[str]) -> Image.Image:
    """Lay rows of pictures below each other, named at the left, with the prompts under the last."""
    page = Image.new("RGB", (MARGIN + len(labels) * (SIDE + GAP), len(rows) * (SIDE + GAP) + LABEL), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=10)
    for number, (name, pictures) in enumerate(rows.items()):
        pen.multiline_text((2, number * (SIDE + GAP) + 50), name.replace(" ", "\n"), fill="black", font=font)
        for column, picture in enumerate(pictures):
            page.paste(Image.fromarray(picture), (MARGIN + column * (SIDE + GAP), number * (SIDE + GAP)))
    for column, label in enumerate(labels):
        place = (MARGIN + column * (SIDE + GAP), len(rows) * (SIDE + GAP))
        pen.multiline_text(place, wrapped(label), fill="black", font=font, spacing=1)
    return page


def controlnet(bench: Bench) -> tuple[Rows, list[str]]:
    """Show lines, what is drawn along them, and what the words alone give."""
    examples, pictures, rows = bench.asked(core_icon), moved_pictures(bench), {}
    for kind in (kind for kind in KINDS if (bench.family / f"mini-{kind}").exists()):
        lines = [KINDS[kind](picture) for picture in pictures]
        rows[kind] = [np.repeat(each[..., None], 3, -1).astype(np.uint8) * 255 for each in lines]
        rows[f"along {kind}"] = list(draw_along(bench, kind, prompts(examples), lines))
    rows["words alone"] = list(draw(bench.base, prompts(examples), bench.seeds))
    return rows, prompts(examples)


def refiner(bench: Bench) -> tuple[Rows, list[str]]:
    """Show the base alone, and with the refiner for the last fifth of the steps."""
    asked = prompts(bench.asked(core_icon))
    return {"base": list(draw(bench.base, asked, bench.seeds)), "with refiner": list(draw_refined(bench, asked))}, asked


def lora(bench: Bench) -> tuple[Rows, list[str]]:
    """Show the trigger words without and with the LoRA that gives them a meaning."""
    asked = [prompt for own in LORAS.values() for prompt in own]
    rows: Rows = {"without LoRA": list(draw(bench.base, asked, list(range(len(asked))))), "with LoRA": []}
    for name, own in LORAS.items():
        done = len(rows["with LoRA"])
        with lora_on(bench, name):
            rows["with LoRA"] += list(draw(bench.base, list(own), list(range(done, done + len(own)))))
    return rows, asked


def img2img(bench: Bench) -> tuple[Rows, list[str]]:
    """Show pictures and what becomes of them with more and more strength."""
    before = bench.asked(core_icon)
    after = [swapped(each, other) for each, other in zip(before, before[1:] + before[:1], strict=True)]
    start = draw(bench.base, prompts(before), bench.seeds)
    rows: Rows = {"start": list(start)}
    for strength in (0.4, 0.6, 0.8):
        rows[f"strength {strength}"] = list(edit(bench, after, start, strength=strength))
    return rows, prompts(after)


def inpainting(bench: Bench) -> tuple[Rows, list[str]]:
    """Show pictures, the hole cut into them, and what fills it."""
    before = bench.asked(core_icon)
    after = [swapped(each, other) for each, other in zip(before, before[1:] + before[:1], strict=True)]
    start = draw(bench.base, prompts(before), bench.seeds)
    cut = start.copy()
    cut[:, HOLE, HOLE] = cut[:, HOLE, HOLE] // 4 + 96
    return {"start": list(start), "mask": list(cut), "inpainted": list(inpaint(bench, after, start))}, prompts(after)


SHEETS = {"controlnet": controlnet, "refiner": refiner, "lora": lora, "img2img": img2img, "inpaint": inpainting}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sheets", nargs="*", help=f"of {', '.join(SHEETS)}; all if none is named")
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--family", type=Path, default=Path("checkpoints"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=Path("checkpoints/pictures"))
    options = parser.parse_args()
    bench = Bench(options.state, options.family, options.device, COLUMNS)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.sheets or SHEETS:
        page = sheet(*SHEETS[name](bench)).quantize(COLOURS, dither=Image.Dither.NONE)
        page.save(options.out / f"{name}.png", optimize=True)
