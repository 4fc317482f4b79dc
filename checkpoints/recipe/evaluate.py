"""Stage `evaluate`: is it what was asked for? Held-out combinations, fixed seeds, figures as tables and as JSON.

Each part can be measured alone; the others' figures stay.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from checkpoints.recipe import (
    measure_edits,
    measure_lines,
    measure_loras,
    measure_refiner,
    measure_scenes,
    measure_things,
)
from checkpoints.recipe.bench import Bench

PARTS: dict[str, Callable[[Bench], dict]] = {
    "things": measure_things.measure,
    "scenes": measure_scenes.measure,
    "lines": measure_lines.measure,
    "refiner": measure_refiner.measure,
    "edits": measure_edits.measure,
    "loras": measure_loras.measure,
}


def evaluate(bench: Bench, parts: list[str], out: Path) -> dict:
    """Measure the parts, writing each to `out` as soon as it is known."""
    figures = json.loads(out.read_text()) if out.exists() else {}
    figures = {part: figures[part] for part in PARTS if part in figures}
    for part in parts:
        figures[part] = PARTS[part](bench)
        if part != "things":
            figures[part] = {"pictures": bench.count} | figures[part]
        out.write_text(json.dumps(rounded(figures), indent=2) + "\n")
    return figures


def rounded(value: object) -> object:
    """Round every figure to four places."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def table(figures: dict) -> str:
    """Write the figures as markdown: the concepts' table first, then one line for each other figure."""
    lines = [measure_things.table(figures["things"]), ""] if "things" in figures else []
    lines += ["| what | figure |", "|---|---|"]
    for part in PARTS:
        if part != "things" and part in figures:
            lines += [f"| {part}: {name} | {value} |" for name, value in leaves(figures[part])]
    return "\n".join(lines)


def leaves(figures: dict, before: str = "") -> list[tuple[str, str]]:
    """Flatten nested figures into names and values."""
    found: list[tuple[str, str]] = []
    for name, value in figures.items():
        label = f"{before}, {name}" if before else name
        found += leaves(value, label) if isinstance(value, dict) else [(label, f"{value:.2f}".removesuffix(".00"))]
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument(
        "--family", type=Path, default=Path("checkpoints"), help="the folder of mini, mini-refiner, ..."
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--pictures", type=int, default=200, help="prompts a row")
    parser.add_argument("--out", type=Path, default=Path("checkpoints/figures.json"))
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such parts: {', '.join(sorted(unknown))}")
    bench = Bench(options.state, options.family, options.device, options.pictures)
    print(table(evaluate(bench, options.parts or list(PARTS), options.out)))
