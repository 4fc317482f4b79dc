"""Does the base draw the thing that is asked, in its style, tint and background?"""

from collections.abc import Callable

import numpy as np
from diffusers import AutoencoderKL

from checkpoints.recipe import compose
from checkpoints.recipe.bench import SEED, Bench, core_icon, prompts
from checkpoints.recipe.captions import Example, held_out_style, tintable
from checkpoints.recipe.draw import draw
from checkpoints.recipe.sources import Icon
from checkpoints.recipe.style_judge import StyleJudge
from checkpoints.recipe.vae import encode, held_out


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


def measure(bench: Bench) -> dict:
    """Draw and score every row; measure the VAE on icons it was not trained on."""
    judge, rows = StyleJudge(bench.state), {}
    for name, (wanted, tint) in ROWS.items():
        examples = bench.asked(wanted, tint=tint)
        rows[name] = score(bench, judge, examples, draw(bench.base, prompts(examples), bench.seeds))
    concepts = len({icon.concept for icon in bench.icons})
    figures = {"pictures": bench.count, "concepts": concepts, "rows": rows, "vae_psnr": psnr(bench)}
    return figures | {"style_judge_accuracy": judge.accuracy}


def score(bench: Bench, judge: StyleJudge, examples: list[Example], pictures: np.ndarray) -> dict[str, float]:
    """Boil the scores of a row down to its figures."""
    scores = bench.judge.score_all(examples, pictures)
    judged = [
        bench.icons[each.row].style == style for each, style in zip(examples, judge.styles(pictures), strict=True)
    ]
    return {
        "top-1": float(np.mean([score.rank == 0 for score in scores])),
        "top-5": float(np.mean([score.rank < 5 for score in scores])),
        "nearest style": float(np.mean([score.style for score in scores])),
        "judged style": float(np.mean(judged)),
        "background": float(np.mean([score.background for score in scores])),
        "sharpness": float(np.median([score.sharpness for score in scores])),
    }


def psnr(bench: Bench) -> float:
    """Measure the VAE on icons it was not trained on, in dB."""
    vae: AutoencoderKL = bench.base.vae
    rng = np.random.default_rng(SEED)
    rows = np.flatnonzero(held_out(bench.icons)).tolist()
    pictures = np.stack([compose.random_picture(bench.pixels, row, rng) for row in rows])
    output = vae.decode(encode(vae, pictures).to(vae.device)).sample.clamp(-1, 1).permute(0, 2, 3, 1)
    error = np.square((output.detach().cpu().numpy() + 1) * 127.5 - pictures).mean((1, 2, 3))
    return float(np.mean(10 * np.log10(255**2 / error)))


def table(figures: dict) -> str:
    """Write the figures as a markdown table."""
    head = f"{figures['pictures']} prompts a row, nearest of {figures['concepts']} concepts at 64x64 px"
    names = list(next(iter(figures["rows"].values())))
    lines = [f"| {head} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{x:.2f}' for x in row.values())} |" for name, row in figures["rows"].items()]
    lines.append(
        f"\nVAE on icons it never saw: {figures['vae_psnr']:.1f} dB. "
        f"The style judge is right about {figures['style_judge_accuracy']:.2f} of real icons it never saw."
    )
    return "\n".join(lines)
