"""How is the whole family made? Every stage in order, with settings that suit the machine: one command.

On a GPU of the H200 class it takes less than 20 minutes. Started again, it goes on with the stage that was stopped.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LIMIT_BYTES = 40_000_000


@dataclass(frozen=True)
class Stage:
    """One command: the module, what it is told everywhere, its minutes by device, and what it is told on a GPU."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    minutes: dict[str, float] | None = None
    on_gpu: tuple[str, ...] = ()


def stages(out: Path, pictures: int) -> list[Stage]:
    """List the stages; those on top of the base read it from `out`."""
    base = ("--base", f"{out}/mini")
    samples = ("--samples", f"{out}/samples")
    many = ("--batch", "256", "--pool", "3000", "--fresh", "16", "--ema", "0.998")
    return [
        Stage("data", "sources"),
        Stage("vae", "vae", minutes={"cpu": 22, "cuda": 2.5}, on_gpu=("--batch", "64")),
        Stage(
            "unet", "unet", minutes={"cpu": 102, "cuda": 8.5},
            on_gpu=("--batch", "512", "--pool", "20000", "--fresh", "64", "--room", "60000", "--ema", "0.9995",
                    "--scene-share", "0.2"),
        ),
        Stage("decoder", "decoder", minutes={"cpu": 25, "cuda": 1}, on_gpu=("--batch", "32")),
        Stage("export", "export", ("--out", f"{out}/mini")),
        Stage("canny", "controlnet", (*base, "--kind", "canny", "--out", f"{out}/mini-canny"),
              {"cpu": 35, "cuda": 1}, many),
        Stage("scribble", "controlnet", (*base, "--kind", "scribble", "--out", f"{out}/mini-scribble",
              "--init-from", f"{out}/mini-canny"), {"cpu": 20, "cuda": 0.7}, many),
        Stage("refiner", "refiner", (*base, "--out", f"{out}/mini-refiner"), {"cpu": 25, "cuda": 1.3},
              ("--batch", "128", "--pairs", "4000", "--ema", "0.998")),
        Stage("samples", "samples", ("--out", f"{out}/samples")),
        Stage("inkline", "lora", ("inkline", *base, *samples, "--out", f"{out}/loras"), {"cpu": 3, "cuda": 0.4}),
        Stage("zibbo", "lora", ("zibbo", *base, *samples, "--out", f"{out}/loras"), {"cpu": 3, "cuda": 0.4}),
        Stage("judge", "style_judge", base),
        Stage("evaluate", "evaluate", ("--family", f"{out}", "--out", f"{out}/figures.json",
              "--pictures", str(pictures))),
        Stage("grid", "grid", ("--checkpoint", f"{out}/mini", "--out", f"{out}/grid.png")),
        Stage("show", "show", ("--family", f"{out}", "--out", f"{out}/pictures")),
    ]  # fmt: skip


NO_STATE, NO_DEVICE = {"grid"}, {"data", "export", "samples"}


def command(stage: Stage, state: Path, device: str, hurry: float) -> list[str]:
    """Write a stage's command line."""
    words = [sys.executable, "-m", f"checkpoints.recipe.{stage.module}", *stage.arguments]
    if stage.name not in NO_STATE:
        words += ["--state", str(state)]
    if stage.name not in NO_DEVICE:
        words += ["--device", device]
    if stage.minutes:
        words += ["--minutes", f"{stage.minutes[device] * hurry:.3f}"]
    return words + (list(stage.on_gpu) if device == "cuda" else [])


def make(state: Path, out: Path, *, device: str, hurry: float, pictures: int) -> None:
    """Run what is not done yet, and hold the result against the size limit."""
    state.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    for stage in stages(out, pictures):
        done = state / f"{stage.name}.done"
        if not done.exists():
            print(f"{time.monotonic() - begin:5.0f} s  {stage.name}", flush=True)
            subprocess.run(command(stage, state, device, hurry), check=True)
            done.touch()
    size = sum(file.stat().st_size for file in weights_and_pictures(out))
    print(f"{time.monotonic() - begin:5.0f} s  the family is {size / 1e6:.1f} MB")
    if size > LIMIT_BYTES:
        raise SystemExit(f"that is more than the {LIMIT_BYTES / 1e6:.0f} MB a family may take")


def weights_and_pictures(out: Path) -> list[Path]:
    """List the family's files; the recipe and its working files are none."""
    parts = ("mini*/**/*", "loras/*", "samples/*", "pictures/*", "grid.png", "figures.json")
    return [file for part in parts for file in out.glob(part) if file.is_file()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--state", type=Path, default=Path("var/family"))
    parser.add_argument("--out", type=Path, default=Path("checkpoints"))
    parser.add_argument("--hurry", type=float, default=1, help="factor on all minutes: 0.001 to try every stage")
    parser.add_argument("--pictures", type=int, default=200, help="prompts a row of evaluate")
    options = parser.parse_args()
    make(options.state, options.out, device=options.device, hurry=options.hurry, pictures=options.pictures)
