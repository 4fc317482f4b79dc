"""Everything that is being drawn on one device, and whose turn it is: the one who is due first."""

import math
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from operator import attrgetter
from typing import TypeVar

import torch

from generation.engine.batch import RunningBatch
from generation.engine.decode import decode
from generation.engine.device import StepClock, drawn_by, engine_errors
from generation.engine.due import STAY_SECONDS, Stay
from generation.engine.errors import BrokenPicture, DeviceLost, InvalidOutput, OutOfMemory, WeightsDoNotFit
from generation.engine.generation import Generation, fails
from generation.engine.group import Group
from generation.engine.inpainting import put_pixels_back
from generation.engine.member import Member, another_try, members_of
from generation.engine.opening import open_phase
from generation.engine.pace import Pace
from generation.engine.previews import preview
from generation.engine.spec import Picture
from generation.engine.weight_set import On, WeightSet, WeightsOn
from loras.weights.wanted import CheckpointOf

TOO_LARGE = "A picture of this size does not fit into the device's memory. Ask for a smaller one."
# What overflows in fp16 has room in bf16, and what bf16's few digits spoil is right in fp32.
ANOTHER_DTYPE = {torch.float16: "bfloat16", torch.bfloat16: "float32"}
Result = TypeVar("Result")


class Batches:
    """The running batches of one device. One turn takes one batch one step on; generations come and go between turns.

    A paused picture costs its latents only, so whoever is due first overtakes everybody else at the next step; those
    who share its weights and size step with it.
    """

    def __init__(self, weights: WeightsOn, pace: Pace, clock: StepClock, *, padded: bool = False) -> None:
        self.weights, self.pace, self.clock, self.padded = weights, pace, clock, padded
        self.groups: dict[WeightSet, Group] = {}
        self.stay = Stay(STAY_SECONDS)

    def admit(self, generation: Generation) -> None:
        """Let a generation's pictures wait for their turn."""
        generation.members = members_of(generation)
        for member in generation.members:
            self._await(member)

    def _await(self, member: Member) -> None:
        self.groups.setdefault(member.phase.weights, Group()).arrivals.append(member)

    @property
    def is_idle(self) -> bool:
        return not self.groups

    def turn(self) -> None:
        """Take the batch that is due first one step on. Raises DeviceLost; every other error is its generation's."""
        self._drop_the_finished()
        if self.is_idle:
            return
        group = self._whose_turn()
        first = group.first
        with fails(first.generation):  # if the weights cannot be had; the next one tries again
            # Its own weight set, not an equal one: another tenant's copy of a LoRA may have left the disk.
            on = self._within_memory(partial(self.weights.switch_to, first.phase.weights))
            self._begin_arrivals(on, group)
            if group.batches:
                self._step(on, group, min(group.batches.values(), key=attrgetter("due")))
        self._drop_the_finished()

    def _whose_turn(self) -> Group:
        """Return the group that is due first, for a while of those alone whose checkpoint need not be moved in."""
        dues: dict[str, float] = {}
        for key, group in self.groups.items():
            dues[key.checkpoint] = min(group.first.generation.due, dues.get(key.checkpoint, math.inf))
        checkpoint = self.stay.next(dues, lambda source: self.weights.residency.is_near(CheckpointOf(source)))
        groups = [group for key, group in self.groups.items() if key.checkpoint == checkpoint]
        return min(groups, key=lambda group: group.first.generation.due)

    def fail_all(self, error: Exception) -> None:
        """End every generation with this error."""
        for group in self.groups.values():
            for member in group.members:
                member.generation.fail(error)
        self._drop_the_finished()

    def _drop_the_finished(self) -> None:
        for group in self.groups.values():
            group.drop_the_finished()
        self.groups = {key: group for key, group in self.groups.items() if group.arrivals or group.batches}

    def _begin_arrivals(self, on: On, group: Group) -> None:
        while group.arrivals:  # one by one: should the device be lost, the others are still here to be told
            member = group.arrivals.pop(0)
            if member.generation.finished.done():
                continue
            with fails(member.generation):
                self._within_memory(partial(enter, on, member))
                self._go_on(on, group, member)

    def _go_on(self, on: On, group: Group, member: Member) -> None:
        """Let a picture step with others, wait for its next phase, or be done."""
        if member.steps_left:
            group.join(member, padded=self.padded)
        elif member.has_more_phases:
            member.leave()
            self._await(member)
        else:
            self._finish(on, member)

    def _finish(self, on: On, member: Member) -> None:
        spec, generation = member.generation.spec, member.generation
        try:
            is_flat = spec.init_image is not None and spec.init_image.getcolors(1) is not None
            image, about = self._within_memory(partial(decode, on.vae, member.latents, may_be_flat=is_flat))
        except BrokenPicture:
            if (dtype := ANOTHER_DTYPE.get(on.sdxl.dtype)) is None:
                raise
            self._try_again(member, dtype)
            return
        if spec.init_image and spec.mask:
            image = put_pixels_back(image, spec.init_image, spec.mask, spec.mask_blur)
        generation.hand_over(Picture(image, member.seed, member.index, {**drawn_by(on.sdxl, on.refiner), **about}))

    def _try_again(self, member: Member, dtype: str) -> None:
        """Draw a broken picture once more with another precision."""
        generation, new = member.generation, another_try(member, dtype)
        generation.members = [new if each is member else each for each in generation.members]
        self._await(new)

    def _step(self, on: On, group: Group, batch: RunningBatch) -> None:
        for member, noise in self._predict(on, batch):
            with fails(member.generation), engine_errors(TOO_LARGE):
                member.advance(noise)
                show(on, member)
                if not member.steps_left:
                    batch.keep(lambda each: each is not member)  # noqa: B023 - called at once
                    self._go_on(on, group, member)

    def _predict(self, on: On, batch: RunningBatch) -> list[tuple[Member, torch.Tensor]]:
        """Predict for as many members as there is time and memory for; when one alone does not fit, it fails."""
        pixels = batch.shape.pixels
        members = scaled(shared_out(batch.members, self.pace.room(pixels)))
        if not members:
            return []
        rows = sum(2 if member.opening.negative else 1 for member in members)
        try:
            with engine_errors(TOO_LARGE), self.clock.measured(partial(self.pace.took, pixels, len(members), rows)):
                return list(zip(members, batch.predict(on, members), strict=True))
        except OutOfMemory as error:
            shortage = str(error)  # no more of it: an error keeps the failed call's tensors alive
        except DeviceLost:
            raise
        except Exception:  # noqa: BLE001 - one of them is to blame, and each is told what is its own
            return one_by_one(on, batch, members)
        self.weights.residency.release_idle()
        if self.pace.overflowed(pixels, len(members)):
            return self._predict(on, batch)
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


def enter(on: On, member: Member) -> None:
    """Let a picture enter its phase, which the first of its generation opens for the others."""
    generation, later = member.generation, member.phases[member.at + 1 :]
    if member.phase not in generation.openings:
        generation.openings[member.phase] = open_phase(on, generation.spec, member.phase, later)
    member.enter(on, generation.openings[member.phase])


def show(on: On, member: Member) -> None:
    """Hand over a preview if one is due; an unfinished picture that cannot be shown is no error."""
    if member.sight and member.generation.on_preview:
        number, latents = member.sight
        with suppress(InvalidOutput, OutOfMemory), engine_errors(TOO_LARGE):
            member.generation.on_preview(member.index, number, preview(on.vae, latents))


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
