"""Soaks the engine in thousands of mixed requests: does every picture stay what it is alone, and the memory flat?

    python -m bench.soak --requests 2000

A few dozen unlike specs (steps, schedulers, guidance, sizes, LoRAs; some start from pictures, follow lines, are refined
or drawn in two passes) are drawn one by one first: the goldens. Then they are asked for again and again in random
order, a dozen at a time. Writes JSON, prints a line for each hundred, and exits with 1 when a picture differs by more
than the tolerance or a weight by a bit.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from bench.checkpoint import MINI
from bench.companions import add_arguments, bench_companions
from bench.kinds import Kind, kinds_of
from bench.machine import RESULTS, machine
from bench.shelf import shelve_loras
from generation.engine.engine import Engine
from generation.engine.options import Options
from generation.engine.spec import SCHEDULERS, LoraUse, Picture, Spec
from loras.weights.wanted import CheckpointOf

TOLERANCE = 2  # levels of 255: floats summed in another order, now and then rounded the other way
LORAS, SPECS, AT_ONCE = 8, 40, 12
THINGS = ("a red apple", "a cat", "a blue guitar, on a white background", "a castle, flat style", "an owl, noto style")


@dataclass
class Findings:
    """What the soak has seen so far."""

    pictures: int = 0
    of_kinds: int = 0  # beside text to image
    worst_levels: int = 0
    beyond_tolerance: int = 0
    rss_bytes: list[int] = field(default_factory=list)


def main() -> None:
    asked = arguments()
    device = torch.device(asked.device)
    with tempfile.TemporaryDirectory() as folder:
        names = [f"lora{number}" for number in range(LORAS)]
        loras = shelve_loras(Path(asked.checkpoint), names, Path(folder) / "loras")
        engine = Engine(asked.checkpoint, Options(device=asked.device))
        made = bench_companions(asked, Path(asked.checkpoint), device, Path(folder))
        plain = list(unlike(asked.checkpoint, list(loras.values()), asked.side, random.Random(1)))
        specs = of_kinds(plain, asked.kinds, kinds_of(made))
        result = soak(engine, specs, asked.requests)
    result |= {"machine": machine(device, "diffusers"), "requests": asked.requests, "specs": len(specs)}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"Written to {asked.out}.")
    sys.exit(bool(result["beyond_tolerance"]) or not result["base_bit_identical"])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default=str(MINI), help="a diffusers folder")
    add_arguments(parser)
    parser.add_argument("--kinds", type=float, default=0.2, help="which part is more than text to image")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--side", type=int, default=64, help="of the smaller pictures, in pixels")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=RESULTS / "soak.json")
    return parser.parse_args()


def unlike(checkpoint: str, loras: list[LoraUse], side: int, chance: random.Random) -> Iterator[Spec]:
    """Yield specs that differ in everything that may."""
    for seed in range(SPECS):
        worn = chance.sample(loras, chance.choice((0, 0, 1, 1, 2, 3)))
        yield Spec(
            checkpoint=checkpoint,
            prompt=chance.choice(THINGS),
            negative_prompt=chance.choice(("", "", "blurry")),
            width=side * chance.choice((1, 1, 2)),
            height=side,
            steps=chance.randint(2, 8),
            guidance_scale=chance.choice((1.0, 3.0, 5.0)),
            seed=seed,
            n=chance.choice((1, 1, 2)),
            scheduler=chance.choice(SCHEDULERS),
            loras=tuple(replace(lora, weight=chance.choice((-0.5, 0.4, 1.0))) for lora in worn),
        )


def of_kinds(specs: list[Spec], part: float, kinds: Mapping[str, Kind]) -> list[Spec]:
    """Make this part of the specs the kinds in turn; the others stay words alone."""
    count, turns = round(len(specs) * part), cycle(kinds.values())
    return [next(turns)(spec) for spec in specs[:count]] + specs[count:]


def is_plain(spec: Spec) -> bool:
    return not (spec.init_image or spec.controls or spec.refiner or spec.hires)


def soak(engine: Engine, specs: list[Spec], requests: int) -> dict[str, Any]:
    """Draw the goldens one by one, then everything again and again, many at once."""
    chance, found = random.Random(2), Findings()
    before = digest_of_base(engine, specs[0].checkpoint)
    engine.start()
    goldens = [pictures_of(engine, spec) for spec in specs]
    begun, flying = time.monotonic(), dict[Future[None], tuple[int, list[Picture]]]()
    for number in range(requests):
        place = chance.randrange(len(specs))
        pictures: list[Picture] = []
        flying[engine.submit(specs[place], pictures.append).finished] = (place, pictures)
        while len(flying) >= AT_ONCE:
            land(flying, specs, goldens, found)
        if (number + 1) % 100 == 0:
            note(found, number + 1, time.monotonic() - begun)
    while flying:
        land(flying, specs, goldens, found)
    seconds, switches = time.monotonic() - begun, engine.weights.lora_switches
    engine.stop()
    figures = {name: value for name, value in vars(found).items() if name != "rss_bytes"}
    figures |= {"seconds": seconds, "lora_switches": switches, "rss_bytes": found.rss_bytes}
    return figures | {"base_bit_identical": digest_of_base(engine, specs[0].checkpoint) == before}


def pictures_of(engine: Engine, spec: Spec) -> dict[int, np.ndarray]:
    """Draw a spec alone; return its pictures' levels by index."""
    pictures: list[Picture] = []
    engine.submit(spec, pictures.append).finished.result()
    return {picture.index: np.asarray(picture.image).astype(int) for picture in pictures}


def land(
    flying: dict[Future[None], tuple[int, list[Picture]]], specs: list[Spec], goldens: list[dict], found: Findings
) -> None:
    """Wait for a generation to end and hold its pictures against their goldens. Raises what it failed with."""
    for finished in wait(flying, return_when=FIRST_COMPLETED).done:
        place, pictures = flying.pop(finished)
        finished.result()
        for picture in pictures:
            worst = int(np.abs(np.asarray(picture.image).astype(int) - goldens[place][picture.index]).max())
            found.pictures += 1
            found.of_kinds += not is_plain(specs[place])
            found.worst_levels = max(found.worst_levels, worst)
            found.beyond_tolerance += worst > TOLERANCE


def note(found: Findings, requests: int, seconds: float) -> None:
    found.rss_bytes.append(psutil.Process().memory_info().rss)
    rss = found.rss_bytes[-1] / 1e6
    print(f"{requests:6} requests {found.pictures:6} pictures {seconds:7.1f} s  worst {found.worst_levels} levels  "
          f"beyond tolerance {found.beyond_tolerance}  {rss:.0f} MB", flush=True)  # fmt: skip


def digest_of_base(engine: Engine, checkpoint: str) -> str:
    """Hash every weight of the base, with nothing on it."""
    engine.weights.release()
    digest = sha256()
    with engine.residency.hold(CheckpointOf(checkpoint)) as (base,):
        for weight in base.weights.weights.values():
            digest.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
