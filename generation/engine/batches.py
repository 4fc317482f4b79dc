"""Everything that is being drawn on one device, and whose turn it is: the one who is due first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import TypeVar

import torch

from generation.engine.batch import RunningBatch, Shape
from generation.engine.decode import decode
from generation.engine.device import StepClock, drawn_by, engine_errors
from generation.engine.errors import DeviceLost, OutOfMemory
from generation.engine.generation import Generation
from generation.engine.member import Member, members_of
from generation.engine.pace import Pace
from generation.engine.spec import Picture
from generation.engine.weight_set import WeightSet, WeightsOn
from loras.weights.sdxl import Sdxl

TOO_LARGE = "A picture of this size does not fit into the device's memory. Ask for a smaller one."
Result = TypeVar("Result")


@dataclass
class Queue:
    """The generations of one weight set: those that have not begun, and the batches of those that have."""

    arrivals: list[Generation] = field(default_factory=list)
    batches: dict[Shape, RunningBatch] = field(default_factory=dict)

    @property
    def generations(self) -> list[Generation]:
        """Return all of them; one with several pictures stands there several times."""
        return self.arrivals + [member.generation for batch in self.batches.values() for member in batch.members]

    @property
    def first(self) -> Generation:
        """Return the one that is due first."""
        return min(self.generations, key=attrgetter("due"))

    def drop_the_finished(self) -> None:
        """Forget whoever has ended, was cancelled or has failed."""
        self.arrivals = [generation for generation in self.arrivals if not generation.finished.done()]
        for batch in self.batches.values():
            batch.keep(lambda member: not member.generation.finished.done())
        self.batches = {shape: batch for shape, batch in self.batches.items() if batch.members}


class Batches:
    """The running batches of one device. One turn takes one batch one step on; generations come and go between turns.

    A paused picture costs its latents only, so whoever is due first overtakes everybody else at the next step; those
    who share its weights and size step with it.
    """

    def __init__(self, weights: WeightsOn, pace: Pace, clock: StepClock, *, padded: bool = False) -> None:
        self.weights, self.pace, self.clock, self.padded = weights, pace, clock, padded
        self.queues: dict[WeightSet, Queue] = {}

    def admit(self, generation: Generation) -> None:
        """Let a generation wait for its turn."""
        self.queues.setdefault(WeightSet.of(generation.spec), Queue()).arrivals.append(generation)

    @property
    def is_idle(self) -> bool:
        return not self.queues

    def turn(self) -> None:
        """Take the batch that is due first one step on. Raises DeviceLost; every other error is its generation's."""
        self._drop_the_finished()
        if self.is_idle:
            return
        weight_set, queue = min(self.queues.items(), key=lambda item: item[1].first.due)
        with fails(queue.first):  # if the weights cannot be had; the next one tries again
            sdxl = self._within_memory(partial(self.weights.switch_to, weight_set))
            self._begin_arrivals(sdxl, queue)
            if queue.batches:
                self._step(sdxl, min(queue.batches.values(), key=attrgetter("due")))
        self._drop_the_finished()

    def fail_all(self, error: Exception) -> None:
        """End every generation with this error."""
        for queue in self.queues.values():
            for generation in queue.generations:
                generation.fail(error)
        self._drop_the_finished()

    def _drop_the_finished(self) -> None:
        for queue in self.queues.values():
            queue.drop_the_finished()
        self.queues = {key: queue for key, queue in self.queues.items() if queue.arrivals or queue.batches}

    def _begin_arrivals(self, sdxl: Sdxl, queue: Queue) -> None:
        while queue.arrivals:
            generation = queue.arrivals.pop()
            with fails(generation):
                generation.members = self._within_memory(partial(members_of, sdxl, generation))
                for member in generation.members:
                    shape = Shape.of(member)
                    batch = queue.batches.setdefault(shape, RunningBatch(sdxl.unet, shape, padded=self.padded))
                    batch.join(member)

    def _step(self, sdxl: Sdxl, batch: RunningBatch) -> None:
        members, noises = self._predict(batch)
        for member, noise in zip(members, noises, strict=True):
            with fails(member.generation):
                member.advance(noise)
                if not member.steps_left:
                    batch.keep(lambda each: each is not member)  # noqa: B023 - called at once
                    image = self._within_memory(partial(decode, sdxl.vae, member.latents))
                    member.generation.hand_over(Picture(image, member.seed, member.index, drawn_by(sdxl)))

    def _predict(self, batch: RunningBatch) -> tuple[list[Member], list[torch.Tensor]]:
        """Predict for as many members as there is time and memory for; when one alone does not fit, it fails."""
        pixels = batch.shape.pixels
        members = scaled(batch.members[: self.pace.room(pixels)])
        rows = sum(2 if member.negative else 1 for member in members)
        if not members:
            return [], []
        try:
            with engine_errors(TOO_LARGE), self.clock.measured(partial(self.pace.took, pixels, len(members), rows)):
                return members, batch.predict(members)
        except OutOfMemory as error:
            shortage = error
        except DeviceLost:
            raise
        except Exception as error:  # noqa: BLE001 - a bug that all in this call share
            for member in members:
                member.generation.fail(error)
            return [], []
        # Out here, because the handler's traceback keeps the failed call's tensors alive.
        self._make_room()
        if self.pace.overflowed(pixels, len(members)):
            return self._predict(batch)
        members[0].generation.fail(shortage)
        return [], []

    def _within_memory(self, work: Callable[[], Result]) -> Result:
        """Do the work, once more without anything idle on the device if memory runs out."""
        try:
            with engine_errors(TOO_LARGE):
                return work()
        except OutOfMemory:
            pass  # the second try is out here, because the handler keeps the failed one's tensors alive
        self._make_room()
        with engine_errors(TOO_LARGE):
            return work()

    def _make_room(self) -> None:
        self.weights.residency.release_idle()


def scaled(members: list[Member]) -> list[Member]:
    """Prepare members for a step and return those that could be."""
    ready = []
    for member in members:
        with fails(member.generation):
            member.scale()
            ready.append(member)
    return ready


@contextmanager
def fails(generation: Generation) -> Iterator[None]:
    """Let an error inside end this generation and nobody else's. Raises DeviceLost, which is everybody's."""
    try:
        yield
    except DeviceLost:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised where the generation is waited for
        generation.fail(error)
