"""Measures what the engine is for, beside the naive server of diffusers' own pipeline.

    python -m bench.engine

Both sides take turns in one process and get the same requests, all of a row at once; a row's time is from the first
submit to the last PNG. Peak memory is that of four pictures in a process of their own. Overhead is a picture's time
over that of the UNet's and VAE's calls alone; share, its FLOPs in that time of what matrix products reach. Without
--checkpoint it runs on the embedded one, on a GPU on a full-size SDXL with random weights. Writes JSON, prints a table.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import torch

from bench.adapters import switches
from bench.bare import bare_seconds, flops
from bench.checkpoint import bench_checkpoint, native_side
from bench.clocks import seconds
from bench.companions import add_arguments, bench_companions
from bench.machine import RESULTS, machine, matmul_rate
from bench.memory import peak_bytes
from bench.naive import NaiveServer
from bench.ours import OurServer
from bench.rows import plain_spec, rows_of
from bench.server import Server
from bench.shelf import shelve_loras
from generation.engine.spec import Spec
from loras.weights.sdxl import load_sdxl

TARGETS = {"8 mixed requests": 2.3, "LoRA switch": 100}  # times the naive server's speed, on CPU with the embedded one


def main() -> None:
    asked = arguments()
    device = torch.device(asked.device)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = bench_checkpoint(asked.checkpoint, device, Path(folder))
        found = {
            "machine": machine(device, "diffusers", "transformers", "peft", "pillow"),
            "side": asked.side or native_side(checkpoint),
            "steps": asked.steps,
            "rounds": asked.rounds,
            **measured(checkpoint, asked, device, Path(folder)),
        }
    report(found, asked.out)


def measured(checkpoint: Path, asked: argparse.Namespace, device: torch.device, folder: Path) -> dict[str, Any]:
    large = asked.large or device.type == "cuda"
    loras = shelve_loras(checkpoint, (f"lora-{number}" for number in range(4)), folder / "loras")
    side = asked.side or native_side(checkpoint)
    made = bench_companions(asked, checkpoint, device, folder)
    plain = plain_spec(str(checkpoint), side=side, steps=asked.steps)
    rows = rows_of(plain, large=large, loras=list(loras.values()), made=made)
    with closing(NaiveServer(device)) as naive, closing(OurServer(device)) as ours:
        servers = (naive, ours)
        found = {
            "rows": compare(rows, servers, asked.rounds),
            "one_picture": one_picture(checkpoint, rows["1 picture"][0], servers, device, asked.rounds),
        }
    return {
        **found,
        "lora_switch": switches(str(checkpoint), device, rank=16, rounds=asked.rounds),
        "peak_bytes": {kind.name: peak_bytes(kind, rows["4 pictures"], device) for kind in (NaiveServer, OurServer)},
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="a diffusers folder")
    add_arguments(parser)
    parser.add_argument("--side", type=int, help="of the pictures; the checkpoint's own if left out")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="draw 2048x2048 without a GPU too")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=RESULTS / "engine.json")
    return parser.parse_args()


def compare(rows: Mapping[str, Sequence[Spec]], servers: Sequence[Server], rounds: int) -> dict[str, dict[str, float]]:
    """Time every row on both sides in turn, after one round to warm up: median seconds."""
    found = {}
    for title, specs in rows.items():
        turns = [[seconds(server, specs) for server in servers] for _ in range(rounds + 1)][1:]
        naive, ours = (statistics.median(times) for times in zip(*turns, strict=True))
        images = sum(spec.n for spec in specs)
        found[title] = {"naive_seconds": naive, "ours_seconds": ours, "images": images, "ratio": naive / ours}
    return found


def one_picture(
    checkpoint: Path, spec: Spec, servers: Sequence[Server], device: torch.device, rounds: int
) -> dict[str, float]:
    """Compare a picture with the models alone and with the machine's matmul rate, all in turn: medians."""
    sdxl = load_sdxl(str(checkpoint), device)
    count = flops(checkpoint, spec)
    found = []
    for _ in range(rounds + 1):
        bare, rate = bare_seconds(sdxl, spec), matmul_rate(device, sdxl.dtype)
        turn = {"bare_seconds": bare, "matmul_flops_per_second": rate}
        for server in servers:
            taken = seconds(server, [spec])
            turn[f"{server.name}_overhead"] = taken / bare - 1
            turn[f"{server.name}_share_of_matmul_rate"] = count / taken / rate
        found.append(turn)
    return {"flops": count, **{name: statistics.median(turn[name] for turn in found[1:]) for name in found[0]}}


def report(result: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{result['side']}x{result['side']}, {result['steps']} steps{'':14} {'naive':>10} {'ours':>10} {'ratio':>7}")
    for title, row in result["rows"].items():
        times = f"{row['naive_seconds']:8.3f} s {row['ours_seconds']:8.3f} s {row['ratio']:6.2f}x"
        print(f"{title:32} {times}{target(title)}")
    for title, row in result["lora_switch"].items():
        times = f"{row['diffusers_switch_ms']:7.1f} ms {row['switch_ms']:7.1f} ms {row['ratio']:6.0f}x"
        print(f"{'LoRA switch, ' + title:32} {times}{target('LoRA switch')}")
    picture, peak = result["one_picture"], result["peak_bytes"]
    for title, name in (
        ("overhead over the bare models", "overhead"),
        ("share of the matmul rate", "share_of_matmul_rate"),
    ):
        print(f"{title:32} {picture[f'naive_{name}']:10.1%} {picture[f'ours_{name}']:10.1%}")
    print(f"{'peak memory':32} {peak['naive'] / 1e9:7.2f} GB {peak['ours'] / 1e9:7.2f} GB")
    print(f"bare models {picture['bare_seconds']:.3f} s, {picture['flops'] / 1e12:.3f} TFLOP a picture, ", end="")
    print(f"matmul {picture['matmul_flops_per_second'] / 1e12:.2f} TFLOP/s. Written to {out}.")


def target(title: str) -> str:
    return f"  (target {TARGETS[title]:g}x)" if title in TARGETS else ""


if __name__ == "__main__":
    main()
