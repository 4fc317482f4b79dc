"""Replays a production service's requests against the naive server and ours, the same schedule one after the other.

    python -m bench.trace --trace ../shared/data/trace.csv

The naive server's own speed is measured first; the arrivals are then scaled to ask for `--load` times that much.
Without --checkpoint it runs on the embedded one, on a GPU on a full-size SDXL with random weights; LoRAs always have
random weights. Of the trace's checkpoints the most popular are copies, the rarer share these.

Fairness is Jain's index, (sum x)^2 / (n sum x^2), of x = a tenant's denoising steps (pictures times steps) for each
second in which it had a request waiting or being drawn: 1 where all are served at the same rate, 1 / n at worst.

Writes JSON and prints a table.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import torch

from bench.checkpoint import bench_checkpoint, native_side
from bench.machine import RESULTS, machine
from bench.naive import NaiveServer
from bench.ours import OurServer
from bench.replay import figures, replay, work_per_second
from bench.sampling import Sampler
from bench.schedule import Request, Row, most_popular, read_trace, scaled, spec_of
from bench.server import Server
from bench.shelf import shelve_checkpoints, shelve_loras
from generation.engine.spec import Spec

TRACE = Path(__file__).parents[2] / "shared" / "data" / "trace.csv"
TARGET, TARGET_P95 = 3.0, 1 / 3  # times the naive server's images a second, times its p95


def main() -> None:
    asked = arguments()
    device = torch.device(asked.device)
    rows = read_trace(asked.trace, asked.requests)
    with tempfile.TemporaryDirectory() as folder:
        specs = shelve(rows, asked, device, Path(folder))
        capacity = naive_capacity(rows, specs, device, asked.calibration)
        requests = scaled(rows, specs, work_per_second=asked.load * capacity)
        servers = (NaiveServer, OurServer)
        sides = {kind.name: run(kind(device), requests) for kind in servers if kind.name in asked.sides}
    found = {"machine": machine(device, "diffusers", "peft", "pillow"), "load": asked.load, "requests": len(requests)}
    found |= {"tenants": len({row.tenant for row in rows}), "naive_steps_per_second": capacity}
    report({**found, "max_steps": asked.max_steps, "checkpoints": asked.checkpoints, "sides": sides}, asked.out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trace", type=Path, default=TRACE)
    parser.add_argument("--checkpoint", type=Path, help="a diffusers folder")
    parser.add_argument("--requests", type=int, default=100, help="the trace's first so many")
    parser.add_argument("--calibration", type=int, default=12, help="so many of them tell the naive server's speed")
    parser.add_argument("--load", type=float, default=4.0, help="offered load, as a multiple of that speed")
    parser.add_argument("--checkpoints", type=int, default=4, help="different ones; the rarer share their copies")
    parser.add_argument("--max-steps", type=int, default=30)
    parser.add_argument("--sides", nargs="+", choices=("naive", "ours"), default=("naive", "ours"))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--out", type=Path, default=RESULTS / "trace.json")
    return parser.parse_args()


def shelve(rows: Sequence[Row], asked: argparse.Namespace, device: torch.device, folder: Path) -> list[Spec]:
    """Make the checkpoints and LoRAs the rows name, and return what each row asks for."""
    source = bench_checkpoint(asked.checkpoint, device, folder)
    checkpoints = shelve_checkpoints(source, most_popular(rows), asked.checkpoints, folder)
    loras = shelve_loras(source, (name for row in rows for name, _ in row.loras), folder / "loras")
    side = native_side(source)
    return [
        spec_of(row, seed, checkpoints=checkpoints, loras=loras, side=side, max_steps=asked.max_steps)
        for seed, row in enumerate(rows)
    ]


def naive_capacity(rows: Sequence[Row], specs: Sequence[Spec], device: torch.device, count: int) -> float:
    sample = [Request(0.0, row.tenant, spec) for row, spec in zip(rows, specs, strict=True)][:count]
    with closing(NaiveServer(device)) as server:
        return work_per_second(server, sample)


def run(server: Server, requests: Sequence[Request]) -> dict[str, Any]:
    """Replay the schedule after one request to warm up, which is not counted."""
    with closing(server):
        server.submit(requests[0].spec).result()
        loras, checkpoints = server.lora_switches, server.checkpoint_switches
        with sampled(server) as stages:
            found = figures(replay(server, requests))
        switches = {
            "lora_switches": server.lora_switches - loras,
            "checkpoint_switches": server.checkpoint_switches - checkpoints,
        }
        return {**found, **switches, "device_thread": stages}


@contextmanager
def sampled(server: Server) -> Iterator[dict[str, float]]:
    """Fill in at the end what our device thread spent its time on; of the naive server nothing is asked."""
    stages: dict[str, float] = {}
    if isinstance(server, OurServer) and server.engine is not None:
        sampler = Sampler(server.engine)
        sampler.start()
        yield stages
        stages |= sampler.stop()
    else:
        yield stages


def report(result: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    sides = result["sides"]
    print(f"{result['requests']} requests of {result['tenants']} tenants, load {result['load']:g}")
    print(f"{'':22}" + "".join(f"{name:>12}" for name in sides))
    for figure in [name for name in next(iter(sides.values())) if name != "device_thread"]:
        print(f"{figure:22}" + "".join(f"{side[figure]:12.3f}" for side in sides.values()))
    for stage, share in sides.get("ours", {}).get("device_thread", {}).items():
        print(f"our device thread, {stage:32} {share:6.1%}")
    if len(sides) == 2:
        naive, ours = sides["naive"], sides["ours"]
        faster = ours["images_per_second"] / naive["images_per_second"]
        p95 = ours["p95_seconds"] / naive["p95_seconds"]
        print(f"images a second {faster:.2f}x (target {TARGET:g}x), p95 {p95:.2f}x (target {TARGET_P95:.2f}x)")
    print(f"Written to {out}.")


if __name__ == "__main__":
    main()
