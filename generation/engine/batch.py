"""The running batch: pictures denoised together, each with its own scheduler, steps, seed and guidance."""

import torch
from diffusers import UNet2DConditionModel

from generation.engine.conditioning import Conditioning
from generation.engine.member import Member


class RunningBatch:
    """Denoises at most `room` members at once, the others wait; they need to agree in size and prompt chunks only."""

    def __init__(self, unet: UNet2DConditionModel, room: int) -> None:
        self.unet = unet
        self.room = room
        self.members: list[Member] = []
        self.waiting: list[Member] = []
        self._narrowed = False

    def join(self, member: Member) -> None:
        """Let a picture join between two steps."""
        self.waiting.append(member)

    @property
    def steps_left(self) -> int:
        """Return how many steps all members will take if no one else joins."""
        everyone = [member.steps_left for member in self.members + self.waiting]
        return sum(max(everyone[start : start + self.room]) for start in range(0, len(everyone), self.room))

    @torch.inference_mode()
    def step(self) -> list[Member]:
        """Take every member one step on; return those that are done, which leave."""
        free = self.room - len(self.members)
        self.members += self.waiting[:free]
        self.waiting = self.waiting[free:]
        noises = self._predict_within_memory()
        for member, noise in zip(self.members, noises, strict=True):
            member.advance(noise)
        done = [member for member in self.members if not member.steps_left]
        self.members = [member for member in self.members if member.steps_left]
        return done

    def _predict_within_memory(self) -> list[torch.Tensor]:
        """Predict; when memory runs out the first time, with half the members, who have lost nothing yet."""
        try:
            return self._predict()
        except torch.OutOfMemoryError:
            if self._narrowed:
                raise
        # Out here, because the handler's traceback keeps the failed call's tensors alive.
        self._narrowed = True
        self.room = max(1, len(self.members) // 2)
        self.waiting = self.members[self.room :] + self.waiting
        self.members = self.members[: self.room]
        torch.cuda.empty_cache()
        return self._predict()

    def _predict(self) -> list[torch.Tensor]:
        """Return each member's noise from one UNet call, which has a row per member and another per guided member."""
        guided = {member: member.negative for member in self.members if member.negative}
        rows = [*guided.items(), *((member, member.positive) for member in self.members)]
        noise = self._call_unet(rows).split(1)
        unconditional = dict(zip(guided, noise[: len(guided)], strict=True))
        conditional = dict(zip(self.members, noise[len(guided) :], strict=True))
        return [guide(member.guidance_scale, conditional[member], unconditional.get(member)) for member in self.members]

    def _call_unet(self, rows: list[tuple[Member, Conditioning]]) -> torch.Tensor:
        latents = [member.scheduler.scale_model_input(member.latents, member.timestep) for member, _ in rows]
        timesteps = torch.stack([member.timestep.float() for member, _ in rows])
        output = self.unet(
            torch.cat(latents).to(self.unet.dtype),
            timesteps.to(self.unet.device, non_blocking=True),
            encoder_hidden_states=torch.cat([conditioning.context for _, conditioning in rows]),
            added_cond_kwargs={
                "text_embeds": torch.cat([conditioning.pooled for _, conditioning in rows]),
                "time_ids": torch.cat([conditioning.time_ids for _, conditioning in rows]),
            },
            return_dict=False,
        )[0]
        return output.float()


def guide(scale: float, conditional: torch.Tensor, unconditional: torch.Tensor | None) -> torch.Tensor:
    """Move the prediction away from the negative prompt's by the guidance scale (classifier-free guidance)."""
    if unconditional is None:
        return conditional
    return unconditional + scale * (conditional - unconditional)
