"""Measures a LoRA switch: ours (patched in place) beside diffusers' load_lora_weights and unload_lora_weights.

    python -m bench.adapters checkpoints/mini

Both sides work on the same checkpoint and file in one process, taking turns. Writes JSON and prints a table.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline

from bench.loras import ATTENTION, random_lora
from bench.machine import RESULTS, machine, settle
from bench.stock import loaded
from loras.weights.adapters import read_adapter
from loras.weights.patch import Adapter, BaseWeights, adapters_on
from loras.weights.sdxl import load_sdxl

RUN = 5
TARGET = 100  # times faster than diffusers, on CPU with the embedded checkpoint


def main() -> None:
    asked = arguments()
    device = torch.device(asked.device)
    rows = switches(asked.checkpoint, device, rank=asked.rank, rounds=asked.rounds)
    found = {"machine": machine(device, "diffusers", "peft"), "rank": asked.rank, "rounds": asked.rounds}
    report({**found, "rows": rows}, asked.out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="a diffusers folder")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS / "adapters.json")
    return parser.parse_args()


def switches(checkpoint: str, device: torch.device, *, rank: int, rounds: int) -> dict[str, dict[str, float | bool]]:
    """Compare both sides for a LoRA on the attention layers and for one on all linear layers."""
    base, pipeline = BaseWeights(load_sdxl(checkpoint, device)), loaded(checkpoint, device)
    linear = {name: weight.shape for name, weight in base.weights.items() if weight.dim() == 2}
    attention = {name: shape for name, shape in linear.items() if name.endswith(ATTENTION)}
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for title, shapes in (("attention layers", attention), ("all linear layers", linear)):
            file = random_lora(shapes, rank, Path(folder) / f"{title}.safetensors")
            rows[title] = {"layers": len(shapes), **compare(base, pipeline, file, rounds)}
    return rows


def compare(base: BaseWeights, pipeline: StableDiffusionXLPipeline, file: Path, rounds: int) -> dict[str, float | bool]:
    """Time both sides in turn, each in runs of five, after one round to warm up: medians in milliseconds."""
    before = {name: weight.detach().clone() for name, weight in base.weights.items()}
    adapter = read_adapter(file, base)
    reading, ours, theirs = [], [], []
    for _ in range(rounds + 1):
        reading.append(milliseconds(base, lambda: read_adapter(file, base)))
        ours.append(milliseconds(base, lambda: switch(base, adapter)))
        theirs.append(milliseconds(base, lambda: load_and_unload(pipeline, file)))
    read_ms, ours_ms, theirs_ms = (statistics.median(chain.from_iterable(runs[1:])) for runs in (reading, ours, theirs))
    return {
        "read_ms": read_ms,
        "switch_ms": ours_ms,
        "diffusers_switch_ms": theirs_ms,
        "ratio": theirs_ms / ours_ms,
        "base_bit_identical": all(torch.equal(weight, before[name]) for name, weight in base.weights.items()),
        "adapter_bytes": adapter.nbytes,
        "pristine_bytes": base.pristine.held_bytes,
    }


def switch(base: BaseWeights, adapter: Adapter) -> None:
    with adapters_on(base, [(adapter, 0.8)]):
        pass


def load_and_unload(pipeline: StableDiffusionXLPipeline, file: Path) -> None:
    pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name="style")
    pipeline.set_adapters(["style"], [0.8])
    pipeline.unload_lora_weights()


def milliseconds(base: BaseWeights, work: Callable[[], object]) -> list[float]:
    device = next(iter(base.weights.values())).device
    taken = []
    for _ in range(RUN):
        settle(device)
        start = time.perf_counter()
        work()
        settle(device)
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def report(result: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{'LoRA on':20} {'layers':>6} {'read once':>10} {'switch':>10} {'diffusers':>10} {'ratio':>7}  base")
    for title, row in result["rows"].items():
        times = " ".join(f"{row[name]:7.2f} ms" for name in ("read_ms", "switch_ms", "diffusers_switch_ms"))
        kept = "bit-identical" if row["base_bit_identical"] else "CHANGED"
        print(f"{title:20} {row['layers']:6} {times} {row['ratio']:6.0f}x  {kept}")
    print(f"Target: {TARGET}x. Written to {out}.")


if __name__ == "__main__":
    main()
