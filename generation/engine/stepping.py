"""What is done to the members of a batch? Whatever goes wrong with one of them is told to its generation alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import torch

from generation.engine.batch import RunningBatch
from generation.engine.device import engine_errors
from generation.engine.errors import InvalidOutput, OutOfMemory
from generation.engine.generation import fails
from generation.engine.member import Member
from generation.engine.opening import open_phase
from generation.engine.previews import preview
from generation.engine.weight_set import On

TOO_LARGE = "A picture of this size does not fit into the device's memory. Ask for a smaller one."


def enter(on: On, member: Member) -> None:
    """Let a picture enter its phase, which the first of its generation opens for the others."""
    generation, later = member.generation, member.phases[member.at + 1 :]
    if member.phase not in generation.openings:
        generation.openings[member.phase] = open_phase(on, generation.spec, member.phase, later)
    member.enter(on, generation.openings[member.phase])


def show(on: On, member: Member) -> None:
    """Hand over the preview that is due; an unfinished picture that cannot be shown is no error."""
    if member.sight and member.generation.on_preview:
        number, latents = member.sight
        with suppress(InvalidOutput, OutOfMemory), engine_errors(TOO_LARGE):
            member.generation.on_preview(member.index, number, preview(on.vae, latents))


def shared_by(members: Sequence[Member]) -> Callable[[float], None]:
    """Return what tells each of them its share of the seconds that a step took: by its rows of the UNet's call."""
    rows = [(member.generation, member.rows) for member in members]  # now: it may be in another phase when they come in
    total = sum(count for _, count in rows)

    def share(seconds: float) -> None:
        for generation, count in rows:
            generation.took(seconds * count / total)

    return share


def advance(member: Member, noise: torch.Tensor) -> bool:
    """Take its step and return whether that worked."""
    with fails(member.generation), engine_errors(TOO_LARGE):
        member.advance(noise)
        return True
    return False


def shared_out(members: list[Member], room: int) -> list[Member]:
    """Return who steps together: those due first, and of each lane as many as of the one that has fewest. More of one
    would make the step longer for the others, and at SDXL's size it gains little."""
    counts = Counter(member.generation.lane for member in members)
    part, taken, found = min(counts.values(), default=0), Counter[str](), []
    for member in members:
        lane = member.generation.lane
        taken[lane] += 1
        if taken[lane] <= part or not lane:
            found.append(member)
    return found[:room]


def scaled(members: list[Member]) -> list[Member]:
    """Prepare members for a step and return those that could be."""
    ready = []
    for member in members:
        with fails(member.generation), engine_errors(TOO_LARGE):
            member.scale()
            ready.append(member)
    return ready


def one_by_one(on: On, batch: RunningBatch, members: list[Member]) -> list[tuple[Member, torch.Tensor]]:
    """Predict for each alone after they could not be predicted together; whoever cannot be, fails."""
    predicted = []
    for member in members:
        with fails(member.generation), engine_errors(TOO_LARGE):
            predicted.append((member, batch.predict(on, [member])[0]))
    return predicted
