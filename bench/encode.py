"""Measures how long a finished picture takes to become a PNG and a thumbnail: ours beside Pillow's default.

    python -m bench.encode

All sides take turns on the same pictures in one thread, whose processor time counts, so that other work on the machine
does not; ours are read back. Writes JSON and prints a table.
"""

import argparse
import io
import json
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from bench.machine import RESULTS, machine
from bench.pictures import pictures
from generation.engine.encode import thumbnail
from generation.engine.png import png

TARGET, TARGET_BYTES = 50, 1.25  # times faster than Pillow's default, times its bytes at most
FORMER = {"compress_level": 1, "compress_type": 3}  # run-length matching alone, what Darkroom wrote first
TEXTS = {"parameters": "a red kite\nSteps: 30", "receipt": "{}"}


def main() -> None:
    asked = arguments()
    rows = {name: compare(image, asked.rounds) for name, image in pictures(asked.side).items()}
    found = {"machine": machine(torch.device("cpu"), "pillow", "isal", "numpy"), "side": asked.side}
    report({**found, "rounds": asked.rounds, "target": TARGET, "target_bytes": TARGET_BYTES, "rows": rows}, asked.out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=RESULTS / "encode.json")
    return parser.parse_args()


def compare(image: Image.Image, rounds: int) -> dict[str, float | bool]:
    """Time every side in turn: medians in milliseconds, and how much more two threads get done than one."""
    sides: dict[str, Callable[[], bytes]] = {
        "pillow": lambda: saved(image, "PNG"),
        "former": lambda: saved(image, "PNG", **FORMER),
        "ours": lambda: png(image, TEXTS),
        "pillow_thumbnail": lambda: pillow_thumbnail(image),
        "our_thumbnail": lambda: thumbnail(image),
    }
    files = {side: work() for side, work in sides.items()}  # one round to warm up
    turns = [{side: milliseconds(work) for side, work in sides.items()} for _ in range(rounds)]
    medians = {f"{side}_ms": statistics.median(turn[side] for turn in turns) for side in sides}
    return {
        **medians,
        **{f"{side}_bytes": len(file) for side, file in files.items()},
        "ratio": medians["pillow_ms"] / medians["ours_ms"],
        "bytes_ratio": len(files["ours"]) / len(files["pillow"]),
        "pixels_equal": Image.open(io.BytesIO(files["ours"])).tobytes() == image.tobytes(),
        "two_threads": statistics.median(scaling(sides["ours"]) for _ in range(rounds)),
    }


def saved(image: Image.Image, format: str, **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pillow_thumbnail(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((256, 256))
    return saved(small, "WEBP", quality=80)


def milliseconds(work: Callable[[], object]) -> float:
    """Return the processor time of this thread alone."""
    started = time.thread_time()
    work()
    return (time.thread_time() - started) * 1000


def scaling(work: Callable[[], object], times: int = 5) -> float:
    """Return 2 where two threads get twice as much done as one in the same time, 1 where they exclude each other."""
    return 2 * seconds_of_threads(1, work, times) / seconds_of_threads(2, work, times)


def seconds_of_threads(count: int, work: Callable[[], object], times: int) -> float:
    threads = [threading.Thread(target=lambda: [work() for _ in range(times)]) for _ in range(count)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def report(result: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{'PNG of':24} {'Pillow':>10} {'former':>10} {'ours':>10} {'ratio':>6} {'bytes':>6}  pixels    2 threads")
    for name, row in result["rows"].items():
        times = " ".join(f"{row[side]:7.1f} ms" for side in ("pillow_ms", "former_ms", "ours_ms"))
        kept = "equal    " if row["pixels_equal"] else "DIFFERENT"
        print(f"{name:24} {times} {row['ratio']:5.0f}x {row['bytes_ratio']:5.2f}x  {kept} {row['two_threads']:8.2f}x")
    print(f"{'Thumbnail of':24} {'Pillow':>10} {'':10} {'ours':>10} {'ratio':>6} {'bytes':>6}")
    for name, row in result["rows"].items():
        theirs, ours = row["pillow_thumbnail_ms"], row["our_thumbnail_ms"]
        size = row["our_thumbnail_bytes"] / row["pillow_thumbnail_bytes"]
        print(f"{name:24} {theirs:7.1f} ms {'':10} {ours:7.1f} ms {theirs / ours:5.1f}x {size:5.2f}x")
    print(f"Targets: PNG {TARGET}x, at most {TARGET_BYTES}x the bytes. Written to {out}.")


if __name__ == "__main__":
    main()
