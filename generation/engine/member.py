"""One picture on its way from noise to latents, through its phases: where it stands and how it goes on."""

from copy import deepcopy
from dataclasses import dataclass, field, replace

import torch
from diffusers import SchedulerMixin

from generation.engine.beginnings import Beginning, Noise, enlarged, from_noise, from_picture
from generation.engine.generation import Generation
from generation.engine.inpainting import Kept
from generation.engine.opening import Opening
from generation.engine.phases import Phase, phases_of
from generation.engine.previews import clean_estimate
from generation.engine.schedulers import next_latents
from generation.engine.weight_set import On


@dataclass(eq=False)
class Member:
    """A picture being denoised: latents are [1, channels, height / 8, width / 8] in fp32 on the UNet's device."""

    generation: Generation
    index: int
    seed: int
    phases: tuple[Phase, ...]
    at: int = 0  # which of its phases
    done: int = 0  # steps, in all phases
    step: int = 0  # in this phase
    timesteps: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    opening: Opening = field(init=False)
    scheduler: SchedulerMixin = field(init=False)
    generator: torch.Generator = field(init=False)
    latents: torch.Tensor = field(init=False)
    kept: Kept | None = None
    scaled: torch.Tensor | None = None  # what the UNet is shown in this step
    sight: tuple[int, torch.Tensor] | None = None  # a preview's number and latents, after the step that it is due at

    @property
    def phase(self) -> Phase:
        """Return the phase that it is in, or waits to enter."""
        return self.phases[self.at]

    @property
    def timestep(self) -> torch.Tensor:
        return self.timesteps[self.step]

    @property
    def rows(self) -> int:
        """Return how many rows of the UNet's call it takes."""
        return 2 if self.opening.negative else 1

    @property
    def steps_left(self) -> int:
        """Return how many steps of this phase are left."""
        return len(self.timesteps) - self.step

    @property
    def steps(self) -> int:
        """Return how many steps it takes in all phases."""
        ahead = self.opening.steps_ahead if hasattr(self, "opening") else self.generation.spec.steps
        return self.done + self.steps_left + ahead

    @property
    def has_more_phases(self) -> bool:
        return self.at + 1 < len(self.phases)

    def leave(self) -> None:
        """Be done with this phase, and wait to enter the next."""
        self.at, self.timesteps, self.step = self.at + 1, self.timesteps[:0], 0

    @torch.inference_mode()
    def enter(self, on: On, opening: Opening) -> None:
        """Begin the phase. Whatever it raises, the picture is as it was, and may try again."""
        scheduler = deepcopy(opening.scheduler)  # some take a quarter of a second to set up
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(opening.window.start)
        noise = Noise(scheduler, opening.levels, self._random_numbers())
        beginning = self._begin(on, noise)
        self.opening, self.scheduler, self.timesteps, self.generator = (
            opening,
            scheduler,
            scheduler.timesteps[opening.window],
            noise.generator,
        )
        self.latents, self.kept = beginning
        self.step = 0

    def _random_numbers(self) -> torch.Generator:
        """Return its generator: on the CPU, so that a seed gives the same noise on every device and in every batch."""
        if self.at == 0:
            return torch.Generator("cpu").manual_seed(self.seed)
        return torch.Generator("cpu").set_state(self.generator.get_state())

    def _begin(self, on: On, noise: Noise) -> Beginning:
        spec = self.generation.spec
        if self.phase.takes_over:
            return Beginning(self.latents, self.kept)
        if self.at > 0:
            return enlarged(on, spec, self.phase, self.latents, noise)
        if spec.init_image:
            return from_picture(on, spec.init_image, spec, self.phase, noise)
        return from_noise(on, self.phase, noise)

    @torch.inference_mode()
    def scale(self) -> None:
        """Prepare a step."""
        self.scaled = self.scheduler.scale_model_input(self.latents, self.timestep)

    @torch.inference_mode()
    def advance(self, noise: torch.Tensor) -> None:
        """Take one step with the noise the UNet predicted."""
        self.sight = self._sight(noise)
        self.latents = next_latents(self.scheduler, noise, self.timestep, self.latents, self.generator)
        self.step += 1
        self.done += 1
        if self.kept:
            self.latents = self.kept.put_back(self.latents, self.scheduler, self._level())

    def _level(self) -> torch.Tensor | None:
        """Return the timestep that the latents are at now, None at the end of the denoising."""
        place = self.opening.window.start + self.step
        return self.scheduler.timesteps[place] if place < len(self.scheduler.timesteps) else None

    def _sight(self, noise: torch.Tensor) -> tuple[int, torch.Tensor] | None:
        """Return the number and the latents of the preview that is due after this step; they are spread evenly."""
        steps = self.steps
        count = min(self.generation.spec.previews, steps - 1)
        due = [steps * (number + 1) // (count + 1) for number in range(count)]
        if self.done + 1 not in due or self.scaled is None:
            return None
        return due.index(self.done + 1), clean_estimate(self.scheduler, self.scaled, noise, self.timestep)


def another_try(member: Member, dtype: str) -> Member:
    """Return the same picture at its beginning, to be drawn with weights of another dtype."""
    phases = [replace(phase, weights=replace(phase.weights, dtype=dtype)) for phase in member.phases]
    return Member(member.generation, member.index, member.seed, tuple(phases))


def members_of(generation: Generation) -> list[Member]:
    """Make a member for each of the generation's pictures."""
    spec = generation.spec
    phases = phases_of(spec)
    return [Member(generation, index, spec.seed_of(index), phases) for index in range(spec.n)]
