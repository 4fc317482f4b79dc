"""The running batch draws unlike pictures together: each comes out as if it were alone."""

import torch

from generation.engine.batch import RunningBatch
from generation.engine.member import members_of
from tests.engine.conftest import denoised, latents_of

TOLERANCE = 1e-5  # of the largest latent: float32 sums in another batch size


def assert_as_if_alone(engine, member, spec):
    alone = latents_of(engine, spec)
    assert torch.allclose(member.latents, alone, rtol=0, atol=TOLERANCE * alone.abs().max())


def test_members_share_neither_scheduler_nor_steps_nor_guidance(engine, ask):
    specs = [
        ask(steps=6),
        ask(scheduler="DPMSolverMultistepScheduler", steps=3, guidance_scale=2.0, negative_prompt="grey"),
        ask(scheduler="EulerAncestralDiscreteScheduler", seed=3),
        ask(scheduler="DDIMScheduler", guidance_scale=1.0, prompt="a boat"),
    ]
    members = denoised(engine, [members_of(engine.sdxl, spec)[0] for spec in specs])
    for member, spec in zip(members, specs, strict=True):
        assert_as_if_alone(engine, member, spec)


def test_a_member_may_join_and_leave_between_two_steps(engine, ask):
    early, late = ask(steps=4), ask(steps=3, seed=8)
    batch = RunningBatch(engine.sdxl.unet, room=2)
    (first,), (second,) = members_of(engine.sdxl, early), members_of(engine.sdxl, late)
    batch.join(first)
    batch.step()
    batch.step()
    batch.join(second)
    assert [batch.step(), batch.step(), batch.step()] == [[], [first], [second]]
    assert_as_if_alone(engine, first, early)
    assert_as_if_alone(engine, second, late)
