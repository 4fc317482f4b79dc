"""Reads a production service's requests and scales them to this machine: their order and their mix stay."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from generation.engine.spec import LoraUse, Spec

VOCABULARY = (
    "a",
    "red",
    "fox",
    "on",
    "the",
    "blue",
    "sea",
    "cat",
    "dog",
    "sun",
    "sky",
    "old",
    "big",
    "toy",
    "car",
    "ice",
)


@dataclass(frozen=True)
class Row:
    """One line of the trace; loras are (id, weight). Its kind is left out: every request is drawn from its text."""

    arrival_seconds: float
    tenant: str
    images: int
    steps: int
    prompt_length: int
    checkpoint: str
    loras: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Request:
    """What a server is asked, when (seconds after the start) and for whom."""

    arrival: float
    tenant: str
    spec: Spec

    @property
    def work(self) -> int:
        """Return the denoising steps of all its pictures."""
        return self.spec.n * self.spec.steps


def read_trace(path: Path, requests: int) -> list[Row]:
    """Return the trace's first requests."""
    with path.open(newline="") as file:
        return [row_of(line) for line in islice(csv.DictReader(file), requests)]


def row_of(line: Mapping[str, str]) -> Row:
    loras = (entry.split(":") for entry in line["loras"].split(";") if entry)
    return Row(
        arrival_seconds=float(line["arrival_seconds"]),
        tenant=line["tenant"],
        images=int(line["images"]),
        steps=int(line["steps"]),
        prompt_length=int(line["prompt_length"]),
        checkpoint=line["checkpoint"],
        loras=tuple((name, float(weight)) for name, weight in loras),
    )


def most_popular(rows: Sequence[Row]) -> list[str]:
    """Return the ids of the checkpoints asked for, the most popular first."""
    return [checkpoint for checkpoint, _ in Counter(row.checkpoint for row in rows).most_common()]


def spec_of(
    row: Row, seed: int, *, checkpoints: Mapping[str, Path], loras: Mapping[str, LoraUse], side: int, max_steps: int
) -> Spec:
    """Return what the row asks for; its prompt has as many words, of which most are a token, as the row tells."""
    return Spec(
        checkpoint=str(checkpoints[row.checkpoint]),
        prompt=" ".join(islice(cycle(VOCABULARY), row.prompt_length)),
        negative_prompt="",
        width=side,
        height=side,
        steps=min(row.steps, max_steps),
        guidance_scale=5.0,
        seed=seed,
        n=row.images,
        scheduler="EulerDiscreteScheduler",
        loras=tuple(replace(loras[name], weight=weight) for name, weight in row.loras),
    )


def scaled(rows: Sequence[Row], specs: Sequence[Spec], *, work_per_second: float) -> list[Request]:
    """Stretch the arrivals so that on average so many denoising steps are asked for in a second."""
    first, last = rows[0].arrival_seconds, rows[-1].arrival_seconds
    seconds = sum(spec.n * spec.steps for spec in specs) / work_per_second
    stretch = seconds / (last - first)
    return [
        Request((row.arrival_seconds - first) * stretch, row.tenant, spec)
        for row, spec in zip(rows, specs, strict=True)
    ]
