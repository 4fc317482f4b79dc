"""Measures a LoRA switch: ours (patched in place) beside diffusers' load_lora_weights and unload_lora_weights.

    python -m bench.adapters checkpoints/mini

Both sides work on the same checkpoint and file in one process, taking turns. Writes JSON and prints a table.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

from bench.machine import RESULTS, machine, settle
from loras.weights.adapters import read_adapter
from loras.weights.patch import Adapter, BaseWeights, adapters_on
from loras.weights.sdxl import load_sdxl

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
RUN = 5
TARGET = 100  # times faster than diffusers, on CPU with the embedded checkpoint


def main() -> None:
    asked = arguments()
    device = torch.device(asked.device)
    sdxl = load_sdxl(asked.checkpoint, device)
    base = BaseWeights(sdxl)
    pipeline = stock(asked.checkpoint, device, sdxl.dtype)
    linear = [name for name, weight in base.weights.items() if weight.dim() == 2]
    attention = [name for name in linear if name.endswith(ATTENTION)]
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for title, names in (("attention layers", attention), ("all linear layers", linear)):
            file = random_lora(base, names, asked.rank, Path(folder) / f"{title}.safetensors")
            rows[title] = {"layers": len(names), **compare(base, pipeline, file, asked.rounds)}
    report(
        {"machine": machine(device, "diffusers", "peft"), "rank": asked.rank, "rounds": asked.rounds, "rows": rows},
        asked.out,
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="a diffusers folder")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS / "adapters.json")
    return parser.parse_args()


def stock(checkpoint: str, device: torch.device, dtype: torch.dtype) -> StableDiffusionXLPipeline:
    return StableDiffusionXLPipeline.from_pretrained(checkpoint, dtype=dtype, add_watermarker=False).to(device)


def random_lora(base: BaseWeights, names: Iterable[str], rank: int, path: Path) -> Path:
    """Write a LoRA for the named weights in PEFT's names, which diffusers need not convert."""
    halves = {}
    for name in names:
        out, into = base.weights[name].shape
        halves[f"{name}.lora_A.weight"] = torch.randn(rank, into) * 0.01
        halves[f"{name}.lora_B.weight"] = torch.randn(out, rank) * 0.01
    save_file(halves, path)
    return path


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
