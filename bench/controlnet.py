"""Measures what a ControlNet costs, in FLOPs and in seconds, ours beside diffusers' pipeline, and switching to another.

    python -m bench.controlnet

Both sides take turns in one process. FLOPs are counted without weights or memory: on the checkpoint and its ControlNet,
and on SDXL at 1024x1024 with a ControlNet made as SDXL's published ones are. A switch is from a resident ControlNet to
another. Without --checkpoint it runs on the embedded one, on a GPU on a full-size SDXL with random weights. Writes JSON
and prints a table.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel

from bench.bare import flops
from bench.checkpoint import bench_checkpoint, native_side
from bench.clocks import CLOCKS, Clock
from bench.companions import Companions, bench_companions, controlnet_of
from bench.costs import cost_arguments
from bench.kinds import with_controlnet
from bench.machine import RESULTS, machine, settle
from bench.naive import NaiveServer
from bench.ours import OurServer
from bench.rows import plain_spec
from bench.server import Server
from bench.shelf import link, shelve_loras
from generation.engine.spec import LoraUse, Spec
from generation.engine.weight_set import WeightSet, WeightsOn
from loras.weights.residency import Residency
from loras.weights.single_file import SDXL_CONFIG

TARGET, TARGET_MS = 1.47, 30.0  # times the plain job; a switch on a GPU
SWITCHES = 20


def main() -> None:
    asked = cost_arguments(__doc__, RESULTS / "controlnet.json")
    device = torch.device(asked.device)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = bench_checkpoint(asked.checkpoint, device, Path(folder))
        made = bench_companions(asked, checkpoint, device, Path(folder))
        result = measured(checkpoint, made, asked, device, Path(folder))
    about = {
        "machine": machine(device, "diffusers"),
        "steps": asked.steps,
        "rounds": asked.rounds,
        "clock": asked.clock,
    }
    report({**about, "target": TARGET, "target_switch_ms": TARGET_MS, **result}, asked.out)


def measured(
    checkpoint: Path, made: Companions, asked: argparse.Namespace, device: torch.device, folder: Path
) -> dict[str, Any]:
    plain = plain_spec(str(checkpoint), side=native_side(checkpoint), steps=asked.steps)
    controlled = with_controlnet(made, plain)
    lora = shelve_loras(checkpoint, ["lora"], folder / "loras")["lora"]
    with closing(NaiveServer(device)) as naive, closing(OurServer(device)) as ours:
        times = timed((naive, ours), CLOCKS[asked.clock], plain, controlled, asked.rounds)
    return {
        "side": plain.width,
        "flops": {
            checkpoint.name: counted(checkpoint, made.controlnet, plain),
            "SDXL": counted(SDXL_CONFIG, None, replace(plain, width=1024, height=1024)),
        },
        "seconds": times,
        "switch_ms": switches(controlled, lora, device, folder),
    }


def counted(checkpoint: Path, controlnet: Path | None, plain: Spec) -> dict[str, float]:
    """Count both jobs; without a ControlNet's folder, with one of the usual make."""
    with torch.device("meta"):
        config = ControlNetModel.load_config(controlnet) if controlnet else None
        model = ControlNetModel.from_config(config) if config else controlnet_of(checkpoint)
    return compared(flops(checkpoint, plain), flops(checkpoint, plain, model))


def timed(
    servers: Sequence[Server], clock: Clock, plain: Spec, controlled: Spec, rounds: int
) -> dict[str, dict[str, float]]:
    """Time both jobs on all servers in turn, after one round to warm up: medians."""
    turns = [[(clock(each, [plain]), clock(each, [controlled])) for each in servers] for _ in range(rounds + 1)][1:]
    by_server = zip(servers, zip(*turns, strict=True), strict=True)
    return {
        server.name: compared(*(statistics.median(times) for times in zip(*pairs, strict=True)))
        for server, pairs in by_server
    }


def compared(plain: float, controlled: float) -> dict[str, float]:
    return {"plain": plain, "controlnet": controlled, "ratio": controlled / plain}


def switches(controlled: Spec, lora: LoraUse, device: torch.device, folder: Path) -> dict[str, float]:
    """Time switching between two ControlNets that are resident, the checkpoint bare and wearing a LoRA: medians."""
    (control,) = controlled.controls
    copy = shutil.copytree(Path(control.source).resolve(), folder / "another", copy_function=link)
    bare = [replace(controlled, controls=(replace(control, source=each),)) for each in (control.source, str(copy))]
    worn = [replace(spec, loras=(lora,)) for spec in bare]
    weights = WeightsOn(Residency(device))
    took = partial(milliseconds, weights, device)
    read = [took(spec) for spec in bare][1]
    found = {
        title: statistics.median([took(spec) for spec in both * SWITCHES][2:])
        for title, both in (("checkpoint bare", bare), ("checkpoint wearing a LoRA", worn))
    }
    weights.release()
    return {**found, "read from disk": read}


def milliseconds(weights: WeightsOn, device: torch.device, spec: Spec) -> float:
    """Return how long switching to what the spec wants takes."""
    settle(device)
    started = time.perf_counter()
    weights.switch_to(WeightSet.of(spec))
    settle(device)
    return (time.perf_counter() - started) * 1000


def report(result: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    title = f"{result['side']}x{result['side']}, {result['steps']} steps"
    print(f"{title:24} {'plain':>12} {'ControlNet':>12} {'ratio':>7}")
    for title, row in result["flops"].items():
        plain, controlled = (f"{row[name] / 1e12:8.3f} TFL" for name in ("plain", "controlnet"))
        print(f"{title:24} {plain} {controlled} {row['ratio']:6.2f}x  (target {TARGET}x)")
    for title, row in result["seconds"].items():
        plain, controlled = (f"{row[name]:10.3f} s" for name in ("plain", "controlnet"))
        print(f"{title:24} {plain} {controlled} {row['ratio']:6.2f}x  (target {TARGET}x)")
    for title, taken in result["switch_ms"].items():
        print(f"switch, {title:28} {taken:9.2f} ms")
    print(f"Target of a switch on a GPU: {TARGET_MS:g} ms. Written to {out}.")


if __name__ == "__main__":
    main()
