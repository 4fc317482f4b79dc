"""Stage 6, `evaluate`: is it what was asked for? Held-out combinations, fixed seeds, figures as a table and as JSON."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from checkpoints.recipe import compose, sources
from checkpoints.recipe.captions import Example, article, held_out_background, held_out_style, held_out_tint, tintable
from checkpoints.recipe.draw import draw, open_pipeline
from checkpoints.recipe.score import Judge, Score
from checkpoints.recipe.sources import Icon
from checkpoints.recipe.vae import encode, held_out

SEED = 7
SPOKEN = {"fluent": "fluent style", "flat": "flat style", "noto": "noto style"}


def core_icon(icon: Icon) -> bool:
    return icon.core and held_out_style(icon.concept) != icon.style


def other_icon(icon: Icon) -> bool:
    return not icon.core


def unseen_style(icon: Icon) -> bool:
    return icon.core and held_out_style(icon.concept) == icon.style


def tintable_icon(icon: Icon) -> bool:
    return core_icon(icon) and tintable(icon.concept)


# Row of the table -> which icons it asks for, and whether in the tint they were never shown in.
ROWS: dict[str, tuple[Callable[[Icon], bool], bool]] = {
    "core concept, trained icon, background never seen with it": (core_icon, False),
    "core concept in a style never seen for it": (unseen_style, False),
    "core concept in a tint never seen on it": (tintable_icon, True),
    "other concept (a tenth of the samples), background never seen with it": (other_icon, False),
}


def asked(icons: list[Icon], wanted: Callable[[Icon], bool], *, tint: bool, count: int) -> list[Example]:
    """Write `count` prompts about icons a row wants, each naming a style and a held-out background."""
    rng = np.random.default_rng(SEED)
    rows = rng.permutation([row for row, icon in enumerate(icons) if wanted(icon)])
    chosen = [int(rows[number % len(rows)]) for number in range(count)]
    return [example(row, icons[row], held_out_tint(icons[row].concept) if tint else None) for row in chosen]


def example(row: int, icon: Icon, tint: str | None) -> Example:
    """Write one prompt in the plainest words."""
    background = held_out_background(icon.concept)
    if background == tint:
        background = "white"
    thing = article(f"{tint} {icon.concept}" if tint else icon.concept)
    return Example(row, tint, background, f"{thing}, {SPOKEN[icon.style]}, on {article(background)} background")


def psnr(vae: AutoencoderKL, icons: list[Icon], pixels: np.ndarray) -> float:
    """Measure the VAE on icons it was not trained on, in dB."""
    rng = np.random.default_rng(SEED)
    rows = np.flatnonzero(held_out(icons))
    pictures = np.stack([compose.random_picture(pixels, int(row), rng) for row in rows])
    with torch.no_grad():
        back = torch.cat([vae.decode(encode(vae, part)).sample for part in np.array_split(pictures, len(rows) // 20)])
    values = (back.clamp(-1, 1).permute(0, 2, 3, 1).numpy() + 1) * 127.5
    errors = np.square(values - pictures).mean((1, 2, 3))
    return float((10 * np.log10(255**2 / errors)).mean())


def evaluate(folder: Path, checkpoint: Path, *, device: str, count: int) -> dict:
    """Draw and score every row."""
    icons, pixels = sources.load(folder)
    pipeline = open_pipeline(checkpoint, device)
    judge = Judge(icons, pixels)
    rows = {}
    for name, (wanted, tint) in ROWS.items():
        examples = asked(icons, wanted, tint=tint, count=count)
        pictures = draw(pipeline, [each.caption for each in examples], list(range(count)))
        rows[name] = summary(judge.score_all(examples, pictures))
    vae = AutoencoderKL.from_pretrained(checkpoint / "vae").eval()
    concepts = len({icon.concept for icon in icons})
    return {"pictures": count, "concepts": concepts, "rows": rows, "vae_psnr": psnr(vae, icons, pixels)}


def summary(scores: list[Score]) -> dict[str, float]:
    """Boil the scores of a row down to its figures."""
    return {
        "top-1": float(np.mean([score.rank == 0 for score in scores])),
        "top-5": float(np.mean([score.rank < 5 for score in scores])),
        "style": float(np.mean([score.style for score in scores])),
        "background": float(np.mean([score.background for score in scores])),
        "sharpness": float(np.median([score.sharpness for score in scores])),
    }


def table(figures: dict) -> str:
    """Write the figures as a markdown table."""
    head = f"{figures['pictures']} prompts a row, nearest of {figures['concepts']} concepts at 64x64 px"
    lines = [f"| {head} | top-1 | top-5 | style | background | sharpness |", "|---|---|---|---|---|---|"]
    for name, row in figures["rows"].items():
        lines.append(f"| {name} | " + " | ".join(f"{value:.2f}" for value in row.values()) + " |")
    lines.append(f"\nVAE on icons it never saw: {figures['vae_psnr']:.1f} dB.")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoints/mini"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("checkpoints/figures.json"))
    options = parser.parse_args()
    measured = evaluate(options.state, options.checkpoint, device=options.device, count=options.pictures)
    options.out.write_text(json.dumps(measured, indent=2) + "\n")
    print(table(measured))
