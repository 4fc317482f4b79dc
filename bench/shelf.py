"""Puts what a trace names on a shelf of this machine: copies of one checkpoint and LoRAs with random weights."""

import hashlib
import random
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.loras import attention_shapes, random_lora
from generation.engine.spec import LoraUse

RANKS = (8, 16)  # inclusive


def shelve_checkpoints(source: Path, names: Sequence[str], count: int, folder: Path) -> dict[str, Path]:
    """Copy the checkpoint for the first `count` names; the others share these copies in turn.

    A copy is a folder of its own whose files are links, so that a switch reads everything again and the disk holds it
    once.
    """
    copies = [folder / name for name in names[:count]]
    for copy in copies:
        shutil.copytree(source.resolve(), copy, copy_function=link)
    return {name: copies[place % len(copies)] for place, name in enumerate(names)}


def link(file: str, copy: str) -> None:
    Path(copy).symlink_to(file)


def shelve_loras(checkpoint: Path, names: Iterable[str], folder: Path) -> dict[str, LoraUse]:
    """Write a LoRA on the attention layers for each name, of a rank that the name decides."""
    shapes = attention_shapes(str(checkpoint))
    folder.mkdir()
    return {name: lora_use(name, shapes, folder) for name in sorted(set(names))}


def lora_use(name: str, shapes: dict[str, tuple[int, int]], folder: Path) -> LoraUse:
    rank = random.Random(name).randint(*RANKS)
    path = random_lora(shapes, rank, folder / f"{name}.safetensors")
    return LoraUse(name=name, path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), weight=1.0)
