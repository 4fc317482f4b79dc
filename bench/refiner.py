"""Measures what the refiner costs: calls of the VAE and seconds, ours beside diffusers' ensemble and its round trip.

    python -m bench.refiner

All take turns in one process and draw the same prompt. Diffusers' ensemble hands latents over, as ours does; its round
trip, which many servers make, decodes the base's picture and gives that to the refiner. Sharpness is the mean of the
absolute Laplacian of pictures of several prompts, in levels of 255; it tells something with trained weights alone.
Without --checkpoint it runs on the embedded one, on a GPU on a full-size SDXL with random weights. Writes JSON and
prints a table.
"""

import io
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers.models.autoencoders.vae import Decoder, Encoder
from PIL import Image
from torch.nn.modules.module import register_module_forward_hook

from bench.checkpoint import bench_checkpoint, native_side
from bench.clocks import CLOCKS, Clock
from bench.companions import bench_companions
from bench.costs import cost_arguments
from bench.kinds import with_refiner
from bench.machine import RESULTS, machine
from bench.naive import NaiveServer, png
from bench.ours import OurServer
from bench.rows import plain_spec
from bench.server import Server
from generation.engine.spec import Spec

TARGET_CALLS = {"encode": 0, "decode": 1}
PROMPTS = ("a fox, flat style, on a teal background", "a castle", "a red apple", "an owl, noto style")


class Drawn(NamedTuple):
    """How long a request took, and how often the VAE was called."""

    seconds: float
    vae_calls: dict[str, int]


class RoundTrip(NaiveServer):
    """Refines finished pictures: encodes them again and denoises the last part of the steps."""

    name = "round trip"

    def _serve(self, spec: Spec) -> list[bytes]:
        stock = self._stock_of(spec.checkpoint)
        pictures = stock.draw(replace(spec, refiner=None))
        if spec.refiner:
            pictures = stock.refined(spec, image=pictures, strength=round(1 - spec.refiner.start, 3))
        return [png(picture) for picture in pictures]


SIDES: dict[str, Callable[[torch.device], NaiveServer | OurServer]] = {
    kind.name: kind for kind in (NaiveServer, RoundTrip, OurServer)
}


def main() -> None:
    asked = cost_arguments(__doc__, RESULTS / "refiner.json")
    device = torch.device(asked.device)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        checkpoint = bench_checkpoint(asked.checkpoint, device, Path(folder))
        plain = plain_spec(str(checkpoint), side=native_side(checkpoint), steps=asked.steps)
        refined = with_refiner(bench_companions(asked, checkpoint, device, Path(folder)), plain)
        sides = {name: servers.enter_context(closing(kind(device))) for name, kind in SIDES.items()}
        found = compare(sides, CLOCKS[asked.clock], (plain, refined), asked.rounds)
        sharpness = {name: mean_sharpness(side, plain, refined) for name, side in sides.items()}
    about = {"machine": machine(device, "diffusers"), "side": plain.width, "steps": asked.steps, "rounds": asked.rounds}
    about["clock"] = asked.clock
    report({**about, "target_vae_calls": TARGET_CALLS, "sides": found, "sharpness": sharpness}, asked.out)


def compare(
    sides: Mapping[str, Server], clock: Clock, both: tuple[Spec, Spec], rounds: int
) -> dict[str, dict[str, Any]]:
    """Draw both on every side in turn, after one round to warm up: median seconds, and the VAE's calls."""
    turns = [
        {name: tuple(drawn(side, clock, spec) for spec in both) for name, side in sides.items()}
        for _ in range(rounds + 1)
    ]
    return {name: summed_up([turn[name] for turn in turns[1:]]) for name in sides}


def summed_up(pairs: list[tuple[Drawn, ...]]) -> dict[str, Any]:
    plain, refined = (statistics.median(each.seconds for each in kind) for kind in zip(*pairs, strict=True))
    calls = {"plain": pairs[-1][0].vae_calls, "refiner": pairs[-1][1].vae_calls}
    return {"plain": plain, "refiner": refined, "ratio": refined / plain, "vae_calls": calls}


def drawn(server: Server, clock: Clock, spec: Spec) -> Drawn:
    with vae_calls() as calls:
        return Drawn(clock(server, [spec]), calls)


@contextmanager
def vae_calls() -> Iterator[dict[str, int]]:
    """Count the calls of every VAE in this process."""
    counted = {"encode": 0, "decode": 0}

    def note(module: torch.nn.Module, given: object, output: object) -> None:
        counted["encode"] += isinstance(module, Encoder)
        counted["decode"] += isinstance(module, Decoder)

    with register_module_forward_hook(note):
        yield counted


def mean_sharpness(server: Server, *specs: Spec) -> list[float]:
    """Return how sharp the pictures of each spec are, on average over the prompts."""
    return [statistics.mean(sharpness(server, replace(spec, prompt=prompt)) for prompt in PROMPTS) for spec in specs]


def sharpness(server: Server, spec: Spec) -> float:
    (file,) = server.submit(spec).result()
    levels = np.asarray(Image.open(io.BytesIO(file)).convert("L")).astype(float)
    around = levels[:-2, 1:-1] + levels[2:, 1:-1] + levels[1:-1, :-2] + levels[1:-1, 2:]
    return float(np.abs(4 * levels[1:-1, 1:-1] - around).mean())


def report(result: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    title = f"{result['side']}x{result['side']}, {result['steps']} steps"
    print(f"{title:20} {'plain':>10} {'refiner':>10} {'ratio':>7}  VAE calls with refiner   sharpness")
    for name, row in result["sides"].items():
        calls = ", ".join(f"{count} {call}" for call, count in row["vae_calls"]["refiner"].items())
        before, after = result["sharpness"][name]
        times = f"{row['plain']:8.3f} s {row['refiner']:8.3f} s {row['ratio']:6.2f}x"
        print(f"{name:20} {times}  {calls:24} {before:.2f} -> {after:.2f}")
    print(f"Target: no call of the VAE but the one decode of a plain picture. Written to {out}.")


if __name__ == "__main__":
    main()
