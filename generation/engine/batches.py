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
from generation.engine.errors import DeviceLost, OutOfMemory, WeightsDoNotFit
from generation.engine.generation import Generation
from generation.engine.member import Member, members_of
from generation.engine.pace import Pace
from generation.engine.spec import Picture
from generation.engine.weight_set import WeightSet, WeightsOn
from loras.weights.sdxl import Sdxl

TOO_LARGE = "A picture of this size does not fit into the device's memory. Ask for a smaller one."
Result = TypeVar("Result")


@dataclass
class Group:
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
        self.groups: dict[WeightSet, Group] = {}

    def admit(self, generation: Generation) -> None:
        """Let a generation wait for its turn."""
        self.groups.setdefault(WeightSet.of(generation.spec), Group()).arrivals.append(generation)

    @property
    def is_idle(self) -> bool:
        return not self.groups

    def turn(self) -> None:
        """Take the batch that is due first one step on. Raises DeviceLost; every other error is its generation's."""
        self._drop_the_finished()
        if self.is_idle:
            return
        weight_set, group = min(self.groups.items(), key=lambda item: item[1].first.due)
        with fails(group.first):  # if the weights cannot be had; the next one tries again
            sdxl = self._within_memory(partial(self.weights.switch_to, weight_set))
            self._begin_arrivals(sdxl, group)
            if group.batches:
                self._step(sdxl, min(group.batches.values(), key=attrgetter("due")))
        self._drop_the_finished()

    def fail_all(self, error: Exception) -> None:
        """End every generation with this error."""
        for group in self.groups.values():
            for generation in group.generations:
                generation.fail(error)
        self._drop_the_finished()

    def _drop_the_finished(self) -> None:
        for group in self.groups.values():
            group.drop_the_finished()
        self.groups = {key: group for key, group in self.groups.items() if group.arrivals or group.batches}

    def _begin_arrivals(self, sdxl: Sdxl, group: Group) -> None:
        while group.arrivals:
            generation = group.arrivals.pop()
            with fails(generation):
                generation.members = self._within_memory(partial(members_of, sdxl, generation))
                for member in generation.members:
                    shape = Shape.of(member)
                    batch = group.batches.setdefault(shape, RunningBatch(shape, padded=self.padded))
                    batch.join(member)

    def _step(self, sdxl: Sdxl, batch: RunningBatch) -> None:
        for member, noise in self._predict(sdxl, batch):
            with fails(member.generation):
                member.advance(noise)
                if not member.steps_left:
                    batch.keep(lambda each: each is not member)  # noqa: B023 - called at once
                    image, about = self._within_memory(partial(decode, sdxl.vae, member.latents))
                    member.generation.hand_over(Picture(image, member.seed, member.index, {**drawn_by(sdxl), **about}))

    def _predict(self, sdxl: Sdxl, batch: RunningBatch) -> list[tuple[Member, torch.Tensor]]:
        """Predict for as many members as there is time and memory for; when one alone does not fit, it fails."""
        pixels = batch.shape.pixels
        members = scaled(batch.members[: self.pace.room(pixels)])
        if not members:
            return []
        rows = sum(2 if member.negative else 1 for member in members)
        try:
            with engine_errors(TOO_LARGE), self.clock.measured(partial(self.pace.took, pixels, len(members), rows)):
                return list(zip(members, batch.predict(sdxl.unet, members), strict=True))
        except OutOfMemory as error:
            shortage = str(error)  # no more of it: an error keeps the failed call's tensors alive
        except DeviceLost:
            raise
        except Exception:  # noqa: BLE001 - one of them is to blame, and each is told what is its own
            return one_by_one(sdxl, batch, members)
        self.weights.residency.release_idle()
        if self.pace.overflowed(pixels, len(members)):
            return self._predict(sdxl, batch)
        members[0].generation.fail(OutOfMemory(shortage))
        return []

    def _within_memory(self, work: Callable[[], Result]) -> Result:
        """Do the work, once more without anything idle on the device if memory runs out."""
        try:
            with engine_errors(TOO_LARGE):
                return work()
        except WeightsDoNotFit:
            raise  # they would not fit alone either: nobody else's weights need leave
        except OutOfMemory:
            pass  # the second try is out here, because the handler keeps the failed one's tensors alive
        self.weights.residency.release_idle()
        with engine_errors(TOO_LARGE):
            return work()


def scaled(members: list[Member]) -> list[Member]:
    """Prepare members for a step and return those that could be."""
    ready = []
    for member in members:
        with fails(member.generation):
            member.scale()
            ready.append(member)
    return ready


def one_by_one(sdxl: Sdxl, batch: RunningBatch, members: list[Member]) -> list[tuple[Member, torch.Tensor]]:
    """Predict for each alone after they could not be predicted together; whoever cannot be, fails."""
    predicted = []
    for member in members:
        with fails(member.generation), engine_errors(TOO_LARGE):
            predicted.append((member, batch.predict(sdxl.unet, [member])[0]))
    return predicted


@contextmanager
def fails(generation: Generation) -> Iterator[None]:
    """Let an error inside end this generation and nobody else's. Raises DeviceLost, which is everybody's."""
    try:
        yield
    except DeviceLost:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised where the generation is waited for
        generation.fail(error)
