"""What a caller of the engine may rely on: seeds, counts, reports, clean endings and honest failures."""

import numpy as np
import pytest
import torch

from generation.engine.engine import Engine, Options
from generation.engine.errors import InvalidOutput, OutOfMemory
from generation.engine.spec import MAX_SEED, StepReport
from tests.engine.conftest import generate, levels


def test_pictures_of_one_generation_equal_the_same_seeds_asked_alone(engine, draw, ask):
    together = generate(engine, ask(n=3, seed=11))
    assert [(picture.index, picture.seed) for picture in together] == [(0, 11), (1, 12), (2, 13)]
    for picture in together:
        alone = draw(ask(seed=picture.seed))[0]
        assert np.abs(levels(picture.image) - alone).max() <= 1


def test_seeds_wrap_around_after_the_last(engine, ask):
    pictures = generate(engine, ask(n=2, seed=MAX_SEED, steps=1))
    assert [picture.seed for picture in pictures] == [MAX_SEED, 0]


@pytest.mark.parametrize("n", [1, 3])
def test_every_step_is_reported_once(engine, ask, n):
    reports = []
    generate(engine, ask(n=n, steps=5), reports.append)
    assert reports == [StepReport(step, 5) for step in range(1, 6)]


def test_pictures_too_large_to_draw_at_once_are_drawn_in_turn(tiny, draw, ask):
    expected = draw(ask(n=3))
    small, reports = Engine(str(tiny), Options(device="cpu", most_pixels=2 * 64 * 64)), []
    pictures = generate(small, ask(n=3, steps=4), reports.append)
    assert [report.step for report in reports] == [0, 1, 2, 2, 3, 3, 3, 4]
    assert all(np.abs(levels(picture.image) - expected[picture.index]).max() <= 1 for picture in pictures)


def test_an_exception_from_on_step_stops_at_once_and_leaves_the_engine_clean(engine, draw, ask):
    class Cancelled(Exception):
        pass

    def cancel(report: StepReport) -> None:
        if report.step == 2:
            raise Cancelled

    before = draw(ask())[0]
    with pytest.raises(Cancelled):
        generate(engine, ask(seed=99, n=2), cancel)
    assert np.array_equal(draw(ask())[0], before)


def test_words_beyond_the_77th_token_change_the_picture(draw, ask):
    long = "x" * 80
    shown, changed = draw(ask(prompt=f"{long} cat"))[0], draw(ask(prompt=f"{long} dog"))[0]
    assert np.abs(shown - changed).max() > 1


def test_a_negative_prompt_may_be_longer_than_the_prompt(draw, ask):
    long = "x" * 200
    shown, changed = draw(ask(negative_prompt=f"{long} cat"))[0], draw(ask(negative_prompt=f"{long} dog"))[0]
    assert np.abs(shown - changed).max() > 1


def test_values_that_are_no_numbers_never_become_a_picture(unet, draw, ask):
    before = draw(ask())[0]
    poisoned = unet.conv_out.register_forward_hook(lambda module, given, output: output * torch.nan)
    with poisoned, pytest.raises(InvalidOutput, match="another seed"):
        draw(ask())
    assert np.array_equal(draw(ask())[0], before)


def test_when_memory_runs_out_half_the_pictures_are_drawn_at_once(engine, draw, ask, memory_for):
    expected = draw(ask(n=4))
    with memory_for(rows=4):
        pictures = generate(engine, ask(n=4))
    assert [picture.index for picture in pictures] == [0, 1, 2, 3]
    assert all(np.abs(levels(picture.image) - expected[picture.index]).max() <= 1 for picture in pictures)


def test_when_not_even_one_picture_fits_the_generation_fails(draw, ask, memory_for):
    with memory_for(rows=1), pytest.raises(OutOfMemory, match="smaller one"):
        draw(ask(n=4))
    assert len(draw(ask(n=4))) == 4


def test_a_picture_too_large_to_decode_in_one_piece_is_decoded_in_tiles(vae, draw, ask):
    def refuse_more_than_a_tile(module: torch.nn.Module, given: tuple[torch.Tensor]) -> None:
        if given[0].shape[-1] > 8:
            raise torch.OutOfMemoryError

    with vae.decoder.register_forward_pre_hook(refuse_more_than_a_tile):
        tiled = draw(ask(width=96))[0]
    assert np.abs(tiled - draw(ask(width=96))[0]).mean() < 40  # random weights: only the shapes are sure
