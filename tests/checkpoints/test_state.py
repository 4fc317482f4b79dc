"""Does a stage survive being stopped?"""

import pytest
import torch

from checkpoints.recipe import state


def test_a_stage_that_has_not_begun_has_no_state(tmp_path):
    assert state.load(tmp_path / "unet.pt") is None


def test_a_saved_state_comes_back(tmp_path):
    state.save(tmp_path / "unet.pt", {"steps": 3, "weights": torch.ones(2)})

    assert state.load(tmp_path / "unet.pt")["steps"] == 3


def test_a_save_that_dies_leaves_the_earlier_state(tmp_path):
    state.save(tmp_path / "unet.pt", {"steps": 3})

    with pytest.raises((AttributeError, TypeError)):
        state.save(tmp_path / "unet.pt", {"steps": lambda: 4})

    assert state.load(tmp_path / "unet.pt") == {"steps": 3}


def test_a_clock_goes_on_from_the_time_already_spent():
    assert state.Clock(minutes=2, spent=60).progress == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("progress", "step", "rate"), [(0.0, 0, 0.01), (0.0, 99, 1.0), (0.4, 999, 1.0), (0.7, 999, 0.51), (1.0, 999, 0.02)]
)
def test_the_learning_rate_warms_up_holds_and_falls(progress, step, rate):
    assert state.learning_rate(1.0, progress, step, warmup=100, hold=0.4) == pytest.approx(rate)
