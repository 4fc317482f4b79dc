"""Pictures go from phase to phase, each at its own pace; however they are cut, no step is lost or taken twice."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from generation.engine.engine import Engine
from generation.engine.errors import DeviceLost, OutOfMemory
from generation.engine.options import Options
from generation.engine.phases import phases_of, window
from generation.engine.schedulers import fresh_scheduler, next_latents
from generation.engine.spec import SCHEDULERS, Control, Hires, Refine
from tests.engine.companions import learnt_controlnet, picture, right_half
from tests.engine.conftest import begin, generate, latents_of, levels
from tests.weights.shortage import OutOfMemoryAt
from tests.weights.tiny_others import make_tiny_refiner

TOLERANCE = 1e-5  # of the largest latent: float32 sums in another batch size
SECOND_ORDER = ("HeunDiscreteScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler")


@pytest.fixture(scope="module")
def refine(tmp_path_factory):
    """The refiner that begins at a part of the denoising."""
    folder = make_tiny_refiner(tmp_path_factory.mktemp("refiner") / "refiner", shares=True)
    return lambda start: Refine("refiner", str(folder), start, 3.0)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """A ControlNet that follows a picture."""
    folder = learnt_controlnet(tmp_path_factory.mktemp("controlnet") / "lines", seed=3)
    return Control("lines", str(folder), picture(2), 0.8)


@pytest.fixture(scope="module")
def everything(ask, refine, lines, lora):
    """A spec of all kinds at once."""
    return ask(
        init_image=picture(1),
        mask=right_half(),
        mask_blur=2,
        strength=0.7,
        controls=(lines,),
        refiner=refine(0.7),
        hires=Hires(1.5, 0.6),
        loras=(lora(1, 0.5),),
        steps=6,
    )


@pytest.fixture
def assert_as_if_alone(engine):
    """Compare the first picture with the same spec drawn alone."""

    def compare(generation):
        ours, alone = generation.kept[0].latents, latents_of(engine, generation.spec)
        assert torch.allclose(ours, alone, rtol=0, atol=TOLERANCE * alone.abs().max())

    return compare


def finish(engine):
    while not engine.batches.is_idle:
        engine.batches.turn()


def windows(spec):
    """The phases' windows on one scheduler."""
    scheduler = fresh_scheduler(spec.scheduler, {}, spec.steps)
    return scheduler, [window(scheduler, spec.steps, phase) for phase in phases_of(spec)]


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("start", [0.0, 0.01, 0.5, 0.8, 0.99, 1.0])
def test_the_refiner_begins_where_the_base_ends(ask, refine, scheduler, start):
    asked, (base, refined) = windows(ask(refiner=refine(start), scheduler=scheduler, steps=7))
    assert (base.start, base.stop, refined.stop) == (0, refined.start, len(asked.timesteps))


@pytest.mark.parametrize("scheduler", SECOND_ORDER)
@pytest.mark.parametrize("start", [0.2, 0.45, 0.8])
def test_no_step_of_second_order_is_cut_in_the_middle(ask, refine, scheduler, start):
    asked, (base, _) = windows(ask(refiner=refine(start), scheduler=scheduler, steps=7))
    assert base.stop % 2 == 0 or base.stop == len(asked.timesteps)


def denoised(spec, windows_of_phases):
    """Latents after these windows, each with a scheduler that has just begun, and one model for all."""
    latents, chance = torch.ones(1, 4, 8, 8), torch.Generator().manual_seed(1)
    for each in windows_of_phases:
        scheduler = fresh_scheduler(spec.scheduler, {}, spec.steps)
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(each.start)
        for timestep in scheduler.timesteps[each]:
            noise = torch.tanh(scheduler.scale_model_input(latents, timestep) + timestep / 1000)
            latents = next_latents(scheduler, noise, timestep, latents, chance)
    return latents


@pytest.mark.parametrize("scheduler", ["EulerDiscreteScheduler", "DDIMScheduler", *SECOND_ORDER])
def test_handing_over_to_a_model_like_itself_changes_nothing(ask, refine, scheduler):
    spec = ask(refiner=refine(0.45), scheduler=scheduler, steps=7)
    asked, both = windows(spec)
    whole = denoised(spec, [slice(0, len(asked.timesteps))])
    assert torch.allclose(denoised(spec, both), whole, rtol=0, atol=TOLERANCE * whole.abs().max())


def test_unlike_kinds_are_drawn_together_as_if_alone(engine, ask, refine, lines, everything, assert_as_if_alone):
    specs = [
        everything,
        ask(),
        ask(init_image=picture(1), strength=0.5, seed=8),
        ask(init_image=picture(3), mask=right_half(), controls=(lines,), scheduler="DDIMScheduler"),
        ask(refiner=refine(0.5), scheduler="HeunDiscreteScheduler"),
        ask(hires=Hires(1.5, 0.5), seed=9),
        ask(controls=(replace(lines, start=0.5),), guidance_scale=1.0),
    ]
    generations = [begin(engine, spec)[0] for spec in specs]
    finish(engine)
    for generation in generations:
        assert_as_if_alone(generation)


