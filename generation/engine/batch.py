"""The running batch: pictures denoised together, each with its own scheduler, steps, seed and guidance."""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass

import torch

from generation.engine.conditioning import Conditioning
from generation.engine.controls import residuals
from generation.engine.member import Member
from generation.engine.weight_set import On


@dataclass(frozen=True)
class Shape:
    """What the members of one batch agree in, beside their weights: size in pixels, and the context's tokens.

    Who is to be drawn exactly is `alone`: what a row comes to depends a little on how many there are.
    """

    width: int
    height: int
    tokens: int
    alone: int = 0

    @classmethod
    def of(cls, member: Member) -> "Shape":
        """Return the shape of a member."""
        phase, tokens = member.phase, member.opening.positive.context.shape[1]
        return cls(phase.width, phase.height, tokens, id(member) if member.generation.spec.exact else 0)

    @property
    def pixels(self) -> int:
        return self.width * self.height


class RunningBatch:
    """Members that join and leave between two steps; those due first come first."""

    def __init__(self, shape: Shape, *, padded: bool = False) -> None:
        """Begin empty; `padded` rounds the rows of a call up to a power of two, for a compiled UNet."""
        self.shape, self.padded = shape, padded
        self.members: list[Member] = []
        self._stacked: tuple[list[Conditioning], Conditioning] | None = None

    def join(self, member: Member) -> None:
        """Let a picture join; it steps with the others, or before them if it is due earlier."""
        insort(self.members, member, key=lambda each: each.generation.due)

    def keep(self, wanted: Callable[[Member], bool]) -> None:
        """Let all others leave."""
        self.members = [member for member in self.members if wanted(member)]

    @property
    def due(self) -> float:
        """Return when the first member is due."""
        return self.members[0].generation.due

    @torch.inference_mode()
    def predict(self, on: On, members: list[Member]) -> list[torch.Tensor]:
        """Return each member's noise from one UNet call, which has a row per member and another per guided member.

        The models are the caller's: while a batch is paused, its checkpoint may leave the memory and be read again.
        """
        guided = {member: member.opening.negative for member in members if member.opening.negative}
        rows = [*guided.items(), *((member, member.opening.positive) for member in members)]
        noise = self._call_unet(on, rows).split(1)
        unconditional = dict(zip(guided, noise[: len(guided)], strict=True))
        conditional = dict(zip(members, noise[len(guided) :], strict=True))
        return [guide(each.phase.guidance_scale, conditional[each], unconditional.get(each)) for each in members]

    def _call_unet(self, on: On, rows: list[tuple[Member, Conditioning]]) -> torch.Tensor:
        count = len(rows)
        if self.padded:
            rows = rows + rows[-1:] * (2 ** (count - 1).bit_length() - count)
        timesteps = torch.stack([member.timestep.float() for member, _ in rows])
        stacked = self._stack([each for _, each in rows])
        inputs = (
            torch.cat([member.scaled for member, _ in rows]).to(on.unet.dtype),
            timesteps.to(on.unet.device, non_blocking=True),
        )
        conditioning = {
            "encoder_hidden_states": stacked.context,
            "added_cond_kwargs": {"text_embeds": stacked.pooled, "time_ids": stacked.time_ids},
        }
        followed = [(member.opening.follows, member.step, len(member.opening.levels)) for member, _ in rows]
        steering = residuals(on.controlnets, followed, inputs, conditioning)
        output = on.unet(*inputs, return_dict=False, **conditioning, **steering)[0]
        return output[:count].float()

    def _stack(self, rows: list[Conditioning]) -> Conditioning:
        """Lay the rows' conditioning out as one batch; between two changes of members it stays as it is."""
        if self._stacked is None or self._stacked[0] != rows:
            parts = ("context", "pooled", "time_ids")
            together = Conditioning(*(torch.cat([getattr(row, part) for row in rows]) for part in parts))
            self._stacked = (rows, together)
        return self._stacked[1]


def guide(scale: float, conditional: torch.Tensor, unconditional: torch.Tensor | None) -> torch.Tensor:
    """Move the prediction away from the negative prompt's by the guidance scale (classifier-free guidance)."""
    if unconditional is None:
        return conditional
    return unconditional + scale * (conditional - unconditional)
