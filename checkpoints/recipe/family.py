"""How is the whole family made? Every stage in order, with settings that suit the machine: one command.

On a GPU of the H200 class it is meant to take less than 20 minutes. Started again, it goes on with the stage that was
stopped.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

LIMIT_BYTES = 40_000_000
TRIAL_MINUTES = 0.02


@dataclass(frozen=True)
class Stage:
    """One command: its module, what it is told everywhere, its minutes by device, and what else on a GPU or a trial."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    minutes: dict[str, float] = field(default_factory=dict)
    on_gpu: tuple[str, ...] = ()
    on_trial: tuple[str, ...] = ()


def stages(out: Path) -> list[Stage]:
    """List the stages; those on top of the base read it from `out`."""
    base, samples = ("--base", f"{out}/mini"), ("--samples", f"{out}/samples")
    many, few = ("--batch", "256", "--pool", "3000", "--fresh", "16", "--ema", "0.998"), ("--pool", "60")
    canny, scribble = f"{out}/mini-canny", f"{out}/mini-scribble"
    return [
        Stage("data", "sources"),
        Stage("vae", "vae", (), {"cpu": 22, "cuda": 2.5}, ("--batch", "64")),
        Stage("unet", "unet", (), {"cpu": 102, "cuda": 8.5}, SEVERAL, few),
        Stage("decoder", "decoder", (), {"cpu": 25, "cuda": 1}, ("--batch", "32")),
        Stage("export", "export", ("--out", f"{out}/mini")),
        Stage("canny", "controlnet", (*base, "--kind", "canny", "--out", canny), {"cpu": 46, "cuda": 1}, many, few),
        Stage("scribble", "controlnet", (*base, "--kind", "scribble", "--out", scribble, "--init-from", canny),
              {"cpu": 14, "cuda": 0.7}, many, few),
        Stage("refiner", "refiner", (*base, "--out", f"{out}/mini-refiner"), {"cpu": 29, "cuda": 1.3},
              ("--batch", "128", "--pairs", "4000", "--ema", "0.998"), ("--pairs", "25", "--far", "99")),
        Stage("samples", "samples", ("--out", f"{out}/samples")),
        Stage("inkline", "lora", ("inkline", *base, *samples, "--out", f"{out}/loras"), {"cpu": 3, "cuda": 0.4}),
        Stage("zibbo", "lora", ("zibbo", *base, *samples, "--out", f"{out}/loras"), {"cpu": 3, "cuda": 0.4}),
        Stage("judge", "style_judge", base, {"cpu": 15, "cuda": 0.3}, (), ("--pictures", "200")),
        Stage("evaluate", "evaluate", ("--family", f"{out}", "--out", f"{out}/figures.json"), {}, (),
              ("--pictures", "2")),
        Stage("grid", "grid", ("--checkpoint", f"{out}/mini", "--out", f"{out}/grid.png")),
        Stage("show", "show", ("--family", f"{out}", "--out", f"{out}/pictures")),
    ]  # fmt: skip


SEVERAL = ("--batch", "512", "--pool", "20000", "--fresh", "64", "--room", "60000", "--ema", "0.9995",
           "--scene-share", "0.2")  # fmt: skip
NO_STATE, NO_DEVICE = {"grid"}, {"data", "export", "samples"}


def command(stage: Stage, state: Path, device: str, *, trial: bool = False) -> list[str]:
    """Write a stage's command line."""
    words = [sys.executable, "-m", f"checkpoints.recipe.{stage.module}", *stage.arguments]
    if stage.name not in NO_STATE:
        words += ["--state", str(state)]
    if stage.name not in NO_DEVICE:
        words += ["--device", device]
    if stage.minutes:
        words += ["--minutes", str(TRIAL_MINUTES if trial else stage.minutes[device])]
    if device == "cuda":
        words += stage.on_gpu
    return words + list(stage.on_trial if trial else ())


def make(state: Path, out: Path, device: str, *, trial: bool) -> None:
    """Run what is not done yet, and hold the result against the size limit."""
    state.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    for stage in stages(out):
        done = state / f"{stage.name}.done"
        if not done.exists():
            print(f"{time.monotonic() - begin:5.0f} s  {stage.name}", flush=True)
            subprocess.run(command(stage, state, device, trial=trial), check=True)
            done.touch()
    size = sum(file.stat().st_size for file in weights_and_pictures(out))
    print(f"{time.monotonic() - begin:5.0f} s  the family is {size / 1e6:.1f} MB")
    if size > LIMIT_BYTES and not trial:  # a trial's pictures are noise, which no PNG makes small
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
    parser.add_argument("--trial", action="store_true", help="a second for each stage, to see that they fit together")
    options = parser.parse_args()
    make(options.state, options.out, options.device, trial=options.trial)