@pytest.mark.parametrize("turns", [1, 4, 5, 6])
def test_a_picture_cancelled_in_any_phase_is_gone(engine, ask, refine, everything, assert_as_if_alone, turns):
    kept, _ = begin(engine, ask(refiner=refine(0.5)), due=1.0)
    unwanted, pictures = begin(engine, replace(everything, n=2))
    for _ in range(turns):
        engine.batches.turn()
    unwanted.cancel()
    finish(engine)
    assert (pictures, unwanted.members, unwanted.openings) == ([], [], {})
    assert_as_if_alone(kept)


def test_without_strength_the_picture_stays_and_no_step_is_taken(engine, ask, refine, draw):
    spec = ask(init_image=picture(1), strength=0.0)
    drawn, refined = draw(spec)[0], replace(spec, refiner=refine(0.5))
    assert np.array_equal(draw(refined)[0], drawn)
    generation, _ = begin(engine, refined)
    finish(engine)
    assert (generation.progress.step, generation.progress.steps) == (0, 0)


def test_ten_pictures_are_refined_each_as_if_alone(engine, ask, refine):
    spec = ask(n=10, refiner=refine(0.5))
    pictures = generate(engine, spec)
    assert [picture.index for picture in pictures] == list(range(10))
    for each in (pictures[0], pictures[9]):
        alone = generate(engine, replace(spec, n=1, seed=each.seed))[0]
        assert np.abs(levels(each.image) - levels(alone.image)).max() <= 1


def test_an_exact_picture_is_the_same_bits_whoever_else_is_drawn(engine, ask, lines, everything):
    exact = replace(everything, exact=True)
    alone, others = latents_of(engine, exact), (everything, ask(controls=(lines,)), replace(exact, seed=9))
    replayed, _ = begin(engine, exact, due=1.0)
    for other in others:
        begin(engine, other)
    finish(engine)
    assert torch.equal(replayed.kept[0].latents, alone)


def test_rows_that_pad_a_compiled_call_follow_their_lines_too(tiny, ask, draw, lines):
    spec = ask(n=3, controls=(lines,), guidance_scale=1.0)
    torch._dynamo.reset()
    padded = generate(Engine(str(tiny), Options(device="cpu", step_seconds=60, compile="eager")), spec)
    torch._dynamo.reset()
    assert max(np.abs(levels(one.image) - two).max() for one, two in zip(padded, draw(spec), strict=True)) <= 1


def test_a_device_lost_while_pictures_arrive_is_told_to_all_of_them(engine, ask):
    def lose(module, given):
        raise RuntimeError("CUDA error: an illegal memory access")

    generations = [begin(engine, ask(seed=seed))[0] for seed in range(3)]
    encoder = engine.weights.switch_to(generations[0].members[0].phase.weights).sdxl.text_encoder
    with encoder.register_forward_pre_hook(lose), pytest.raises(DeviceLost) as lost:
        engine.batches.turn()
    engine.batches.fail_all(lost.value)
    assert [isinstance(each.finished.exception(timeout=0), DeviceLost) for each in generations] == [True] * 3


def test_a_device_lost_while_a_picture_is_decoded_is_told_to_it(engine, vae, ask):
    def lose(module, given):
        raise RuntimeError("CUDA error: an illegal memory access")

    generation, _ = begin(engine, ask(steps=1))
    with vae.decoder.register_forward_pre_hook(lose), pytest.raises(DeviceLost):
        finish(engine)
    assert isinstance(generation.finished.exception(timeout=0), DeviceLost)


@pytest.fixture(scope="module")
def operations(warm_engine, everything):
    """How many operations of torch's everything takes, once its weights have been read."""
    latents_of(warm_engine, everything)
    counting = OutOfMemoryAt()
    with counting:
        latents_of(warm_engine, everything)
    return counting.passed


@pytest.mark.parametrize("part", [number / 23 for number in range(24)])
def test_memory_that_runs_out_anywhere_costs_that_picture_at_most(engine, ask, everything, operations, part):
    expected = latents_of(engine, everything)
    kept, _ = begin(engine, ask(), due=1.0)
    struck, _ = begin(engine, everything)
    with OutOfMemoryAt(int(part * operations)):
        finish(engine)
    assert isinstance(struck.finished.exception(timeout=0), OutOfMemory | None)
    kept.finished.result(timeout=0)
    assert torch.equal(latents_of(engine, everything), expected)
